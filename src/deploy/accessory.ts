import { digestOf } from '../core/contents.ts'
import type { Accessory, Environment } from '../core/deployment.ts'
import { accessoryName } from '../core/names.ts'
import { keysOf } from '../core/objects.ts'
import { parseReference } from '../core/reference.ts'
import { firstCalls, watchAccessory } from './accessory-calls.ts'
import { type HostCall, keepAgain } from './call.ts'
import type { Observation, SeenAccessory } from './observation.ts'
import { allBefore, sortedByAfter, type Step } from './order.ts'
import { replaceCalls } from './replace.ts'
import type { Wanted } from './wanted.ts'

/** What a deploy does to accessories. */
interface PlannedAccessories {
  /** Before the services. */
  calls: HostCall[]
  /** Among the services, since they come after one. */
  late: Step[]
  /** Once the release is recorded. */
  afterwards: HostCall[]
  references: string[]
  networks: string[]
  notes: string[]
  warnings: string[]
}

/** What is done to one of them. */
interface Deed {
  accessory: Accessory
  calls: readonly HostCall[]
  /** It can be undone: nothing that is done before it may stay for that. */
  isReplaced: boolean
}

/**
 * Accessories come before the services, but for those that come after one. What is started for the first time stays,
 * whatever becomes of the release. One that runs is left alone: what differs from the configuration is told, and `launchway
 * recreate` is for that. In a project the file is the definition: a deploy recreates what is defined otherwise by now.
 */
export function planAccessories(wanted: Wanted, seen: Observation, host: string): PlannedAccessories {
  const { environment, isReturn } = wanted
  const planned: PlannedAccessories = { calls: [], late: [], afterwards: [], references: [], networks: [], notes: [], warnings: [] }
  const deeds = sortedByAfter(environment.accessories).flatMap((accessory) => deedFor(accessory, wanted, seen, host, planned))
  const early = deeds.filter((one) => !isLate(one.accessory, environment))
  const settled = early.findIndex(({ isReplaced }) => isReplaced)
  for (const [index, { calls }] of early.entries()) {
    if (index === settled && index > 0) planned.calls.push(['settled'])
    planned.calls.push(...calls)
  }
  if (early.length > 0 && settled === -1) planned.calls.push(['settled'])
  planned.late = deeds.filter((one) => !early.includes(one)).map(stepOf)
  for (const { name, container } of seen.accessories) {
    if (isReturn || isLeftOver(container) || environment.accessories.some((one) => one.name === name)) continue
    planned.warnings.push(
      `${name} is an accessory that the configuration no longer has: it is left alone. On the host, if nobody needs it: docker rm --force ${container} (its named volumes stay)`,
    )
  }
  return planned
}

function isLate({ name }: Accessory, { services, accessories }: Environment): boolean {
  const before = allBefore(name, [...services, ...accessories])
  return services.some((service) => before.has(service.name))
}

function stepOf({ accessory: { name, after = [] }, calls }: Deed): Step {
  return { name, rank: 1, after, isAlone: true, start: calls, watch: [] }
}

function deedFor(accessory: Accessory, wanted: Wanted, seen: Observation, host: string, planned: PlannedAccessories): Deed[] {
  const { app, environment, isReturn } = wanted
  const { name, restart } = accessory
  const container = accessoryName({ app, environment: environment.name, accessory: name })
  const there = seenAccessory(app, environment, name, seen)
  const hasEnded = there !== undefined && ['exited', 'created', 'dead'].includes(there.state)
  const { notes, warnings } = planned
  if (isReturn) {
    const mend = `a rollback starts none. launchway recreate ${name} -e ${environment.name}`
    if (there === undefined) warnings.push(`the accessory ${name} is not there: ${mend}`)
    else if (hasEnded) warnings.push(`the accessory ${name} has ended: ${mend}`)
    return []
  }
  if (there === undefined) {
    planned.references.push(accessory.image)
    planned.networks.push(...accessory.networks)
    notes.push(`${name}: an accessory, started for the first time`)
    return [{ accessory, calls: firstCalls(wanted, accessory, container), isReplaced: false }]
  }
  const { configuration } = there
  const changed =
    environment.project === undefined || configuration === undefined ? [] : changesOf({ ...there, configuration }, accessory, wanted)
  if (changed.length > 0) {
    planned.references.push(accessory.image)
    planned.networks.push(...accessory.networks)
    planned.afterwards.push(['drop_old', name, container])
    notes.push(`${name}: recreated, since ${changed.join('; ')} changed; its volumes stay`)
    const calls: HostCall[] = [...replaceCalls(wanted, accessory, there, host), ['swap', name, container, restart]]
    return [{ accessory, calls, isReplaced: true }]
  }
  warnings.push(...driftOf(there, accessory, environment))
  if (isOtherBuild(there.configuration?.image, accessory.image)) {
    const mend = `launchway recreate ${name} -e ${environment.name}`
    notes.push(
      `${name}: ${nameAndTag(accessory.image)} is another build by now; it goes on with the one that it runs. To take the new one: ${mend}`,
    )
  }
  if (!hasEnded) {
    const calls = there.state === 'running' ? keepAgain(there.container, there, there.configuration?.restart ?? 'no') : []
    return calls.length === 0 ? [] : [{ accessory, calls, isReplaced: false }]
  }
  notes.push(`${name}: an accessory that had ended, started again as it was`)
  const calls: HostCall[] = [
    ['wake', name, there.container],
    watchAccessory(accessory, there.container),
    ['keep', there.container, restart],
  ]
  return [{ accessory, calls, isReplaced: false }]
}

