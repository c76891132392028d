import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { LaunchwayError } from '../../../src/core/error.ts'
import type { Exec, Ports } from '../../../src/core/ports.ts'
import { type InitOptions, init } from '../../../src/init/index.ts'
import { localPorts, temporaryFolder } from './ports.ts'
import { commitNothing, gitInit } from './repository.ts'

export const commit = 'a'.repeat(40)
export const pin = `acme/launchway@${commit}`
export const dockerfile = 'FROM python:3\nEXPOSE 5000\nCMD ["gunicorn", "app:app"]\n'
/** Nobody listens there, so that no host key is found. */
export const host = 'deploy@127.0.0.1:1'

export interface Place {
  remote?: string
  branch?: string
  git?: string[][]
}

/** Of a folder: all that git knows of it, so that two with the same get the same answers. */
const places = new Map<string, string>()

/** A repository with one commit. */
export function repository(
  files: Record<string, string>,
  { remote = 'git@github.com:Team/Shop.git', branch = 'main', git = [] }: Place = {},
): string {
  const folder = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  gitInit(folder, branch)
  commitNothing(folder, branch)
  if (remote !== '') appendFileSync(join(folder, '.git/config'), `[remote "origin"]\n\turl = ${remote}\n`)
  for (const args of git) execFileSync('git', args, { cwd: folder, stdio: 'pipe' })
  places.set(folder, JSON.stringify([remote, branch, git]))
  return folder
}

export const options: InitOptions = {
  ...{ config: 'launchway.yml', given: { host, launchway: pin }, dockerfile: undefined, ci: undefined, trusted: [] },
  ...{ yes: true, force: false, anew: false, dryRun: false, program: '' },
}

export type Asked = Partial<Omit<InitOptions, 'given'>> & { given?: InitOptions['given'] }

export const run = (folder: string, { given = {}, ...more }: Asked = {}): ReturnType<typeof init> =>
  init({ ...options, ...more, given: { ...options.given, ...given } }, initPorts(folder))

/**
 * Those of this machine, which remember what git has said of a repository with the same history, and that no host key was
 * shown: what would be asked again for each test is asked once. What depends on the files in it is asked each time.
 */
function initPorts(folder: string): Ports {
  const { ports } = localPorts(folder)
  const place = places.get(folder)
  if (place === undefined) return ports
  const here = realpathSync(folder)
  const read: Exec['read'] = async (command) => {
    const { file, args, cwd } = command
    if (file !== 'git' || cwd !== folder || args.includes('check-ignore')) return ports.exec.read(command)
    const key = JSON.stringify([place, file, args])
    const known = answers.get(key) ?? ports.exec.read(command).then((said) => said.replaceAll(here, '<here>'))
    answers.set(key, known)
    return (await known).replaceAll('<here>', here)
  }
  const run: Exec['run'] = (command, how) => {
    if (command.file !== 'ssh-keyscan' || !command.args.includes('127.0.0.1')) return ports.exec.run(command, how)
    const key = JSON.stringify(command.args)
    const known = scans.get(key) ?? ports.exec.run(command, how)
    scans.set(key, known)
    return known
  }
  return { ...ports, exec: { ...ports.exec, read, run } }
}

const scans = new Map<string, ReturnType<Exec['run']>>()
const answers = new Map<string, Promise<string>>()

export async function refusal(folder: string, more: Asked = {}): Promise<{ code: string; message: string; hint: string | undefined }> {
  const error: unknown = await run(folder, more).then(
    () => 'it was not refused',
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof LaunchwayError)) throw error
  return { code: error.code, message: error.message, hint: error.hint }
}

export const read = (folder: string, path = 'launchway.yml'): string => readFileSync(join(folder, path), 'utf8')
/** Without comments, as a reader of the values has it. */
export const config = (folder: string): unknown => parse(read(folder))
export const workflow = (folder: string, name: string): Workflow => Workflow.parse(parse(read(folder, `.github/workflows/${name}`)))

const Step = z.looseObject({
  uses: z.string().default(''),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.string()).optional(),
})
const Job = z.looseObject({
  if: z.string().optional(),
  needs: z.string().optional(),
  environment: z.unknown().optional(),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.unknown().optional(),
  steps: z.array(Step),
})
export const Workflow = z.looseObject({ on: z.unknown().optional(), permissions: z.strictObject({}), jobs: z.record(z.string(), Job) })
export type Workflow = z.infer<typeof Workflow>

const compose = `
services:
  web:
    build: { context: ., target: runtime }
    image: ghcr.io/team/shop:\${TAG:-latest}
    ports: ['\${WEB_PORT:-8080}:8000']
    environment:
      SECRET_KEY: \${SECRET_KEY:?}
      DATABASE_URL: postgres://shop:example@db/shop
      REDIS_URL: redis://redis:6379/0
      LOG_LEVEL: info
    healthcheck: { test: [CMD, curl, --fail, 'http://localhost:8000/healthz'] }
    volumes: ['uploads:/srv/uploads', '.:/code']
    depends_on: { migrate: { condition: service_completed_successfully } }
  worker:
    build: { context: ., target: runtime }
    command: celery -A shop worker --loglevel "info"
  beat:
    build: { context: ., target: runtime }
    command: celery -A shop beat
  migrate:
    build: { context: ., target: runtime }
    command: flask db upgrade
  db:
    image: postgres:15
    ports: ['5432:5432']
    environment: [POSTGRES_DB=shop, POSTGRES_PASSWORD=example]
    healthcheck: { test: 'pg_isready -U shop && echo $$HOME' }
    volumes: ['pgdata:/var/lib/postgresql/data']
  redis: { image: 'redis:7' }
  adminer: { image: adminer }
  proxy: { image: 'nginx:1.27', ports: ['80:80'] }
  debug: { image: busybox, profiles: [debug] }
volumes: { pgdata: {}, uploads: {} }
`
export const shop = {
  Dockerfile: 'FROM python:3 AS runtime\nEXPOSE 8000\nFROM runtime AS dev\nCMD flask run --debug\n',
  'compose.yaml': compose,
}
