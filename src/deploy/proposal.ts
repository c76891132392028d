import type { Environment } from '../core/deployment.ts'
import type { Ports } from '../core/ports.ts'
import { abortTarget, refuseConfirm, toConfirm } from './confirm.ts'
import { lookAt, type SeenHost } from './look.ts'
import { lockedError, planHost } from './plan.ts'
import { readyToReturn, refuseWhereDeclared } from './returning.ts'
import { type RollbackWish, rollbackTarget } from './rollback.ts'
import type { Target } from './version.ts'
import { calledOn, showWait, waitOf } from './waiting.ts'

/** What a move between kept versions would come to. Whatever would refuse the move refuses this; no host is changed. */
export interface Proposal {
  environment: string
  url?: string
  /** The release that would run, or would be confirmed. */
  release: string
  /** What people call it. */
  version: string
  /** Its commit, where the hosts have kept it. */
  sha?: string
  hosts: ProposedHost[]
}

interface ProposedHost {
  host: string
  /** What runs there now. */
  runs?: string
  /** Something would be done here. */
  changes: boolean
  /** For people: what, or why nothing. */
  notes: string[]
}

export async function proposeRollback(app: string, environment: Environment, ports: Ports, wish: RollbackWish = {}): Promise<Proposal> {
  const { swarm } = environment
  if (swarm !== undefined) return (await import('./swarm/index.ts')).proposeStack({ app, environment, swarm }, ports, wish)
  return proposeReturn(app, environment, ports, wish, rollbackTarget(wish))
}

export async function proposeAbort(app: string, environment: Environment, ports: Ports, wish: RollbackWish = {}): Promise<Proposal> {
  return proposeReturn(app, environment, ports, wish, abortTarget(environment))
}

async function proposeReturn(
  app: string,
  environment: Environment,
  ports: Ports,
  { force = false }: RollbackWish,
  choose: (seen: SeenHost[]) => Target<SeenHost>,
): Promise<Proposal> {
  await using stack = new AsyncDisposableStack()
  const seen = await lookAtAll({ app, environment }, stack, ports)
  const { target, from, note } = choose(seen)
  if (note !== undefined) ports.log.notice(note)
  // No login: nothing is pulled.
  const way = { force, registries: [] }
  refuseWhereDeclared(from, target, way)
  const hosts: ProposedHost[] = []
  for (const one of seen) {
    if (from.includes(one)) {
      const { wanted, host } = await readyToReturn(target, one, environment, way, ports)
      const isLeft = host.seen.isInterrupted && host.seen.lockedBy === undefined
      const { notes, warnings } = isLeft ? { notes: [brokenOff], warnings: [] } : planHost(wanted, host.seen, one.host)
      hosts.push({ ...about(one), changes: true, notes: [...(wanted.forced === undefined ? [] : [wanted.forced]), ...notes, ...warnings] })
    } else {
      const why = one.seen.current === undefined ? 'nothing runs here: the next deploy brings it in' : 'runs here already'
      hosts.push({ ...about(one), changes: false, notes: [why] })
    }
  }
  const { release, label, sha } = target
  return { ...placeOf(environment), release, version: label, ...(sha === undefined ? {} : { sha }), hosts }
}

export async function proposeConfirm(app: string, environment: Environment, ports: Ports): Promise<Proposal> {
  refuseConfirm(environment)
  await using stack = new AsyncDisposableStack()
  const seen = await lookAtAll({ app, environment }, stack, ports)
  const { release, version, waiting } = toConfirm(seen)
  const hosts = seen.map((one): ProposedHost => {
    const wait = waiting.includes(one) ? waitOf(one.seen) : undefined
    if (wait === undefined) return { ...about(one), changes: false, notes: ['does not wait here'] }
    if (one.seen.lockedBy !== undefined) throw lockedError(one.host, one.seen.lockedBy)
    return { ...about(one), changes: true, notes: [showWait(wait), ...(one.seen.isInterrupted ? [brokenOff] : [])] }
  })
  return { ...placeOf(environment), release, version, hosts }
}

/** In a sentence, what it would come to. */
export function proposalTitle(app: string, how: 'rollback' | 'confirm' | 'abort', { environment, version, hosts }: Proposal): string {
  const isConfirm = how === 'confirm'
  if (!hosts.some(({ changes }) => changes))
    return `${app} ${version} ${isConfirm ? 'is confirmed' : 'runs'} in ${environment} already: nothing would be done`
  return `${app} ${isConfirm ? `${version} would be confirmed` : `would go back to ${version}`} in ${environment}`
}

/** For a terminal, and the log of a job. */
export function showProposal(title: string, { hosts }: Proposal): string {
  return [
    title,
    ...hosts.flatMap(({ host, runs, notes }) => [`  ${host}: runs ${runs ?? 'nothing'}`, ...notes.map((note) => `    ${note}`)]),
    'Nothing was changed.',
    '',
  ].join('\n')
}

const brokenOff = 'an earlier attempt broke off here: it is finished or undone first, and what is done then depends on that'

/** One after the other, as a move does; what an attempt that broke off has left stays as it is. */
async function lookAtAll(of: { app: string; environment: Environment }, stack: AsyncDisposableStack, ports: Ports): Promise<SeenHost[]> {
  const seen: SeenHost[] = []
  for (const host of of.environment.hosts) seen.push(stack.use(await lookAt(host, of, ports)))
  return seen
}

function about({ host, seen }: SeenHost): Pick<ProposedHost, 'host' | 'runs'> {
  return { host, ...(seen.current === undefined ? {} : { runs: calledOn(seen, seen.current) }) }
}

function placeOf({ name, url }: Environment): Pick<Proposal, 'environment' | 'url'> {
  return { environment: name, ...(url === undefined ? {} : { url }) }
}
