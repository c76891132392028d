import { hash } from 'node:crypto'
import { homedir, hostname, userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { liveLog } from './adapters/log/stages.ts'
import { terminalSink } from './adapters/log/terminal.ts'
import { onSignals } from './adapters/signals.ts'
import { type Asked, answers, json } from './answers.ts'
import { exitCodeOf, LaunchwayError, stackOf, told } from './core/error.ts'
import { nearest } from './core/nearest.ts'
import { keysOf } from './core/objects.ts'
import type { Log } from './core/ports.ts'
import { redact, type Secret } from './core/secret.ts'
import { stageNames } from './core/stages.ts'
import { help, helpOf } from './help.ts'
import { openPorts } from './ports.ts'
import { buttons, common, type Flag, flags, flagsOf, initAnswers, type Verb, verbs } from './verbs.ts'
import { version, versionLine } from './version.ts'

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
    const asked = await parse(args, process.cwd())
    if (typeof asked === 'string') return void process.stdout.write(asked)
    log = say(asked.debug)
    const who = `${userInfo().username}@${hostname()}`
    const onSecret = (secret: Secret): void => void secrets.push(secret)
    const evidence = join(dirname(asked.release), 'launchway-evidence')
    const isAttended = process.stdin.isTTY && process.stderr.isTTY
    const ports = openPorts({
      ...{ env: process.env, log, root: process.cwd(), evidence, who, signal: cancel.signal },
      ...{ onSecret, github: asked.verb === 'doctor', isAttended },
    })
    close = ports.close
    const answer = (await answers[asked.verb]?.(asked, ports)) ?? { text: help(), json: {} }
    process.stdout.write(!asked.json ? answer.text : answer.json === undefined ? '' : json(answer.json))
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

async function ownVersion(): Promise<string> {
  const [{ checkoutOf }, { processExec }] = await Promise.all([import('./adapters/checkout.ts'), import('./adapters/exec.ts')])
  return `${versionLine(version, await checkoutOf(process.argv[1] ?? '', processExec))}\n`
}

/** What was asked for, or the text that is the answer already. */
function parse(args: string[], root: string): Asked | string | Promise<string> {
  const cut = args.includes('--') ? args.indexOf('--') : args.length
  const { values, positionals } = parsed(args.slice(0, cut))
  const command = args.slice(cut + 1)
  const [verb, ...rest] = verbsWithCommand.includes(positionals[0] ?? '') ? positionals : [...positionals, ...command]
  if (values.version === true) return ownVersion()
  if (verb === undefined) return help()
  if (verb === 'help') return rest[0] !== undefined && isVerb(rest[0]) ? helpOf(rest[0]) : help()
  if (!isVerb(verb)) {
    const meant = nearest(verb, Object.keys(verbs))
    throw new LaunchwayError('USAGE', `there is no verb "${verb}"`, {
      hint: meant === undefined ? seeHelp : `Did you mean "launchway ${meant}"?`,
    })
  }
  if (values.help === true) return helpOf(verb)
  const entry = verbs[verb]
  const argument = 'argument' in entry ? entry.argument : undefined
  const [first = argument?.startsWith('[') ? '' : undefined, ...more] = argument === undefined ? ['', ...rest] : rest
  if (first === undefined) throw new LaunchwayError('USAGE', `launchway ${verb} needs a ${argument}`, { hint: seeHelp })
  if (more.length > 0) throw new LaunchwayError('USAGE', `launchway ${verb} takes no "${more.join(' ')}"`, { hint: seeHelp })
  const wrong = keysOf(values).find((flag) => !common.includes(flag) && !flagsOf(verb).includes(flag))
  if (wrong !== undefined) throw new LaunchwayError('USAGE', `launchway ${verb} takes no --${wrong}`, { hint: whereItGoes(wrong, verb) })
  if (verb === 'smoke') refuseTogether(values)
  if (values.base !== undefined && values.event === undefined)
    throw new LaunchwayError('USAGE', '--base is of a change that is proposed', {
      hint: `launchway plan --event pull_request --base ${values.base}`,
    })
  return {
    verb,
    argument: first ?? '',
    force: values.force ?? false,
    dry: values['dry-run'] ?? false,
    withoutBeforeSwitch: values['without-before-switch'] ?? false,
    rebuild: values.rebuild ?? false,
    config: values.config ?? 'launchway.yml',
    ...(values.environment === undefined ? {} : { environment: values.environment }),
    ...(values.ref === undefined ? {} : { ref: values.ref }),
    ...(values.as === undefined ? {} : { as: values.as }),
    ...(values.event === undefined ? {} : { event: values.event }),
    ...(values.base === undefined ? {} : { base: values.base }),
    operation: {
      command,
      host: values.host,
      release: values.release,
      follow: values.follow ?? false,
      since: values.since,
      lines: values.lines,
      limit: values.limit,
      anew: values.new ?? false,
      yes: values.yes ?? false,
      registry: values.registry ?? false,
      more: values.more,
      reason: values.reason,
      swarm: values.swarm ?? false,
      managers: values.managers,
      advertise: values.advertise,
    },
    build: { noCache: values['no-cache'] ?? false, pull: values.pull ?? false },
    smoke: {
      ...(values.only === undefined ? {} : { only: values.only }),
      ...(values.scale === undefined ? {} : { scale: scaleOf(values.scale) }),
      fresh: values.fresh ?? false,
      keep: values.keep ?? false,
      down: values.down ?? false,
      watch: values.watch ?? false,
    },
    doctor: { offline: values.offline ?? false, fix: values.fix ?? false },
    init: {
      given: {
        ...Object.fromEntries(initAnswers.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]]))),
      },
      anew: values.anew ?? false,
      dockerfile: values.dockerfile,
      ci: values.ci,
      trusted: values.trust ?? [],
      program: process.argv[1] ?? '',
    },
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
      // Who knows act or gh looks for the inputs of a button.
      hint:
        flag === 'input' ? `What a button would do, its verb says: ${buttons}` : meant === undefined ? seeHelp : `Did you mean --${meant}?`,
    })
  }
}

