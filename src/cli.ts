import { hash } from 'node:crypto'
import { homedir, hostname, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { liveLog } from './adapters/log/stages.ts'
import { terminalSink } from './adapters/log/terminal.ts'
import { cancelled, exitCodeOf, LaunchwayError } from './core/error.ts'
import { nearest } from './core/nearest.ts'
import type { Log, Ports } from './core/ports.ts'
import type { Release } from './core/release.ts'
import type { Secret } from './core/secret.ts'
import type { StageName } from './core/stages.ts'
import { runSteps, stepsOf } from './pipeline.ts'
import { openPorts } from './ports.ts'
import { flags, type Verb, verbs } from './verbs.ts'
import { version } from './version.ts'

interface Asked {
  verb: Verb
  config: string
  environment?: string
  ref?: string
  release: string
  json: boolean
  debug: boolean
}

/** The door of a terminal. The answer goes to standard output, everything else to the error stream. */
export async function cli(args: string[]): Promise<void> {
  const secrets: Secret[] = []
  const say = (debug: boolean): Log => liveLog(terminalSink(process.stderr, { debug, secrets: () => secrets }))
  const cancel = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancel.abort(cancelled(signal)))
  let log = say(false)
  let close = (): void => undefined
  try {
    const asked = parse(args, process.cwd())
    if (typeof asked === 'string') return void process.stdout.write(asked)
    log = say(asked.debug)
    const who = `${userInfo().username}@${hostname()}`
    const onSecret = (secret: Secret): void => void secrets.push(secret)
    const ports = openPorts({ env: process.env, log, root: process.cwd(), who, signal: cancel.signal, onSecret, github: false })
    close = ports.close
    process.stdout.write((await answers[asked.verb]?.(asked, ports)) ?? help())
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    if (error instanceof LaunchwayError) log.error(error)
    else process.stderr.write(`A bug in launchway:\n${error instanceof Error ? error.stack : String(error)}\n`)
  } finally {
    close()
  }
}

/** What was asked for, or the text that is the answer already. */
function parse(args: string[], root: string): Asked | string {
  const { values, positionals } = parsed(args)
  const [verb, ...rest] = positionals
  if (values.version === true) return `${version}\n`
  if (values.help === true || verb === undefined) return help()
  if (!isVerb(verb)) {
    const meant = nearest(verb, Object.keys(verbs))
    throw new LaunchwayError('USAGE', `there is no verb "${verb}"`, {
      hint: meant === undefined ? help() : `Did you mean "launchway ${meant}"?`,
    })
  }
  const entry = verbs[verb]
  if ('later' in entry)
    throw new LaunchwayError('NOT_YET', `launchway ${verb} (${entry.later}) is not in this version`, {
      hint: 'The name is reserved: see docs/reference/cli.md for what there is.',
    })
  if (rest.length > 0) throw new LaunchwayError('USAGE', `launchway ${verb} takes no "${rest.join(' ')}"`, { hint: help() })
  return {
    verb,
    config: values.config ?? 'launchway.yml',
    ...(values.environment === undefined ? {} : { environment: values.environment }),
    ...(values.ref === undefined ? {} : { ref: values.ref }),
    release: values.release ?? recordPath(root),
    json: values.json ?? false,
    debug: values.debug ?? false,
  }
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options: flags, allowPositionals: true })
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    const [, dashes = '', flag] = /^Unknown option '(--?)([^']+)'/.exec(cause.message) ?? []
    if (flag === undefined) throw new LaunchwayError('USAGE', cause.message, { hint: help() })
    const meant = nearest(flag, Object.keys(flags))
    throw new LaunchwayError('USAGE', `there is no option ${dashes}${flag}`, {
      hint: meant === undefined ? help() : `Did you mean --${meant}?`,
    })
  }
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(verbs, word)
}

/** One record for each working tree, outside of it: a file inside would change what is built. */
function recordPath(root: string): string {
  const asked = process.env['XDG_STATE_HOME'] ?? ''
  const state = asked === '' ? join(homedir(), '.local', 'state') : asked
  return join(state, 'launchway', `${basename(root)}-${hash('sha256', root).slice(0, 8)}`, 'release.json')
}

