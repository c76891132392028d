import { LaunchwayError } from '../../core/error.ts'
import type { Ports, Remote } from '../../core/ports.ts'
import { type Answer, ask, type Target } from '../operate/hosts.ts'
import { dockerProgram } from './program.ts'
import { type SeenService, type SeenStack, seeStack, servicesNamed, stoppedLabel, throughManager } from './stack.ts'
import { lastErrors } from './status.ts'

/** Longer than a task takes that starts or ends as it should; what is not done then is said. */
const patienceMs = 120_000

/** Has as many tasks as are wanted of each service: none where it is stopped. */
export async function stop(target: Target, of: { service: string | undefined; host: string | undefined }, ports: Ports): Promise<Answer> {
  return turn(target, of, 'stop', ports)
}

export async function start(target: Target, of: { service: string | undefined; host: string | undefined }, ports: Ports): Promise<Answer> {
  return turn(target, of, 'start', ports)
}

async function turn(
  target: Target,
  of: { service: string | undefined; host: string | undefined },
  did: 'stop' | 'start',
  ports: Ports,
): Promise<Answer> {
  return throughManager(
    target,
    of.host,
    async (remote, seen) => {
      const found = servicesNamed(seen, of.service, target)
      const calls = did === 'stop' ? stopCalls(found, of.service !== undefined) : startCalls(found)
      const names = calls.map(({ service }) => service)
      await run(
        remote,
        calls.map(({ call }) => call),
      )
      const late = await settle(remote, target, (now) => now.services.filter((one) => names.includes(one.service) && isOpen(one)), ports)
      if (late.length > 0) throw notThere(did, late)
      const [done, already] = did === 'stop' ? ['stopped', 'nothing was running'] : ['started', 'everything is running already']
      const kept = found
        .filter(({ service, mode }) => did === 'stop' && isEverywhere(mode) && !names.includes(service))
        .map(({ service }) => service)
      const lines = [
        names.length === 0 ? already : `${done} ${names.join(', ')}`,
        ...(kept.length === 0
          ? []
          : [`${kept.join(', ')}: one on every node, which cannot be none; launchway remove ${kept[0]} takes it away`]),
        ...(did === 'stop' && names.length > 0 ? ['Stopped until `launchway start` or the next deploy.'] : []),
      ]
      return { text: `${lines.join('\n')}\n`, json: { did, by: remote.host, services: names } }
    },
    ports,
  )
}

interface Call {
  service: string
  call: readonly string[]
}

/** @param isNamed it was asked for by its name, so that it cannot be done is an error */
function stopCalls(found: readonly SeenService[], isNamed: boolean): Call[] {
  const [first] = found
  if (isNamed && first !== undefined && isEverywhere(first.mode)) {
    throw new LaunchwayError('USAGE', `${first.service} runs once on every node, and cannot be stopped`, {
      hint: `launchway remove ${first.service} takes it away until the next deploy; launchway drain NODE takes everything away from one node.`,
    })
  }
  return found
    .filter(({ mode, wanted }) => mode === 'replicated' && wanted > 0)
    .map(({ service, name, wanted }) => ({
      service,
      call: [...update, '--label-add', `${stoppedLabel}=${wanted}`, '--replicas', '0', name],
    }))
}

function startCalls(found: readonly SeenService[]): Call[] {
  return found
    .filter(({ wanted, stoppedFrom, mode }) => mode === 'replicated' && (stoppedFrom !== undefined || wanted === 0))
    .map(({ service, name, stoppedFrom = 1 }) => ({
      service,
      call: [...update, '--label-rm', stoppedLabel, '--replicas', String(stoppedFrom), name],
    }))
}

const update = ['service', 'update', '--detach', '--quiet']
const isEverywhere = (mode: string): boolean => mode.startsWith('global')

/** @param wish `web=5` */
export async function scale(target: Target, wish: string, ports: Ports): Promise<Answer> {
  const [, service, count] = /^([^=]+)=(\d{1,4})$/.exec(wish) ?? []
  if (service === undefined || count === undefined)
    throw new LaunchwayError('USAGE', `launchway scale takes SERVICE=N, not "${wish}"`, { hint: 'launchway scale web=5' })
  return throughManager(
    target,
    undefined,
    async (remote, seen) => {
      const [found] = servicesNamed(seen, service, target)
      if (found === undefined || found.mode !== 'replicated')
        throw new LaunchwayError('USAGE', `${service} is ${found?.mode ?? 'absent'}: it has no number of its own`, {
          hint: 'A service with deploy.mode: global runs once on every node.',
        })
      await run(remote, [[...update, '--label-rm', stoppedLabel, '--replicas', count, found.name]])
      const late = await settle(remote, target, (now) => now.services.filter((one) => one.service === service && isOpen(one)), ports)
      if (late.length > 0) throw notThere('scale', late)
      const text = `${service}: ${found.wanted} → ${count}\nUntil the next deploy, which has as many as deploy.replicas of the compose file says.\n`
      return { text, json: { did: 'scale', by: remote.host, service, before: found.wanted, after: Number(count) } }
    },
    ports,
  )
}

