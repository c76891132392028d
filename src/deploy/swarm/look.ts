import { isLost } from '../follow.ts'
import type { Environment } from '../../core/deployment.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports, Remote } from '../../core/ports.ts'
import type { Swarm } from '../../core/stack.ts'
import type { SeenHost } from '../look.ts'
import { parseObservation } from '../observation.ts'
import { homeOf, observeProgram, observeSwarm } from '../program.ts'
import { lockName } from './kept.ts'
import { parseSwarm, type SwarmSeen } from './observation.ts'

/** What is deployed to a Swarm. */
export interface Target {
  app: string
  environment: Environment
  swarm: Swarm
}

/** A manager that has been looked at, and the cluster through it, over a connection that stands. */
export interface SeenManager extends SeenHost {
  cluster: SwarmSeen
}

const timeoutMs = 120_000

/** @throws LaunchwayError SSH_UNREACHABLE; HOST_UNFIT for one that is no manager, or whose cluster has no quorum */
async function lookThrough(host: string, target: Target, ports: Ports): Promise<SeenManager> {
  const { environment } = target
  const connect = (): Promise<Remote> =>
    ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  ports.log.info(`${host}: connecting`)
  const remote = await connect()
  try {
    const { seen, cluster } = await ask(remote, target)
    refuseNoManager(host, cluster)
    return { host, remote, seen, cluster, reconnect: connect, [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose]() }
  } catch (error) {
    await remote[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * The first manager of an environment that can be reached; the others are as good.
 * @param but one that is known to be gone
 * @throws LaunchwayError of the last, when none can
 */
export async function lookThroughAny(target: Target, ports: Ports, but?: string): Promise<SeenManager> {
  const hosts = target.environment.hosts.filter((host) => host !== but)
  let last: LaunchwayError | undefined
  for (const host of hosts) {
    try {
      return await lookThrough(host, target, ports)
    } catch (error) {
      if (!isLost(error)) throw error
      if (host !== hosts.at(-1)) ports.log.warning(`${error.message}; the next manager is asked`)
      last = error
    }
  }
  throw (
    last ??
    new LaunchwayError('SSH_UNREACHABLE', `no other manager of ${target.environment.name} is named`, {
      hint: 'Name all managers under hosts of the environment: any of them does.',
    })
  )
}

async function ask(remote: Remote, { app, environment, swarm }: Target): Promise<{ seen: SeenHost['seen']; cluster: SwarmSeen }> {
  const home = homeOf({ app, environment })
  const { external, networks = {} } = swarm.stack ?? {}
  const own = Object.entries(networks).flatMap(([key, { name, external: isExternal }]) =>
    isExternal === true ? [] : [typeof name === 'string' ? name : `${swarm.name}_${key}`],
  )
  const nothing = { ports: [], nginx: false, cron: false, files: [], certificates: [], definitions: false, asked: [] }
  const program = `${observeProgram(home, nothing)}${observeSwarm({
    LW_STACK: swarm.name,
    LW_NETWORKS: [...(external?.networks ?? []), ...own].join(' '),
    LW_LOCK: lockName(app, environment.name),
    LW_NEEDED_CONFIGS: Object.values(external?.configs ?? {}).join(' '),
    LW_NEEDED_SECRETS: Object.values(external?.secrets ?? {}).join(' '),
  })}`
  const { stdout } = await remote.sh(program, { timeoutMs })
  const seen = parseObservation(remote.host, stdout)
  const cluster = parseSwarm(stdout, environment.name)
  if (cluster === undefined)
    throw new LaunchwayError('HOST_UNFIT', `${remote.host} did not finish looking at its Swarm`, {
      hint: stdout.trim().split('\n').slice(-5).join('\n'),
    })
  return { seen, cluster }
}

function refuseNoManager(host: string, { state, isManager, refusal, managers }: SwarmSeen): void {
  if (state !== 'active' && state !== 'locked' && state !== 'error' && state !== 'pending')
    throw new LaunchwayError('HOST_UNFIT', `${host} is not part of a Swarm`, {
      hint: `It is ${state === '' ? 'without an engine that answers' : state}. On the first manager: docker swarm init; on the others what docker swarm join-token manager prints.`,
    })
  if (state === 'locked')
    throw new LaunchwayError('HOST_UNFIT', `${host} is a manager whose Swarm is locked`, {
      hint: 'Its engine has been started again: docker swarm unlock',
    })
  if (refusal !== undefined)
    throw new LaunchwayError('HOST_UNFIT', `the Swarm of ${host} does not answer`, {
      hint: `${refusal}\nMore than half of the managers must be up to decide anything: docker node ls on each of them. What runs goes on running meanwhile.`,
    })
  if (!isManager)
    throw new LaunchwayError('HOST_UNFIT', `${host} is a worker of its Swarm, and no manager`, {
      hint: `hosts of an environment with swarm: are managers.${managers === '' ? '' : ` It knows these: ${managers}.`} Name one of them, or make it one: docker node promote, on a manager.`,
    })
}