export function seenAccessory(app: string, environment: Environment, name: string, seen: Observation): SeenAccessory | undefined {
  const container = accessoryName({ app, environment: environment.name, accessory: name })
  const found = seen.accessories.find((one) => one.container === container)
  // One that was about to be replaced when that broke off: `recover` gives it its name back.
  const aside = seen.accessories.find((one) => one.container === `${container}.old`)
  return found ?? (aside === undefined ? undefined : { ...aside, container })
}

/** What a `recreate` that broke off has left beside the accessory; the next one removes it. */
export function isLeftOver(container: string): boolean {
  return /\.(new|old)$/.test(container)
}

function driftOf(
  { name, configuration, state }: SeenAccessory,
  accessory: Accessory,
  { name: environment, project }: Environment,
): string[] {
  const mend = `It goes on as it was started. To change it: launchway recreate ${name} -e ${environment}`
  const warnings = state === 'restarting' ? [`the accessory ${name} ends and is started again and again: docker logs tells why`] : []
  if (configuration === undefined) return [...warnings, `what the accessory ${name} was started as cannot be read. ${mend}`]
  const differs = project === undefined ? differences(configuration, accessory) : []
  return differs.length === 0
    ? warnings
    : [...warnings, `the accessory ${name} runs with another configuration: ${differs.join('; ')}. ${mend}`]
}

/** What of its definition changed: another build of the same tag is none. */
function changesOf(
  { configuration: was, contents }: SeenAccessory & { configuration: Accessory },
  is: Accessory,
  { hashes }: Wanted,
): string[] {
  const differs = differences(isOtherBuild(was.image, is.image) ? { ...was, image: is.image } : was, is)
  if (differs.length > 0 || contents === digestOf(is, hashes ?? new Map())) return differs
  return ['what is in its files']
}

function isOtherBuild(was: string | undefined, is: string): boolean {
  return was !== undefined && was !== is && nameAndTag(was) === nameAndTag(is)
}

function nameAndTag(reference: string): string {
  const { repository, tag } = parseReference(reference)
  return `${repository}:${tag}`
}

/** What of an accessory differs, in words: names of variables, and no value of one. */
export function differences(was: Accessory, is: Accessory): string[] {
  return [...new Set([...keysOf(was), ...keysOf(is)])].flatMap((key) => {
    const [before, after] = [was[key], is[key]]
    // How it is asked, when it starts, and after what, is no part of what it is.
    if (key === 'health' || key === 'after' || inOrder(before) === inOrder(after)) return []
    if (key === 'env') return variables(was.env, is.env)
    if (key === 'envFiles') return []
    // What is long, or may hold what only its writer knows to be secret, is named and not shown.
    if (key === 'command' || key === 'entrypoint' || key === 'options') return [key]
    return isPlain(before) && isPlain(after) ? [`${key} ${shown(before)} → ${shown(after)}`] : [key]
  })
}

/** As JSON, whatever the order in which somebody wrote the keys. */
function inOrder(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner === null || typeof inner !== 'object' || Array.isArray(inner)
      ? inner
      : Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => one.localeCompare(other))),
  )
}

function variables(was: Record<string, string>, is: Record<string, string>): string[] {
  const changed = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((name) => was[name] !== is[name])
  return changed.map((name) => `env ${name}`)
}

function isPlain(value: unknown): value is string | number | readonly string[] | undefined {
  return value === undefined || typeof value !== 'object' || (Array.isArray(value) && value.every((one) => typeof one === 'string'))
}

function shown(value: string | number | readonly string[] | undefined): string {
  if (value === undefined) return 'none'
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}