/** Takes all tasks away from a node, or lets it have some again. */
export async function avail(target: Target, node: string, did: 'drain' | 'activate', ports: Ports): Promise<Answer> {
  return throughManager(
    target,
    undefined,
    async (remote, seen) => {
      const found = seen.nodes.find(({ ID, Hostname }) => Hostname === node || ID === node)
      if (found === undefined)
        throw new LaunchwayError('USAGE', `the swarm has no node "${node}"`, {
          hint: `It has: ${seen.nodes.map(({ Hostname }) => Hostname).join(', ')}`,
        })
      refuseLast(found.ID, seen, did)
      await run(remote, [['node', 'update', '--availability', did === 'drain' ? 'drain' : 'active', found.ID]])
      const left = did === 'drain' ? await settle(remote, target, (now) => openServices(now, found.Hostname), ports) : []
      const lines =
        did === 'activate'
          ? [
              `${found.Hostname} takes tasks again`,
              'Swarm moves none there by itself: the next deploy that changes a service spreads it anew.',
            ]
          : [`${found.Hostname} is drained: no task of this stack runs there, and none is given to it`]
      if (left.length > 0) throw notThere('drain', left)
      return { text: `${lines.join('\n')}\n`, json: { did, by: remote.host, node: found.ID, hostname: found.Hostname } }
    },
    ports,
  )
}

function refuseLast(id: string, { nodes }: SeenStack, did: 'drain' | 'activate'): void {
  const others = nodes.filter(({ ID, Status, Availability }) => ID !== id && Status === 'Ready' && Availability === 'Active')
  if (did === 'activate' || others.length > 0) return
  throw new LaunchwayError('HOST_UNFIT', 'it is the last node that takes tasks: nothing would run any more', {
    hint: 'launchway activate NODE for another one first; launchway stop ends the services.',
  })
}

/** Services that have a task on a node still, or not as many elsewhere as are wanted. */
function openServices({ services }: SeenStack, node: string): SeenService[] {
  return services.filter(
    ({ mode, running, wanted, tasks }) =>
      tasks.some((task) => task.node === node && task.state === 'running') ||
      (!isEverywhere(mode) && !mode.includes('job') && running < wanted),
  )
}

async function run(remote: Remote, calls: readonly (readonly string[])[]): Promise<void> {
  if (calls.length === 0) return
  const failed = (await ask(remote, dockerProgram(calls))).first('failed')
  if (failed !== undefined) throw new LaunchwayError('COMMAND_FAILED', `the swarm refused, through ${remote.host}`, { hint: failed })
}

function isOpen({ running, wanted, tasks }: SeenService): boolean {
  return running !== wanted || tasks.some((task) => task.wanted === 'shutdown' && task.state === 'running')
}

/** @returns what has not become as it is wanted */
async function settle(remote: Remote, target: Target, of: (now: SeenStack) => SeenService[], ports: Ports): Promise<SeenService[]> {
  const until = ports.clock.now().getTime() + patienceMs
  for (;;) {
    const open = of(await seeStack(remote, target))
    if (open.length === 0) return []
    if (ports.clock.now().getTime() > until) return open
    await ports.clock.sleep(1000, ports.signal)
  }
}

function notThere(did: string, late: readonly SeenService[]): LaunchwayError {
  const rows = late.flatMap(({ service, running, wanted, tasks }) => [
    `${service} ${running}/${wanted}`,
    ...lastErrors(tasks).map((line) => `  ${line}`),
  ])
  return new LaunchwayError(
    'COMMAND_FAILED',
    `${did}: not everything is as it is wanted after ${patienceMs / 1000} s; Swarm goes on trying`,
    {
      hint: `${rows.join('\n')}\nlaunchway status shows how it goes on. A service that may run on one node alone (a constraint, a port of mode: host, a volume) finds no other place.`,
    },
  )
}
