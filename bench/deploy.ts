/**
 * A deploy alone, of an image that lies in the registry, to a host that runs the version before: from the command to its
 * end. The floor is one SSH call with the commands of a careful person.
 */
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import type { Lab } from '../lab/lab.ts'
import { root } from '../lab/paths.ts'
import { call } from '../lab/run.ts'
import { newLabName, up } from '../lab/up.ts'
import { byHand, type Deployer, launchway, type Target } from './deployers.ts'
import { kamal } from './kamal.ts'
import type { Options } from './asked.ts'
import { inTurns, spread } from './measure.ts'
import { machine, range, type Report, table } from './report.ts'

/** What the network adds to each round trip, in milliseconds. */
const distances = [0, 100]

export async function benchDeploy({ rounds = 5, peers, say }: Options): Promise<Report> {
  const before = machine()
  const lab = await up({ name: newLabName(), hosts: ['trixie'] })
  try {
    const lines: { distance: number; name: string; seconds: ReturnType<typeof spread>; ratio: ReturnType<typeof spread> }[] = []
    for (const distance of distances) {
      const target = await targetOf(lab, distance)
      const program = peers.get('kamal')
      const deployers = [
        byHand(target),
        await launchway(target),
        await launchway(target, '0s'),
        ...(program === undefined ? [] : [await kamal(target, program)]),
      ]
      const series = await inTurns(
        deployers.map((one) => ({ name: one.name, run: () => timed(one) })),
        { count: rounds, warmUp: 1, onRound: (round, of) => say(`bench deploy: ${distance} ms, round ${round} of ${of} …`) },
      )
      lines.push(...series.map(({ name, values, ratios }) => ({ distance, name, seconds: spread(values), ratio: spread(ratios) })))
    }
    const figures = { bench: 'deploy', date: new Date().toISOString().slice(0, 10), machine: before, rounds, lines }
    const heading = `${figures.date}; ${before.cpu}, ${before.processors} processors, ${before.memoryGB} GB; ${before.system}, Node ${before.node}; load ${before.load} before the first round; ${rounds} rounds.`
    const rows = lines.map(({ distance, name, seconds, ratio }) => [`${distance} ms`, name, range(seconds, 2), range(ratio, 2)])
    return { text: [heading, table(['round trip', 'by', 'seconds', '× by hand'], rows)].join('\n\n'), figures }
  } finally {
    await down(lab.name)
  }
}

let versions = 0

/** Seconds of a deploy of a version that nobody has seen. */
async function timed({ prepare, deploy }: Deployer): Promise<number> {
  versions += 1
  await prepare(versions)
  const began = performance.now()
  await deploy(versions)
  return (performance.now() - began) / 1000
}

async function targetOf(lab: Lab, distance: number): Promise<Target> {
  const host = lab.hosts['trixie']
  const port = lab.faults.proxies['ssh-trixie']
  if (host === undefined || port === undefined) throw new Error(`the lab ${lab.name} has no host trixie`)
  const half = { type: 'latency', attributes: { latency: distance / 2 } }
  for (const stream of distance === 0 ? [] : ['upstream', 'downstream']) {
    const body = JSON.stringify({ ...half, name: stream, stream })
    await call('curl', ['--fail', '--silent', '--data', body, `${lab.faults.api}/proxies/ssh-trixie/toxics`])
  }
  const folder = (name: string): string => {
    const own = join(lab.folder, 'bench', `${name}-${distance}`)
    mkdirSync(own, { recursive: true })
    cpSync(join(root, 'examples/hello'), own, { recursive: true })
    return own
  }
  return { lab, host, folder, sshPort: port }
}