/** What each verb that is there does. */
const answers: Partial<Record<Verb, (asked: Asked, ports: Ports) => Promise<string>>> = {
  plan: planned,
  run: (asked, ports) => release(asked, undefined, ports),
  build: (asked, ports) => release(asked, 'build', ports),
  push: (asked, ports) => release(asked, 'push', ports),
  deploy: (asked, ports) => release(asked, 'deploy', ports),
  status,
  report,
}

async function planned(asked: Asked, ports: Ports): Promise<string> {
  const [{ showPlan }, start] = [await import('./plan/index.ts'), await begin(asked, ports)]
  await save(asked.release, start, ports)
  return asked.json ? json(start) : `${showPlan(start)}\n`
}

/** @param stage to run alone; the whole pipeline without one */
async function release(asked: Asked, stage: StageName | undefined, ports: Ports): Promise<string> {
  const { showPlan } = await import('./plan/index.ts')
  const start = stage === undefined ? await begin(asked, ports) : await readRecord(asked.release, ports)
  ports.log.info(showPlan(start))
  if (start.outcome.state === 'nothing-to-do') {
    await save(asked.release, start, ports)
    return asked.json ? json(start) : `nothing to do: ${start.outcome.message ?? ''}\n`
  }
  const ran = await runSteps(stepsOf(stage), start, ports)
  await save(asked.release, ran.release, ports)
  if (ran.error !== undefined) throw ran.error
  return asked.json ? json(ran.release) : `${ending(ran.release)}\nrecord: ${asked.release}\n`
}

async function report(asked: Asked, ports: Ports): Promise<string> {
  const [{ summary }, record] = [await import('./report/index.ts'), await readRecord(asked.release, ports)]
  return asked.json ? json(record) : summary(record)
}

async function begin(asked: Asked, ports: Ports): Promise<Release> {
  const { localTrigger, startRelease } = await import('./plan/index.ts')
  const { ref, environment } = asked
  const trigger = await localTrigger(
    { ...(ref === undefined ? {} : { ref }), ...(environment === undefined ? {} : { environment }) },
    ports,
  )
  return startRelease(asked.config, trigger, ports)
}

async function status(asked: Asked, ports: Ports): Promise<string> {
  const [{ status: look, showStatus }, start] = [await import('./deploy/index.ts'), await begin(asked, ports)]
  const { environment } = start.plan
  if (environment === undefined) {
    throw new LaunchwayError('USAGE', 'which environment?', {
      hint: `launchway status --environment NAME (${start.outcome.message ?? 'this branch is not deployed'})`,
    })
  }
  const hosts = await look(start.app, environment, ports)
  return asked.json ? json(hosts) : `${showStatus(hosts)}\n`
}

function ending({ app, plan, deploy, push }: Release): string {
  if (deploy !== undefined)
    return `${app} ${plan.version} is live in ${deploy.environment}${deploy.url === undefined ? '' : `: ${deploy.url}`}`
  const tags = (push?.references ?? []).map(({ reference }) => reference)
  return tags.length === 0 ? `${app} ${plan.version} is built` : `${app} ${plan.version} is pushed: ${tags.join(' ')}`
}

async function readRecord(path: string, ports: Ports): Promise<Release> {
  const text = (await ports.files.read(path))?.toString()
  if (text !== undefined) return (await import('./core/release.ts')).parseRelease(text, path)
  throw new LaunchwayError('RECORD_INVALID', `there is no release record at ${path}`, {
    hint: 'Run `launchway plan` first, or name the record with --release.',
  })
}

async function save(path: string, record: Release, ports: Ports): Promise<void> {
  await ports.files.write(path, json(record))
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function help(): string {
  const rows = (entries: [string, string][]): string => entries.map(([left, right]) => `  ${left.padEnd(22)}${right}`).join('\n')
  const now = Object.entries(verbs).flatMap(([verb, entry]): [string, string][] => ('says' in entry ? [[verb, entry.says]] : []))
  const later = Object.entries(verbs).flatMap(([verb, entry]) => ('later' in entry ? [verb] : []))
  const options = Object.entries(flags).map(([flag, entry]): [string, string] => [
    `--${flag}${'value' in entry ? ` ${entry.value}` : ''}${'short' in entry ? `, -${entry.short}` : ''}`,
    entry.says,
  ])
  return `launchway: from a git push to a version that runs on your own server\n\nlaunchway VERB [OPTION…]\n\n${rows(now)}\n\n${rows(options)}\n\nReserved for later versions: ${later.join(', ')}\n\nExit codes: docs/reference/cli.md\n`
}
