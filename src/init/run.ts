import { join } from 'node:path'
import { configText as keptConfig } from '../config/file.ts'
import { loadConfig } from '../config/load.ts'
import { secretsByJob } from '../config/secrets-by-job.ts'
import type { Config } from '../config/schema.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { configText } from './config-file.ts'
import { ignoresFor } from '../tools/dockerignore-lines.ts'
import { type Keys, keysOfHosts, knownHostsFile, type Trust } from './known-hosts.ts'
import { look } from './look.ts'
import type { Stack } from './draft.ts'
import { leadSomewhere, nextSteps } from './next.ts'
import { type Answers, askFor, contradictions, parsePin, publishes, questions, refuseOtherPort, withDefaults } from './questions.ts'
import type { Seen } from './seen.ts'
import { settingOf } from './setting.ts'
import { stackOf } from './stack.ts'
import { type Pin, toFill, unfilled } from './workflow-parts.ts'
import { workflows } from './workflows.ts'

export interface InitOptions {
  /** Path of launchway.yml. */
  config: string
  /** Answers that were given as options. */
  given: Answers
  dockerfile: string | undefined
  /** Whose workflows are written. Default: GitHub's, unless the remote is somewhere else. */
  ci: string | undefined
  trusted: readonly string[]
  /** Ask nothing: what was given, and the defaults. */
  yes: boolean
  /** Replace files that are there, and different; launchway.yml is not among them. */
  force: boolean
  /** Write launchway.yml too, by what is seen; and replace the others. */
  anew: boolean
  dryRun: boolean
  /** The file that was started as launchway. */
  program: string
}

interface InitFile {
  path: string
  state: 'written' | 'replaced' | 'unchanged' | 'kept' | 'would be written' | 'would be replaced'
  text: string
}

export interface Initialised {
  files: InitFile[]
  /** Secrets that the workflows read. */
  secrets: string[]
  /** What to do next, in this order. */
  next: string[]
  /** What could not be decided. */
  notes: string[]
}

/**
 * Looks at the repository, asks what cannot be seen, and writes launchway.yml, the workflows and the keys of the hosts.
 * Nothing that is there is replaced unasked.
 * @throws LaunchwayError USAGE, CONFIG_INVALID for a launchway.yml that is there and cannot be read, SSH_HOST_KEY
 */
