import { hash } from 'node:crypto'
import { homedir, hostname, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { liveLog } from './adapters/log/stages.ts'
import { terminalSink } from './adapters/log/terminal.ts'
import { onSignals } from './adapters/signals.ts'
import { errorCodes, exitCodeOf, LaunchwayError, stackOf, told } from './core/error.ts'
import { nearest } from './core/nearest.ts'
import { keysOf } from './core/objects.ts'
import type { Log, Ports } from './core/ports.ts'
import type { Release } from './core/release.ts'
import { redact, type Secret } from './core/secret.ts'
import { type StageName, stageNames } from './core/stages.ts'
import { runSteps, stepsOf } from './pipeline.ts'
import { openPorts } from './ports.ts'
import { common, type Flag, flags, flagsOf, type Verb, verbs } from './verbs.ts'
import { version } from './version.ts'

interface Asked {
  verb: Verb
  /** What follows the verb, where it takes something. */
  argument: string
  config: string
  environment?: string
  ref?: string
  release: string
  json: boolean
  debug: boolean
}

/** What a verb comes to. */
interface Answer {
  text: string
  /** The same, for `--json`. */
  json: unknown
  /** What it failed of all the same. */
  error?: Error | undefined
  /** The exit code, where the answer tells all failures by itself. */
  exit?: number
}

/** The door of a terminal. The answer goes to standard output, everything else to the error stream. */
export async function cli(args: string[]): Promise<void> {
  const secrets: Secret[] = []
  const say = (debug: boolean): Log => liveLog(terminalSink(process.stderr, { debug, secrets: () => secrets }))
  const cancel = new AbortController()
  let log = say(false)
  let close = (): void => undefined
  onSignals(
    cancel,
    (signal) => log.notice(`${signal}: what runs is being ended; once more, and launchway ends at once`),
    () => close(),
  )
  const fail = (error: unknown): void => {
    process.exitCode = exitCodeOf(error)
    if (error instanceof LaunchwayError) log.error(error)
    else process.stderr.write(`A bug in launchway:\n${redact(stackOf(error), secrets)}\n`)
  }
  try {
    const asked = parse(args, process.cwd())
    if (typeof asked === 'string') return void process.stdout.write(asked)
    log = say(asked.debug)
    const who = `${userInfo().username}@${hostname()}`
    const onSecret = (secret: Secret): void => void secrets.push(secret)
    const ports = openPorts({ env: process.env, log, root: process.cwd(), who, signal: cancel.signal, onSecret, github: false })
    close = ports.close
    const answer = (await answers[asked.verb]?.(asked, ports)) ?? { text: help(), json: {} }
    process.stdout.write(asked.json ? json(answer.json) : answer.text)
    if (answer.exit !== undefined) process.exitCode = answer.exit
    if (answer.error !== undefined) fail(answer.error)
  } catch (error) {
    // Also where the command line itself could not be understood: who asked for JSON reads nothing else.
    if (args.includes('--json')) process.stdout.write(json({ error: told(error, (text) => redact(text, secrets)) }))
    fail(error)
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
      hint: meant === undefined ? seeHelp : `Did you mean "launchway ${meant}"?`,
    })
  }
  const entry = verbs[verb]
  if ('later' in entry)
    throw new LaunchwayError('NOT_YET', `launchway ${verb} (${entry.later}) is not in this version`, {
      hint: 'The name is reserved: see docs/reference/cli.md for what there is.',
    })
  const argument = 'argument' in entry ? entry.argument : undefined
  const [first, ...more] = argument === undefined ? ['', ...rest] : rest
  if (first === undefined) throw new LaunchwayError('USAGE', `launchway ${verb} needs a ${argument}`, { hint: seeHelp })
  if (more.length > 0) throw new LaunchwayError('USAGE', `launchway ${verb} takes no "${more.join(' ')}"`, { hint: seeHelp })
  const wrong = keysOf(values).find((flag) => !common.includes(flag) && !flagsOf(verb).includes(flag))
  if (wrong !== undefined) throw new LaunchwayError('USAGE', `launchway ${verb} takes no --${wrong}`, { hint: whereItGoes(wrong, verb) })
  return {
    verb,
    argument: first,
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
    if (flag === undefined) throw new LaunchwayError('USAGE', cause.message, { hint: seeHelp })
    const meant = nearest(flag, Object.keys(flags))
    throw new LaunchwayError('USAGE', `there is no option ${dashes}${flag}`, {
      hint: meant === undefined ? seeHelp : `Did you mean --${meant}?`,
    })
  }
}