/** With --watch the stage is another one: it plans and builds by itself, and keeps no record. */
function refuseTogether(values: ReturnType<typeof parsed>['values']): void {
  const { watch = false, config, keep, down, release } = values
  if (!watch && config !== undefined) {
    throw new LaunchwayError('USAGE', 'launchway smoke takes --config only with --watch', {
      hint: 'Without, it does what was planned: launchway plan --config …',
    })
  }
  const other = { keep, down, release }
  const wrong = watch ? keysOf(other).find((flag) => other[flag] !== undefined) : undefined
  if (wrong !== undefined) throw new LaunchwayError('USAGE', `--watch and --${wrong} do not go together`, { hint: seeHelp })
}

/** Each `SERVICE=N` of --scale; of two for one service the last, as docker compose has it. */
function scaleOf(given: readonly string[]): Record<string, number> {
  const entries = given.map((one): [string, number] => {
    const [, service, count] = /^([^=]+)=([1-9]\d{0,3})$/.exec(one) ?? []
    if (service !== undefined && count !== undefined) return [service, Number(count)]
    throw new LaunchwayError('USAGE', `--scale takes a service and how many containers of it, not "${one}"`, {
      hint: 'For example: --scale worker=3',
    })
  })
  return Object.fromEntries(entries)
}

/** What a stage takes from launchway.yml, and somebody may look for among the flags. */
const keysFor: Readonly<Record<string, string>> = { 'scan --offline': 'scan: { offline: true }, then launchway plan again.' }

/** Which verbs take a flag; and for a stage alone, where to say what it should do. */
function whereItGoes(flag: Flag, verb: Verb): string {
  const takers = keysOf(verbs).filter((one) => flagsOf(one).includes(flag))
  const isPlanned = stageNames.some((stage) => stage === verb && !['plan', 'report'].includes(stage))
  const planned = isPlanned && flagsOf('plan').includes(flag) ? `\nlaunchway ${verb} does what was planned: launchway plan --${flag} …` : ''
  const key = isPlanned ? keysFor[`${verb} --${flag}`] : undefined
  const written = key === undefined ? '' : `\nFor launchway ${verb} it is a key of launchway.yml: ${key}`
  return `--${flag} goes with launchway ${takers.join(', ')}.${planned}${written}`
}

/** What follows `--` is a command of the user's, not ours to read. */
const verbsWithCommand: readonly string[] = ['exec']

function isVerb(word: string): word is Verb {
  return Object.hasOwn(verbs, word)
}

/** One record for each working tree, outside of it: a file inside would change what is built. */
function recordPath(root: string): string {
  const asked = process.env['XDG_STATE_HOME'] ?? ''
  const state = asked === '' ? join(homedir(), '.local', 'state') : asked
  return join(state, 'launchway', `${basename(root)}-${hash('sha256', root).slice(0, 8)}`, 'release.json')
}

const seeHelp = '`launchway --help` lists the verbs and their options.'