export async function init(options: InitOptions, ports: Ports): Promise<Initialised> {
  const { config: file, anew, yes, dryRun, trusted } = options
  const force = options.force || anew
  const ask = yes ? undefined : ports.prompt
  if (!yes && ask === undefined)
    throw new LaunchwayError('USAGE', 'there is nobody here to be asked', {
      hint: 'launchway init --yes takes the options and the defaults.',
    })
  const seen = await look(options, ports)
  // With --yes all that is wrong is told at once.
  const faults: LaunchwayError[] = []
  const ci = attempt(() => ciOf(options, seen)) ?? 'github'
  const pin = attempt(() => pinOf(options, seen))
  const kept = anew ? undefined : await keptConfig(file, ports)
  if (kept !== undefined) withDefaults([], {}, faults)
  const made =
    kept === undefined
      ? await newConfig(options, seen, ci === 'github', pin)
      : { text: kept, pin: pin ?? (await pinFor(options, seen, ci)), notes: [], live: options.given.live }
  const config = loadConfig(made.text, file)
  if (kept !== undefined) {
    ports.log.notice(`${file} is there already, and stays as it is (--anew writes it by what is seen)`)
    const unused = unusedBeside(config, options, seen)
    if (unused.length > 0)
      ports.log.notice(
        `${unused.join(', ')} ${unused.length === 1 ? 'is' : 'are'} not used: ${file} stays (--anew writes it by what is seen)`,
      )
  }
  const keys = await keysOfHosts(hostsOf(config), trustOf(), ports)
  const setting =
    ci === 'github' ? settingOf(config, made.pin ?? unfilled, file, publishes(made.live, seen, config.tags !== undefined)) : undefined
  const wanted = new Map<string, string>([
    [file, made.text],
    ...(setting === undefined
      ? []
      : workflows(setting, () => toFill(setting)).map(({ name, text }): [string, string] => [`.github/workflows/${name}`, text])),
    ...(seen.present.has('.dockerignore') || !seen.dockerfiles.has('Dockerfile')
      ? []
      : [['.dockerignore', `${ignoresFor(seen.dockerfileTexts.get('Dockerfile') ?? '').join('\n')}\n`] satisfies [string, string]]),
    ...(keys.lines.length === 0 ? [] : [[knownHostsFile, await withLines(keys, ports)] satisfies [string, string]]),
  ])
  const files = await write(wanted)
  const jobs = secretsByJob(config)
  const secrets =
    setting === undefined
      ? [...new Set([...jobs.release, ...[...jobs.deploy.values()].flat(), ...jobs.everywhere])].filter((name) => name !== 'SSH_KEY')
      : [
          'SSH_KEY',
          ...(setting.login ? ['REGISTRY_USERNAME', 'REGISTRY_PASSWORD'] : []),
          // GitHub gives its own token to whoever asks for it, and lets nobody set a secret of that name.
          ...new Set([...setting.environments.flatMap((one) => one.secrets), ...setting.building, ...setting.passwords]),
        ].filter((name) => name !== 'GITHUB_TOKEN')
  const keptFiles = files.flatMap(({ path, state }) => (state === 'kept' ? [path] : []))
  const next = nextSteps({ config, file, setting, secrets, seen, keys, kept: keptFiles, hasFiles: !dryRun })
  return { files, secrets, notes: made.notes, next }

  /** Undefined where it is refused; somebody who is asked hears of it at once. */
  function attempt<Made>(make: () => Made): Made | undefined {
    try {
      return make()
    } catch (error) {
      if (ask !== undefined || !(error instanceof LaunchwayError) || error.code !== 'USAGE') throw error
      faults.push(error)
      return undefined
    }
  }

  function trustOf(): Trust {
    return {
      trusted,
      ask:
        ask === undefined
          ? undefined
          : async (host, found) => {
              const list = found.map(({ fingerprint }) => `  ${fingerprint}\n`).join('')
              const says = `${host} shows these host keys:\n${list}Compare them on its console: for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done\nAre they the same? [y/N]: `
              return /^y(es)?$/i.test((await ask(says)).trim())
            },
    }
  }

  async function newConfig(
    of: InitOptions,
    at: Seen,
    forGitHub: boolean,
    known: Pin | undefined,
  ): Promise<{ text: string; pin: Pin | undefined; notes: string[]; live: string | undefined }> {
    const found = attempt(() => stackOf(at, of.dockerfile))
    const stack = found ?? nothing
    if (found !== undefined) {
      attempt(() => {
        refuseOtherPort(stack, of.given)
      })
      for (const one of contradictions(stack, of.given, forGitHub))
        attempt(() => {
          throw one
        })
    }
    // What was said and is none, is among the faults.
    const isPinned = known !== undefined || (of.given.launchway ?? '') !== ''
    const asked = questions({ stack, seen: at, forGitHub, needsPin: forGitHub && !isPinned })
    const answers = ask === undefined ? withDefaults(asked, of.given, faults) : await askFor(asked, of.given, ask)
    const chosen = known ?? pinIn(answers)
    return { text: configText(stack, answers, at, chosen), pin: chosen, notes: stack.notes, live: answers.live }
  }

  /** For workflows alone, of a launchway.yml that is there. */
  async function pinFor(of: InitOptions, at: Seen, whose: 'github' | 'none'): Promise<Pin | undefined> {
    if (whose === 'none') return undefined
    const asked = questions({ stack: nothing, seen: at, forGitHub: true, needsPin: true }).slice(-1)
    return pinIn(ask === undefined ? withDefaults(asked, of.given) : await askFor(asked, of.given, ask))
  }

  /** All or, where one of them must not be replaced, none. */
  async function write(all: ReadonlyMap<string, string>): Promise<InitFile[]> {
    const planned: InitFile[] = []
    const inTheWay: string[] = []
    for (const [path, text] of all) {
      const there = (await ports.files.read(join(ports.root, path)))?.toString()
      const isAddition = path === knownHostsFile
      if (there === undefined) planned.push({ path, text, state: dryRun ? 'would be written' : 'written' })
      else if (there === text) planned.push({ path, text, state: 'unchanged' })
      else if (dryRun || force || isAddition) planned.push({ path, text, state: dryRun ? 'would be replaced' : 'replaced' })
      else if (ask === undefined) inTheWay.push(path)
      else {
        const yesOrNo = await ask(`${path} is there already, and is different. Replace it? [y/N]: `)
        planned.push({ path, text, state: /^y(es)?$/i.test(yesOrNo.trim()) ? 'replaced' : 'kept' })
      }
    }
    if (inTheWay.length > 0) {
      throw new LaunchwayError(
        'USAGE',
        `${inTheWay.join(', ')} ${inTheWay.length === 1 ? 'is' : 'are'} there already, and different; nothing was written`,
        {
          hint: '--force replaces them and leaves launchway.yml as it is (git keeps what was committed); --dry-run shows what would be written; without --yes you are asked for each.\n--ci none leaves the workflows alone.',
        },
      )
    }
    for (const { path, text, state } of planned)
      if (state === 'written' || state === 'replaced') await ports.files.write(join(ports.root, path), text)
    return planned
  }
}

