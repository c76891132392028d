import { LaunchwayError } from '../../core/error.ts'
import type { Ports, Remote } from '../../core/ports.ts'
import { type Answer, ask, connectTo, hostsOf, type Target } from '../operate/hosts.ts'
import { type ListedNode, type SeenNode, seeNode } from './node.ts'
import { initProgram, joinProgram, promoteProgram, type Role, tokenProgram } from './program.ts'
import { clusterOf, planSetUp, portsWords, type SetUpStep, type SetUpWish } from './setup-plan.ts'

/** Makes one swarm of the hosts of an environment. What is done already is left as it is, what is half done is finished. */
export async function setUpSwarm(target: Target, wish: SetUpWish, ports: Ports): Promise<Answer> {
  const hosts = hostsOf(target, undefined)
  await using stack = new AsyncDisposableStack()
  const remotes = new Map<string, Remote>()
  for (const host of hosts) remotes.set(host, stack.use(await connectTo(host, target, ports)))
  const of = (host: string): Remote => {
    const remote = remotes.get(host)
    if (remote === undefined) throw new TypeError(`${host} is not connected`)
    return remote
  }
  const look = (): Promise<SeenNode[]> => Promise.all(hosts.map((host) => seeNode(of(host))))
  const seen = await look()
  const steps = planSetUp(seen, wish)
  let manager = clusterOf(seen)
  // One after the other: two that join at once may leave the managers without a majority for a moment.
  for (const step of steps) {
    ports.signal.throwIfAborted()
    ports.log.info(said(step))
    if (step.do === 'init') {
      await perform(of(step.host), initProgram(step.address), 'a swarm could not be made')
      manager = await seeNode(of(step.host))
    } else if (manager === undefined) throw new TypeError('a host is to join a swarm that is not there')
    else if (step.do === 'promote') await perform(of(manager.host), promoteProgram([step.id]), `${step.host} could not be made a manager`)
    else await join(step, { remote: of(step.host), manager, at: of(manager.host) }, ports)
  }
  // A node says that it manages before the others do.
  const late = (now: readonly SeenNode[]): boolean =>
    clusterOf(now)?.nodes.some(({ ID, Status, ManagerStatus }) =>
      now.some(({ id, isManager }) => id === ID && (Status !== 'Ready' || (isManager && ManagerStatus === ''))),
    ) !== false
  let now = await look()
  // A node that has just joined, or become a manager, is known as such a moment later.
  for (let tries = 0; steps.length > 0 && tries < 30 && (late(now) || planSetUp(now, wish).length > 0); tries += 1) {
    await ports.clock.sleep(1000, ports.signal)
    now = await look()
  }
  return formed(steps, now)
}

function said(step: SetUpStep): string {
  if (step.do === 'init') return `${step.host}: begins a swarm, at ${step.address}`
  return step.do === 'join' ? `${step.host}: joins as a ${step.role}, at ${step.address}` : `${step.host}: becomes a manager`
}

async function perform(remote: Remote, program: string, what: string): Promise<void> {
  const failed = (await ask(remote, program)).first('failed')
  if (failed !== undefined) throw new LaunchwayError('HOST_UNFIT', `${what} on ${remote.host}`, { hint: failed })
}

async function join(
  { host, address, role }: { host: string; address: string; role: Role },
  { remote, manager, at }: { remote: Remote; manager: SeenNode; at: Remote },
  ports: Ports,
): Promise<void> {
  const text = (await ask(at, tokenProgram(role))).first('token') ?? ''
  if (text === '') throw new LaunchwayError('HOST_UNFIT', `${manager.host} gives no token to join its swarm`, { hint: lostMajority })
  const token = ports.conceal(text)
  const answer = (await ask(remote, joinProgram({ address, manager: manager.at, token }))).first('joined') ?? ''
  if (/^HTTP\/1\.\d 200 /.test(answer)) return
  const words = /"message":"((?:[^"\\]|\\.)*)"/.exec(answer)?.[1] ?? answer
  throw new LaunchwayError('HOST_UNFIT', `${host} could not join the swarm of ${manager.host}`, {
    hint: `${ports.redact(words)}\n${portsWords}\nIt reaches the manager at ${manager.at}; where that is not the network that they share, name it: --advertise. What has joined stays; the same command goes on from here.`,
  })
}

const lostMajority = 'Most of its managers must be there: docker node ls on it says who is.'

/** What the hosts are now, by the words of the first that manages. */
function formed(steps: readonly SetUpStep[], seen: readonly SeenNode[]): Answer {
  const nodes = clusterOf(seen)?.nodes ?? []
  const rows = seen.map(({ host, id, at, engine }) => {
    const node = nodes.find(({ ID }) => ID === id)
    const role = node === undefined ? 'absent' : node.ManagerStatus === '' ? 'worker' : 'manager'
    return { host, node: id, hostname: node?.Hostname ?? '', role, state: node?.Status.toLowerCase() ?? '', address: at, engine }
  })
  const lines = rows.map(
    ({ host, hostname, role, state, address, engine }) =>
      `${host}: ${role}${role === 'absent' ? '' : ` ${hostname}, ${state}, at ${address}, Docker ${engine}`}`,
  )
  const managers = rows.filter(({ role }) => role === 'manager').length
  const bears = Math.floor((nodes.filter(({ ManagerStatus }) => ManagerStatus !== '').length - 1) / 2)
  const did = steps.length === 0 ? 'These hosts are one swarm already' : 'These hosts are one swarm now'
  const word = `${did}: ${managers} of ${rows.length} manage it, and it bears the loss of ${bears === 0 ? 'none' : bears} of them.`
  const gone = nodes.filter((node) => isGone(node, seen))
  const rest = gone.map(
    ({ Hostname, ID, ManagerStatus }) =>
      `${Hostname} (${ID}) is down and none of the hosts${ManagerStatus === '' ? '' : ', and counts as a manager'}. If it is gone for good: docker node ${ManagerStatus === '' ? '' : `demote ${ID}, then docker node `}rm --force ${ID}`,
  )
  return {
    text: `${[...lines, word, ...rest, portsWords].join('\n')}\n`,
    json: { changed: steps, hosts: rows, gone: gone.map(({ ID, Hostname }) => ({ node: ID, hostname: Hostname })) },
  }
}

function isGone({ ID, Status }: ListedNode, seen: readonly SeenNode[]): boolean {
  return Status === 'Down' && !seen.some(({ id }) => id === ID)
}
