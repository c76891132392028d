/**
 * What a swarm costs and gives, in a lab of three managers: the time of a rollout, the time from the loss of a node until
 * everything runs again, and the memory of an engine that manages and has nothing to run.
 */
import { down } from '../lab/down.ts'
import { type Lab, readLab } from '../lab/lab.ts'
import { ask, call, docker } from '../lab/run.ts'
import { nodesOf } from '../lab/swarm.ts'
import { newLabName, up } from '../lab/up.ts'
import type { Options } from './asked.ts'
import { spread } from './measure.ts'
import { machine, range, type Report, table } from './report.ts'

const replicas = 3
const service = 'bench-page'

export async function benchSwarm({ rounds = 5, say }: Options): Promise<Report> {
  const before = machine()
  const kept = readLab(process.env['LAUNCHWAY_LAB'] ?? '')
  const lab = kept ?? (await up({ name: newLabName(), hosts: [], swarm: true }))
  try {
    const image = `${lab.registry.address}/bench-swarm`
    await docker('tag', 'python:3', image)
    await docker('push', '--quiet', image)
    await docker('image', 'rm', image)
    say('bench swarm: memory …')
    const memory = await memoryOf(lab)
    await manager(lab, 'service', 'create', '--quiet', '--name', service, '--replicas', String(replicas), ...shape, image, ...serve(0))
    const rollouts: number[] = []
    const losses: number[] = []
    for (let round = 1; round <= rounds; round += 1) {
      say(`bench swarm: round ${round} of ${rounds} …`)
      rollouts.push(
        await timed(async () => void (await manager(lab, 'service', 'update', '--quiet', '--args', serve(round).join(' '), service))),
      )
      losses.push(await loss(lab))
    }
    const figures = { bench: 'swarm', date: new Date().toISOString().slice(0, 10), machine: before, rounds, memory, rollouts, losses }
    const { cpu, processors, memoryGB, system, node, load } = before
    const text = [
      `${figures.date}; ${cpu}, ${processors} processors, ${memoryGB} GB; ${system}, Node ${node}; load ${load} before the first round; ${rounds} rounds. Three managers on one machine.`,
      table(
        ['what', 'figure'],
        [
          [`rollout of ${replicas} tasks, one after the other, new ones first (seconds)`, range(spread(rollouts), 1)],
          [`from the loss of a node until all ${replicas} tasks run on the others (seconds)`, range(spread(losses), 1)],
          ['memory of an engine outside of a swarm (MB)', String(memory.outside)],
          ['memory of the engine of a manager with nothing to run (MB)', String(memory.manager)],
        ],
      ),
    ].join('\n\n')
    return { text, figures }
  } finally {
    await manager(lab, 'service', 'rm', service).catch(() => undefined)
    if (kept === undefined) await down(lab.name)
  }
}

const shape = [
  '--endpoint-mode',
  'dnsrr',
  '--update-order',
  'start-first',
  '--update-parallelism',
  '1',
  '--update-monitor',
  '1s',
  '--update-delay',
  '0s',
  '--stop-grace-period',
  '1s',
]

/** @param version changes the definition, and nothing else */
function serve(version: number): string[] {
  return ['python3', '-m', 'http.server', String(8000 + version)]
}

async function timed(act: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await act()
  return (performance.now() - began) / 1000
}

function manager(lab: Lab, ...args: string[]): Promise<string> {
  return docker('exec', nodesOf(lab)[0]?.container ?? '', 'docker', ...args)
}

/** The third node is gone from one moment to the next, and comes back when that has been measured. */
async function loss(lab: Lab): Promise<number> {
  const lost = nodesOf(lab)[2]?.container ?? ''
  await until(
    async () => (await runningOn(lab)).some((name) => lost.endsWith(name)),
    'a task runs on the third node',
    async () => {
      await manager(lab, 'service', 'update', '--quiet', '--force', service)
    },
  )
  try {
    return await timed(async () => {
      // A machine with much to do does not freeze all of a container at once, and docker then gives up.
      await until(async () => (await ask('docker', ['pause', lost])) !== undefined, 'the node is paused')
      await until(
        async () => (await runningOn(lab)).filter((name) => !lost.endsWith(name)).length >= replicas,
        'all tasks run on the others',
      )
    })
  } finally {
    await ask('docker', ['unpause', lost])
    await until(
      async () => (await manager(lab, 'node', 'ls', '--format', '{{.Status}}')).split('\n').every((one) => one === 'Ready'),
      'the node is back',
    )
  }
}

async function runningOn(lab: Lab): Promise<string[]> {
  const rows = await manager(lab, 'service', 'ps', '--filter', 'desired-state=running', '--format', '{{.Node}} {{.CurrentState}}', service)
  return rows.split('\n').flatMap((row) => (row.split(' ')[1] === 'Running' ? [row.split(' ')[0] ?? ''] : []))
}

async function until(isSo: () => Promise<boolean>, what: string, again?: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 180_000
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not so after three minutes: ${what}`)
    await again?.()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Resident, by the kernel: of the third node before it is in the swarm, and once it has managed for a while. */
async function memoryOf(lab: Lab): Promise<{ outside: number; manager: number }> {
  const [first, , third] = nodesOf(lab)
  if (first === undefined || third === undefined) throw new Error('the lab has no three nodes')
  const token = await manager(lab, 'swarm', 'join-token', '--quiet', 'manager')
  const id = await docker('exec', third.container, 'docker', 'info', '--format', '{{.Swarm.NodeID}}')
  await docker('exec', third.container, 'docker', 'swarm', 'leave', '--force')
  await docker('exec', third.container, 'lab-service', 'docker', 'restart')
  await settle()
  const outside = await resident(third.container)
  await manager(lab, 'node', 'demote', id)
  await manager(lab, 'node', 'rm', '--force', id)
  const join = `docker swarm join --token "$(cat)" ${first.container}:2377`
  await call('docker', ['exec', '--interactive', third.container, 'sh', '-c', join], { stdin: token })
  await settle()
  return { outside, manager: await resident(third.container) }
}

/** What an engine has just done costs memory for a while. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20_000))
}

async function resident(container: string): Promise<number> {
  const status = await docker('exec', container, 'sh', '-c', 'cat "/proc/$(pgrep -o -x dockerd)/status"')
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024)
}
