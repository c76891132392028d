import { parseArgs } from 'node:util'
import { nearest } from '../src/core/nearest.ts'
import type { Report } from './report.ts'

export interface Options {
  rounds: number | undefined
  /** Program by name. */
  peers: ReadonlyMap<string, string>
  say(this: void, line: string): void
}

interface Bench {
  about: string
  run(options: Options): Promise<Report>
}

const benches: Record<string, Bench> = {
  start: {
    about: 'how long each action takes to start, against an empty Node script',
    run: async (options) => (await import('./start.ts')).benchStart(options),
  },
  plan: {
    about: 'how long the plan of a very large configuration takes, and of multiples of it',
    run: async (options) => (await import('./plan.ts')).benchPlan(options),
  },
  release: {
    about: 'how long a whole release takes, against the same commands typed by hand',
    run: async (options) => (await import('./release.ts')).benchRelease(options),
  },
  deploy: {
    about: 'how long a deploy alone takes, near and far, against one SSH call by hand',
    run: async (options) => (await import('./deploy.ts')).benchDeploy(options),
  },
  build: {
    about: 'how long an image takes from a commit to a registry, against docker buildx build --push by hand and the action of docker',
    run: async (options) => (await import('./build.ts')).benchBuild(options),
  },
  traffic: {
    about: 'what visitors see of switches, on nginx of three ages: what fails, and how long answers take',
    run: async (options) => (await import('./traffic.ts')).benchTraffic(options),
  },
  smoke: {
    about: 'how long a smoke test takes, against docker compose up --wait, curl and down',
    run: async (options) => (await import('./smoke.ts')).benchSmoke(options),
  },
  keys: {
    about: 'how long the content key of 100,000 files takes, and a build stage with nothing to build',
    run: async (options) => (await import('./keys.ts')).benchKeys(options),
  },
  swarm: {
    about: 'how long a rollout on a swarm takes, and the loss of a node, and what an idle manager costs',
    run: async (options) => (await import('./swarm.ts')).benchSwarm(options),
  },
  scan: {
    about: 'how long a scan takes with all that it writes, against Trivy called by hand',
    run: async (options) => (await import('./scan.ts')).benchScan(options),
  },
}

const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** A word that names no bench, an option that is none: said in a line, with what there is. */
export class UsageError extends Error {}

/** What the words of a command line ask for. @throws UsageError */
export function read(args: string[]): { name: string; bench: Bench; options: Options; json: boolean; write: boolean } {
  const { values, positionals } = parse(args)
  const [name = ''] = positionals
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (bench === undefined) {
    const meant = nearest(name, Object.keys(benches))
    const list = Object.entries(benches).map(([known, { about }]) => `  ${known.padEnd(12)} ${about}`)
    const problem = name === '' ? 'Name a bench.' : `There is no bench "${name}".${meant === undefined ? '' : ` Did you mean ${meant}?`}`
    throw new UsageError([problem, ...list].join('\n'))
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds > 0)) throw new UsageError('--rounds takes a whole number from 1')
  return { name, bench, options: { rounds, peers: new Map(values.peer.map(peer)), say }, json: values.json, write: values.write }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        peer: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function peer(text: string): [name: string, file: string] {
  const [name = '', ...rest] = text.split('=')
  if (name === '' || rest.length === 0) throw new UsageError(`--peer takes NAME=FILE, not "${text}"`)
  return [name, rest.join('=')]
}
