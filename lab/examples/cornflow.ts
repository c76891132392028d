import { z } from 'zod'
import type { Site, System } from './system.ts'

const Login = z.object({ token: z.string() })
const Made = z.object({ id: z.string() })
const Status = z.object({ state: z.int() })
const Solved = z.object({
  data: z.object({ assignment: z.array(z.object({ node: z.int(), color: z.int() })), solver: z.string() }),
})

/** A ring of five, which needs a third colour. */
const pairs = [0, 1, 2, 3, 4].map((n1) => ({ n1, n2: (n1 + 1) % 5 }))
const problem = { name: 'a ring', schema: 'graph_coloring' }
/** Of an execution that is queued, runs, or is not yet known. */
const unfinished = [0, -7]

const secrets = {
  SECRET_KEY: 'of-a-lab-that-nobody-else-has',
  FERNET_KEY: 'b2YtYS1sYWItb2YtYS1sYWItb2YtYS1sYWItMTIzNDU=',
  CORNFLOW_ADMIN_PWD: 'Of-a-lab-1',
  CORNFLOW_SERVICE_PWD: 'Of-a-lab-2',
  CORNFLOW_DB_PASSWORD: 'of-a-lab-3',
  AIRFLOW_PWD: 'Of-a-lab-4',
  AIRFLOW_DB_PASSWORD: 'of-a-lab-5',
}

/** Logs in, sends an instance and has it solved, as people's programs do. Which version of the solver has coloured the ring, and with how many colours. */
async function solved({ ask }: Site): Promise<{ solver: string; colors: number }> {
  const send = async <T>(as: z.ZodType<T>, path: string, body?: unknown, token?: string): Promise<T> => {
    const { status, body: text } = await ask(
      path,
      {},
      { json: body, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
    )
    if (status < 200 || status > 299) throw new Error(`${path}: ${status} ${text}`)
    return as.parse(JSON.parse(text))
  }
  const { token } = await send(Login, '/login/', { username: 'cornflow_admin', password: secrets.CORNFLOW_ADMIN_PWD })
  const instance = await send(Made, '/instance/', { ...problem, data: { pairs } }, token)
  const { id } = await send(Made, '/execution/', { ...problem, instance_id: instance.id, config: { timeLimit: 30 } }, token)
  const deadline = performance.now() + 120_000
  for (;;) {
    const { state } = await send(Status, `/execution/${id}/status/`, undefined, token)
    if (!unfinished.includes(state)) break
    if (performance.now() > deadline) throw new Error(`the execution has state ${state}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const { data } = await send(Solved, `/execution/${id}/data/`, undefined, token)
  const colorOf = new Map(data.assignment.map(({ node, color }) => [node, color]))
  if (pairs.some(({ n1, n2 }) => colorOf.get(n1) === colorOf.get(n2)))
    throw new Error(`neighbours have one colour: ${JSON.stringify(data)}`)
  return { solver: data.solver, colors: new Set(colorOf.values()).size }
}

/** Names and states of the containers that are not as they should be: anything but up, and healthy where it has a health check. */
export async function unwell({ app, onHost }: Site): Promise<string[]> {
  const lines = await onHost('docker', 'ps', '--filter', `label=launchway.app=${app}`, '--format', '{{.Names}} {{.Status}}')
  return lines.split('\n').filter((line) => line !== '' && !/ Up .*\(healthy\)$/.test(line))
}

export const cornflow: System = {
  branch: 'main',
  environment: 'production',
  port: '80',
  serverName: 'cornflow.example.org',
  bases: ['python:3.11-slim'],
  pulled: ['postgres:15'],
  texts: { 'https://cornflow.example.org': 'http://cornflow.example.org' },
  secrets,
  prepare: () => Promise.resolve(),
  clear: () => Promise.resolve(),
  version: '/version',
  next: {
    'cornflow/version.py': ['1.0.0', '1.1.0'],
    'airflow_config/dags/graph_coloring.py': ['VERSION = "1.0.0"', 'VERSION = "1.1.0"'],
  },
  broken: {
    'cornflow/version.py': ['1.1.0', '1.2.0'],
    'cornflow/wsgi.py': ['app = create_app(', 'app = creat_app('],
    'launchway.yml': ['smoke:', 'smoke: false\nx-smoke:'],
  },
  async use(site, version) {
    const got = await solved(site)
    if (got.solver !== version || got.colors !== 3)
      throw new Error(`the solver found ${JSON.stringify(got)}, not 3 colours with ${version}`)
    const airflow = await site.ask('/airflow/health')
    if (!/"scheduler":.*"status": ?"healthy"/s.test(airflow.body)) throw new Error(`Airflow is ${airflow.status} ${airflow.body}`)
    const not = await unwell(site)
    if (not.length > 0) throw new Error(`not well: ${not.join(', ')}`)
  },
}

/** The same with workers: Redis between them and the scheduler, and Flower. */
export const cornflowCelery: System = {
  ...cornflow,
  branch: 'celery',
  environment: 'celery',
  serverName: 'celery.cornflow.example.org',
  pulled: [...cornflow.pulled, 'redis:7'],
  texts: { 'https://celery.cornflow.example.org': 'http://celery.cornflow.example.org' },
  secrets: { ...secrets, REDIS_PASSWORD: 'of-a-lab-6' },
}