/** Which verbs take a flag; and for a stage alone, where to say what it should do. */
function whereItGoes(flag: Flag, verb: Verb): string {
  const takers = keysOf(verbs).filter((one) => flagsOf(one).includes(flag))
  const planned = stageNames.some((stage) => stage === verb && !['plan', 'report'].includes(stage))
    ? `\nlaunchway ${verb} does what was planned: launchway plan --${flag} …`
    : ''
  return `--${flag} goes with ${takers.map((one) => `launchway ${one}`).join(', ')}.${planned}`
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
const answers: Partial<Record<Verb, (asked: Asked, ports: Ports) => Promise<Answer>>> = {
  plan: planned,
  run: (asked, ports) => release(asked, undefined, ports),
  build: (asked, ports) => release(asked, 'build', ports),
  smoke: (asked, ports) => release(asked, 'smoke', ports),
  scan: (asked, ports) => release(asked, 'scan', ports),
  push: (asked, ports) => release(asked, 'push', ports),
  deploy: (asked, ports) => release(asked, 'deploy', ports),
  redeploy,
  status,
  rollback,
  report,
}

async function planned(asked: Asked, ports: Ports): Promise<Answer> {
  const [{ showPlan }, start] = [await import('./plan/index.ts'), await begin(asked, ports)]
  await save(asked.release, start, ports)
  return { text: `${showPlan(start)}\n`, json: start }
}

/** @param stage to run alone; the whole pipeline without one */
async function release(asked: Asked, stage: StageName | undefined, ports: Ports): Promise<Answer> {
  const start = stage === undefined ? await begin(asked, ports) : await readRecord(asked.release, ports)
  if (stage === 'build') await (await import('./plan/index.ts')).requireSameTree(start, ports)
  return perform(asked, stage, start, ports)
}

async function redeploy(asked: Asked, ports: Ports): Promise<Answer> {
  const { startRedeploy } = await import('./plan/index.ts')
  const start = await startRedeploy(asked.config, asked.argument, { environment: asked.environment }, ports)
  return perform(asked, undefined, start, ports)
}

async function perform(asked: Asked, stage: StageName | undefined, start: Release, ports: Ports): Promise<Answer> {
  ports.log.info((await import('./plan/index.ts')).showPlan(start))
  if (start.outcome.state === 'nothing-to-do') {
    await save(asked.release, start, ports)
    return { text: `nothing to do: ${start.outcome.message ?? ''}\n`, json: start }
  }
  const ran = await runSteps(stepsOf(stage), start, ports)
  await save(asked.release, ran.release, ports)
  const text = ran.error === undefined ? `${ending(ran.release)}\nrecord: ${asked.release}\n` : ''
  return { text, json: ran.release, error: ran.error }
}

async function report(asked: Asked, ports: Ports): Promise<Answer> {
  const [{ summary }, record] = [await import('./report/index.ts'), await readRecord(asked.release, ports)]
  return { text: summary(record), json: record }
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

async function status(asked: Asked, ports: Ports): Promise<Answer> {
  const [{ findEnvironment }, { status: look, showStatus }] = await Promise.all([import('./plan/index.ts'), import('./deploy/index.ts')])
  const { app, environment } = await findEnvironment(asked.config, asked.environment, ports)
  const hosts = await look(app, environment, ports)
  const failed = hosts.find(({ error }) => error !== undefined)?.error
  return { text: `${showStatus(hosts)}\n`, json: hosts, exit: failed === undefined ? 0 : errorCodes[failed.code].exit }
}

async function rollback(asked: Asked, ports: Ports): Promise<Answer> {
  const [{ findEnvironment }, { rollback: goBack }] = await Promise.all([import('./plan/index.ts'), import('./deploy/index.ts')])
  const { app, environment } = await findEnvironment(asked.config, asked.environment, ports)
  const returned = await goBack(app, environment, ports)
  const { version: to, url } = returned
  return { text: `${app} is back at ${to} in ${environment.name}${url === undefined ? '' : `: ${url}`}\n`, json: returned }
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

const seeHelp = '`launchway --help` lists the verbs and their options.'

function help(): string {
  const row = (left: string, right: string): string => `  ${left.padEnd(24)}${right}`
  const named = (list: readonly Flag[]): string => list.map((flag) => `--${flag}`).join(' ')
  const now = keysOf(verbs).flatMap((verb) => {
    const entry = verbs[verb]
    return 'says' in entry ? [row('argument' in entry ? `${verb} ${entry.argument}` : verb, entry.says), row('', named(entry.takes))] : []
  })
  const later = keysOf(verbs).filter((verb) => 'later' in verbs[verb])
  const options = Object.entries(flags).map(([flag, entry]) =>
    row(`--${flag}${'value' in entry ? ` ${entry.value}` : ''}${'short' in entry ? `, -${entry.short}` : ''}`, entry.says),
  )
  return [
    'launchway: from a git push to a version that runs on your own server',
    'launchway VERB [OPTION…]',
    now.join('\n'),
    `Every verb takes ${named(common)}.`,
    options.join('\n'),
    `Reserved for later versions: ${later.join(', ')}`,
    'Exit codes: docs/reference/cli.md\n',
  ].join('\n\n')
}