/** What is left where nothing here can be built. */
const nothing: Stack = { images: [], services: [], accessories: [], smoke: '', notes: [] }

/** Options that say what stands in a launchway.yml that is there already. */
function unusedBeside(config: Config, { given, dockerfile }: InitOptions, { publishes: file }: Seen): string[] {
  const ids = ['host', 'environment', 'image', 'branch', 'port', 'url', 'publish', 'health'] as const
  const { live } = given
  // What --live says of the workflows is used.
  const isOther = file === undefined && (live === 'push' || live === 'tag') && (live === 'push') !== leadSomewhere(config.branches)
  return [
    ...ids.flatMap((id) => (given[id] === undefined ? [] : `--${id}`)),
    ...(isOther ? ['--live'] : []),
    ...(dockerfile === undefined ? [] : ['--dockerfile']),
  ]
}

function ciOf({ ci }: InitOptions, { git }: Seen): 'github' | 'none' {
  if (ci === undefined) return git.otherRemote === undefined ? 'github' : 'none'
  if (ci === 'github' || ci === 'none') return ci
  throw new LaunchwayError('USAGE', `there are no workflows for "${ci}"`, { hint: '--ci github, or --ci none' })
}

function pinOf({ given }: InitOptions, { pin }: Seen): Pin | undefined {
  return pinIn(given) ?? pin
}

function pinIn({ launchway }: Answers): Pin | undefined {
  if (launchway === undefined || launchway === '') return undefined
  const pin = parsePin(launchway)
  if (typeof pin === 'string') throw new LaunchwayError('USAGE', pin, { hint: 'A tag can be moved to other code, a commit cannot.' })
  return pin
}

function hostsOf({ environments = {} }: Config): string[] {
  // A host behind another cannot be asked from here.
  return Object.values(environments).flatMap(({ host, hosts, ssh }) =>
    ssh?.['proxy-jump'] === undefined && ssh?.['known-hosts'] === undefined ? [host ?? [], hosts ?? []].flat() : [],
  )
}

async function withLines({ lines }: Keys, { files, root }: Ports): Promise<string> {
  const before = (await files.read(join(root, knownHostsFile)))?.toString() ?? ''
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${lines.join('\n')}\n`
}
