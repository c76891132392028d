import { describe, expect, it } from 'vitest'
import type { SmokeCheck, SmokeStep } from '../../src/core/gates.ts'
import type { EngineContainer } from '../../src/core/ports.ts'
import { madeFrom, replacement } from '../../src/smoke/replacement.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { seenContainer } from './support/container.ts'

const services = {
  db: { image: 'db', volumes: [{ type: 'volume', source: 'data' }] },
  web: { image: 'web:1', depends_on: { db: {} }, volumes: [{ type: 'bind', source: '/app/site' }], secrets: [{ source: 'key' }] },
  worker: { image: 'worker' },
  side: { image: 'side', network_mode: 'service:web' },
  restarted: { image: 'restarted', depends_on: { side: { restart: true } } },
}
const project = { services, volumes: { data: {} }, secrets: { key: { file: '/app/key.txt' } } }
const step: SmokeStep = { name: 'migrate', kind: 'run', service: 'web', command: ['migrate'], timeoutMs: 1 }
const logCheck: SmokeCheck = { name: 'ready', kind: 'log', service: 'worker', matches: 'ready', timeoutMs: 1 }

interface Case {
  /** What it was before. */
  base?: object
  now?: object
  images?: Record<string, string>
  touched?: string[]
  containers?: EngineContainer[]
  prepare?: SmokeStep[]
  before?: SmokeStep[]
  isPrepared?: boolean
  checks?: SmokeCheck[]
  mustEnd?: string[]
}

function decide({ now = project, images = {}, touched = [], containers = [], prepare = [], isPrepared = true, ...more }: Case): unknown {
  const file = ComposeProject.parse(now)
  const { checks = [], before = prepare, mustEnd = [], base = project } = more
  const decided = replacement({
    before: madeFrom(ComposeProject.parse(base), new Map([['web', 'sha256:1']]), { prepare: before }),
    isPrepared,
    now: madeFrom(file, new Map(Object.entries({ web: 'sha256:1', ...images })), { prepare }),
    file,
    plan: { prepare, checks },
    touched,
    containers,
    fates: { mustEnd: new Set(mustEnd), mustRun: new Map([['web', 'it publishes a port']]) },
  })
  return decided.kind === 'anew' ? 'anew' : [...decided.why.keys()].toSorted()
}

const withService = (name: keyof typeof services, more: object): object => ({
  ...project,
  services: { ...services, [name]: { ...services[name], ...more } },
})
/** It fills the database, and ends. */
const filled = { ...project, services: { ...services, migrate: { image: 'web:1', depends_on: { db: {} } } } }
const ended = { containers: [seenContainer('migrate', { status: 'exited' })], mustEnd: ['migrate'] }
const { db: _db, ...withoutDb } = services

describe('of a stack that stands', () => {
  it.each<[string, Case, unknown]>([
    ['nothing goes where nothing has changed', {}, []],
    ['goes who is made from something else', { now: withService('worker', { image: 'worker:2' }) }, ['worker']],
    ['goes who has another image under the same name', { images: { worker: 'sha256:2' } }, ['worker']],
    [
      'go with a container who shares its network, and who starts again with that',
      { images: { web: 'sha256:2' } },
      ['restarted', 'side', 'web'],
    ],
    ['goes who is no more in the files', { now: { ...project, services: withoutDb } }, ['db']],
    ['goes who has a file mounted that was written', { touched: ['/app/site/a/b.html'] }, ['restarted', 'side', 'web']],
    ['goes who has a folder mounted that came back with its parent', { touched: ['/app'] }, ['restarted', 'side', 'web']],
    ['goes who has a secret from a file that was written', { touched: ['/app/key.txt'] }, ['restarted', 'side', 'web']],
    ['nobody has a file whose name only begins the same', { touched: ['/app/site-map'] }, []],
    ['goes who has died', { containers: [seenContainer('worker', { status: 'exited', exitCode: 3 })] }, ['worker']],
    ['goes who could not be started', { containers: [seenContainer('worker', { status: 'created', error: 'no such file' })] }, ['worker']],
    ['stays who nobody has started yet', { containers: [seenContainer('worker', { status: 'created' })] }, []],
    ['stays who has done what it was for', { containers: [seenContainer('worker', { status: 'exited' })] }, []],
    [
      'goes who has ended and was meant to stay',
      { containers: [seenContainer('web', { status: 'exited' })] },
      ['restarted', 'side', 'web'],
    ],
    ['goes whose log is read, which would answer for the round before', { checks: [logCheck] }, ['worker']],
    ['all goes where a volume is another', { now: { ...project, volumes: { data: { driver: 'x' } } } }, 'anew'],
    ['all goes where the steps of prepare are others', { prepare: [step], before: [] }, 'anew'],
    ['all goes where they have not all passed', { prepare: [step], isPrepared: false }, 'anew'],
    ['all goes where a service is another in which a step ran', { prepare: [step], images: { web: 'sha256:2' } }, 'anew'],
    ['all goes where a service is another that a step needed', { prepare: [step], now: withService('db', { image: 'db:2' }) }, 'anew'],
    [
      'all goes where a service goes that one has filled that has ended',
      { base: filled, now: { ...filled, services: { ...filled.services, db: { image: 'db:2' } } }, ...ended },
      'anew',
    ],
    ['goes the one alone that fills it', { base: filled, now: filled, images: { migrate: 'sha256:2' }, ...ended }, ['migrate']],
    [
      'go both, where both are others',
      {
        ...{ base: filled, now: { ...filled, services: { ...filled.services, db: { image: 'db:2' } } }, images: { migrate: 'sha256:2' } },
        ...ended,
      },
      ['db', 'migrate'],
    ],
    ['goes alone who has nothing to do with the steps', { prepare: [step], now: withService('worker', { image: 'worker:2' }) }, ['worker']],
  ])('%s', (_, given, expected) => {
    expect(decide(given)).toEqual(expected)
  })
})
