/**
 * A whole release of examples/addie, from a commit to the version that runs on a host: the same work done by hand, one
 * command after the other, is the floor.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commit, makeRepository, nextVersion } from '../lab/demo/repository.ts'
import { push } from '../lab/demo/push.ts'
import { type Place, placeOf, prepareHost } from '../lab/demo/place.ts'
import { down } from '../lab/down.ts'
import { root } from '../lab/paths.ts'
import { call } from '../lab/run.ts'
import { newLabName, up } from '../lab/up.ts'
import { byHand } from './by-hand.ts'
import type { Options } from './asked.ts'
import { inTurns, type Series, type Spread, spread } from './measure.ts'
import { machine, range, type Report, table } from './report.ts'

/** What is different from the release before. */
const changes = {
  'first: the packages are installed anew': (place: Place, mark: string): void => {
    const file = join(place.repository, 'requirements.txt')
    writeFileSync(file, `# bench ${mark}\n${readFileSync(file, 'utf8').replace(/^# bench .*\n/, '')}`)
  },
  'one line of the application': (place: Place): void => void nextVersion(place),
  nothing: (): void => undefined,
} satisfies Record<string, (place: Place, mark: string) => void>

type Machine = ReturnType<typeof machine>

interface Contender {
  name: string
  place: Place
  release(this: void): Promise<void>
}

interface Line {
  change: string
  name: string
  seconds: Spread
  ratio: Spread
}

export async function benchRelease({ rounds = 3, say }: Options): Promise<Report> {
  const before = machine()
  const lab = await up({ name: newLabName(), hosts: ['trixie'] })
  try {
    const place = placeOf(lab)
    await prepareHost(place)
    await makeRepository(place)
    const contenders = await Promise.all([handmade(place), atTerminal(place), underAct(place)])
    // Whatever a host or an engine does for the first time it has done then.
    for (const one of contenders) await timed(one, 'nothing')
    const lines: Line[] = []
    for (const change of Object.keys(changes)) {
      const series: Series[] = await inTurns(
        contenders.map((one) => ({ name: one.name, run: () => timed(one, change) })),
        { count: rounds, warmUp: 0, onRound: (round, of) => say(`bench release: ${change}, round ${round} of ${of} …`) },
      )
      lines.push(...series.map(({ name, values, ratios }) => ({ change, name, seconds: spread(values), ratio: spread(ratios) })))
    }
    const figures = { bench: 'release', date: new Date().toISOString().slice(0, 10), machine: before, rounds, lines }
    return { text: show(figures), figures }
  } finally {
    await down(lab.name)
  }
}

let marks = 0

/** Seconds from the commit to a version that answers. */
async function timed({ place, release }: Contender, change: string): Promise<number> {
  marks += 1
  Object.entries(changes).find(([name]) => name === change)?.[1](place, String(marks))
  await call('git', ['-C', place.repository, 'commit', '--quiet', '--no-verify', '--allow-empty', '--all', '--message', change])
  const began = performance.now()
  await release()
  return (performance.now() - began) / 1000
}

/** A copy of the repository for each: none finds what another has built of its own changes. */
async function ownPlace(place: Place, name: string): Promise<Place> {
  const repository = `${place.repository}-${name}`
  cpSync(place.repository, repository, { recursive: true })
  const file = join(repository, 'README.md')
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nThe copy for ${name}.\n`)
  const own = { ...place, repository }
  await commit(own, name)
  return own
}

async function handmade(place: Place): Promise<Contender> {
  const own = await ownPlace(place, 'by-hand')
  return { name: 'by hand', place: own, release: () => byHand(own) }
}

async function atTerminal(place: Place): Promise<Contender> {
  const own = await ownPlace(place, 'terminal')
  const env = { SSH_KEY: readFileSync(place.lab.key, 'utf8'), SECRET_KEY: 'bench', XDG_STATE_HOME: join(place.lab.folder, 'state') }
  const release = async (): Promise<void> => void (await call(join(root, 'bin/launchway'), ['run'], { cwd: own.repository, env }))
  return { name: 'launchway run', place: own, release }
}

async function underAct(place: Place): Promise<Contender> {
  const own = await ownPlace(place, 'act')
  const { signal } = new AbortController()
  return { name: 'push workflow under act', place: own, release: async () => void (await push(own, () => undefined, signal)) }
}

function show({ date, machine, rounds, lines }: { date: string; machine: Machine; rounds: number; lines: readonly Line[] }): string {
  return [
    `${date}; ${machine.cpu}, ${machine.processors} processors, ${machine.memoryGB} GB; ${machine.system}, Node ${machine.node}; load ${machine.load} before the first round; ${rounds} rounds.`,
    table(
      ['changed', 'by', 'seconds', '× by hand'],
      lines.map(({ change, name, seconds, ratio }) => [change, name, range(seconds, 1), range(ratio, 2)]),
    ),
  ].join('\n\n')
}
