import { sep } from 'node:path'
import type { SmokePlan } from '../core/gates.ts'
import type { EngineContainer } from '../core/ports.ts'
import type { ComposeProject, ComposeService } from '../tools/compose.ts'
import { allNeeds, sharedBy } from './order.ts'
import { mountedPaths, takenFiles } from './taken.ts'
import { type Fates, serviceOf } from './verdict.ts'

/** What a stack was made from, in a form that two of can be compared. */
export interface Made {
  /** By service. */
  services: ReadonlyMap<string, string>
  /** Networks, volumes, and where secrets and configs come from. */
  around: string
  /** What was done in it before the checks. */
  steps: string
}

/** @param images IDs of what was built, by service: their names may stay the same */
export function madeFrom(file: ComposeProject, images: ReadonlyMap<string, string>, { prepare }: Pick<SmokePlan, 'prepare'>): Made {
  const { services, ...around } = file
  return {
    services: new Map(Object.entries(services).map(([name, service]) => [name, JSON.stringify([service, images.get(name)])])),
    around: JSON.stringify(around),
    steps: JSON.stringify(prepare),
  }
}

/** What of a stack that stands has to go before it is tested again. */
export type Replacement =
  /** All of it, with its volumes. */
  | { kind: 'anew'; why: string }
  /** The containers of these services, by name with the reason; none: the stack is asked again as it is. */
  | { kind: 'services'; why: ReadonlyMap<string, string> }

export interface Standing {
  /** Undefined before the first test. */
  before: Made | undefined
  /** All steps of the plan have passed in it. */
  isPrepared: boolean
  now: Made
  file: ComposeProject
  plan: Pick<SmokePlan, 'prepare' | 'checks'>
  /** Files and folders that were written since, absolute. */
  touched: Iterable<string>
  containers: readonly EngineContainer[]
  fates: Fates
}

/**
 * Decides what goes: what is made from something else than before, what has files mounted that were written, what is not well
 * any more, and what stands or falls with that. All of it where a part cannot be replaced without a false word about the whole.
 */
export function replacement(standing: Standing): Replacement {
  const { before, isPrepared, now, file, plan, touched, containers, fates } = standing
  if (before === undefined) return { kind: 'anew', why: 'there is none' }
  if (before.around !== now.around) return { kind: 'anew', why: 'its networks, volumes, secrets or configs are others' }
  if (before.steps !== now.steps) return { kind: 'anew', why: 'its steps of prepare are others' }
  const hasSteps = plan.prepare.length > 0
  if (hasSteps && !isPrepared) return { kind: 'anew', why: 'its steps of prepare have not all passed' }
  const why = new Map<string, string>()
  const add = (service: string, reason: string): void => void (why.has(service) || why.set(service, reason))
  const names = new Set([...before.services.keys(), ...now.services.keys()])
  for (const name of names) if (before.services.get(name) !== now.services.get(name)) add(name, 'it changed')
  for (const name of withFiles(file, touched)) add(name, 'its files changed')
  for (const one of containers) {
    const service = serviceOf(one)
    if (service !== undefined && !isWell(one, service, fates)) add(service, 'it was not well')
  }
  // What it wrote in an earlier round would answer for this one.
  for (const check of plan.checks) if (check.kind === 'log') add(check.service, 'a check reads its log')
  follow(file, add, why)
  const bound = hasSteps ? [...why.keys()].find((name) => stepsNeed(plan, file).has(name)) : undefined
  // A second superuser is refused, and what a step did went with its container.
  if (bound !== undefined) return { kind: 'anew', why: `${bound} is replaced, which steps of prepare need` }
  const emptied = undone(standing, why)
  if (emptied !== undefined) return { kind: 'anew', why: emptied }
  return { kind: 'services', why }
}

/** What one that ended did in another goes with the container of that: a database is as empty as its image again. */
function undone({ file, containers, fates }: Standing, gone: ReadonlyMap<string, string>): string | undefined {
  const needs = allNeeds(file.services)
  for (const name of fates.mustEnd) {
    const hasEnded = containers.some((one) => serviceOf(one) === name && one.status === 'exited')
    const cause = hasEnded && !gone.has(name) ? [...(needs.get(name) ?? [])].find((other) => gone.has(other)) : undefined
    if (cause !== undefined) return `${cause} is replaced, which ${name} needed and has ended`
  }
  return undefined
}

/** Who is bound to a container that goes, or says that it starts again with it. */
function follow({ services }: ComposeProject, add: (service: string, reason: string) => void, gone: ReadonlyMap<string, string>): void {
  for (let known = -1; known !== gone.size;) {
    known = gone.size
    for (const [name, service] of Object.entries(services)) {
      const restarts = Object.entries(service.depends_on ?? {}).flatMap(([other, need]) => (need['restart'] === true ? [other] : []))
      const cause = [...sharedBy(service), ...restarts].find((other) => gone.has(other))
      if (cause !== undefined) add(name, `it goes with ${cause}`)
    }
  }
}

function stepsNeed({ prepare }: Pick<SmokePlan, 'prepare'>, { services }: ComposeProject): ReadonlySet<string> {
  const needs = allNeeds(services)
  return new Set(prepare.flatMap(({ service }) => [service, ...(needs.get(service) ?? [])]))
}

/** One that ended as it should is well; so is one that nobody has started yet. */
function isWell({ status, exitCode, error, health }: EngineContainer, service: string, { mustRun }: Fates): boolean {
  if (status === 'running') return health?.status !== 'unhealthy'
  if (status === 'created') return error === ''
  return status === 'exited' && exitCode === 0 && !mustRun.has(service)
}

/** Services that have one of these files or folders, or what is in it. */
function withFiles(file: ComposeProject, touched: Iterable<string>): string[] {
  const paths = [...touched]
  return Object.entries(file.services).flatMap(([name, service]) =>
    ownFiles(service, file).some((own) => paths.some((path) => meet(own, path))) ? [name] : [],
  )
}

/** Whether one is the other, or is in it. */
export function meet(one: string, other: string): boolean {
  return one === other || one.startsWith(other + sep) || other.startsWith(one + sep)
}

/** Files and folders of this machine that the containers of a service have: mounts, and files of secrets and configs. */
function ownFiles(service: ComposeService, file: ComposeProject): string[] {
  return [...mountedPaths(service), ...takenFiles({ ...file, services: { service } }).map((taken) => taken.file)]
}
