import { z } from 'zod'
import type { Site, System } from './system.ts'

const Result = z.object({ allocation: z.record(z.string(), z.string()), unhappiness: z.number(), version: z.string() })
type Result = z.infer<typeof Result>
const Answer = z.object({ status: z.string(), result: Result.nullable() })

/** Who gets which project, for the form of the page. */
const wishes = { projects: 'moon: 1\nmars: 2', people: 'ada: moon\nben: moon, mars' }

/** Queues a job through the page, for so many seconds. Returns the path of its answer. */
export async function queueJob(site: Site, seconds = 0): Promise<string> {
  const { body } = await site.ask('/jobs', { ...wishes, seconds: String(seconds) })
  const [, id] = /Job ([0-9a-f-]{36})/.exec(body) ?? []
  if (id === undefined) throw new Error(`the page queued no job: ${body}`)
  return `/api/jobs/${id}`
}

/** What the worker has found, once it has; by which version. */
export async function finished(site: Site, path: string, withinMs = 60_000): Promise<Result> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const { status, result } = Answer.parse(JSON.parse((await site.ask(path)).body))
    if (status === 'finished' && result !== null) return result
    if (status === 'failed' || status === 'unknown' || performance.now() > deadline) throw new Error(`the job of ${path} is ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export const projectAllocation: System = {
  branch: 'master',
  environment: 'production',
  port: '80',
  serverName: 'allocation.example.org',
  pulled: ['redis:7'],
  texts: { 'https://allocation.example.org': 'http://allocation.example.org' },
  secrets: {},
  prepare: () => Promise.resolve(),
  clear: () => Promise.resolve(),
  version: '/api/version',
  next: { 'app/version.py': ['1.0.0', '1.1.0'] },
  broken: {
    'app/version.py': ['1.1.0', '1.2.0'],
    'app/main.py': ['queue = Queue(connection=connection)', 'queue = Queue(connection=conection)'],
    'launchway.yml': ['smoke:', 'smoke: false\nx-smoke:'],
  },
  async use(site, version) {
    const job = await finished(site, await queueJob(site))
    const got = JSON.stringify(job)
    if (got !== JSON.stringify({ allocation: { ada: 'moon', ben: 'mars' }, unhappiness: 1, version }))
      throw new Error(`the worker found ${got}`)
  },
}
