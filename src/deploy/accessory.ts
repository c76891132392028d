import type { Accessory, Environment } from '../core/deployment.ts'
import { accessoryName } from '../core/names.ts'
import { keysOf } from '../core/objects.ts'
import { centiseconds, type HostCall, joinCalls } from './call.ts'
import { accessoryArgs } from './container.ts'
import type { Observation, SeenAccessory } from './observation.ts'
import type { Wanted } from './wanted.ts'

/** What a deploy does to accessories: it starts what does not run, and touches nothing else. */
interface PlannedAccessories {
  calls: HostCall[]
  references: string[]
  networks: string[]
  notes: string[]
  warnings: string[]
}

/**
 * Accessories come before the services, and what has been started of them stays, whatever becomes of the release. One
 * that runs is left alone: what differs from the configuration is told, and `launchway recreate` is for that.
 */
export function planAccessories(wanted: Wanted, seen: Observation): PlannedAccessories {
  const { app, environment, isReturn } = wanted
  const planned: PlannedAccessories = { calls: [], references: [], networks: [], notes: [], warnings: [] }
  for (const accessory of environment.accessories) {
    const { name } = accessory
    const there = seenAccessory(wanted.app, environment, name, seen)
    if (there === undefined && isReturn) {
      planned.warnings.push(`the accessory ${name} is not there: a rollback starts none. launchway recreate ${name} -e ${environment.name}`)
    } else if (there === undefined) {
      const container = accessoryName({ app, environment: environment.name, accessory: name })
      planned.references.push(accessory.image)
      planned.networks.push(...accessory.networks)
      planned.calls.push(['absent', name, container], ...makeCalls(wanted, accessory, container), ['start', name, container])
      planned.calls.push(watchAccessory(accessory, container), ['keep', container, accessory.restart])
      planned.notes.push(`${name}: an accessory, started for the first time`)
    } else if (['exited', 'created', 'dead'].includes(there.state) && isReturn) {
      planned.warnings.push(`the accessory ${name} has ended: a rollback starts none. launchway recreate ${name} -e ${environment.name}`)
    } else if (['exited', 'created', 'dead'].includes(there.state)) {
      planned.calls.push(['wake', name, there.container], watchAccessory(accessory, there.container))
      planned.calls.push(['keep', there.container, accessory.restart])
      planned.notes.push(`${name}: an accessory that had ended, started again as it was`)
    }
    if (there !== undefined && !isReturn) planned.warnings.push(...driftOf(there, accessory, environment.name))
  }
  if (planned.calls.length > 0) planned.calls.push(['settled'])
  for (const { name, container } of seen.accessories) {
    if (isReturn || environment.accessories.some((one) => one.name === name) || isLeftOver(container)) continue
    planned.warnings.push(
      `${name} is an accessory that the configuration no longer has: it is left alone. On the host, if nobody needs it: docker rm --force ${container} (its named volumes stay)`,
    )
  }
  return planned
}

/** Makes the container, and starts nothing. */
export function makeCalls({ app, environment }: Wanted, accessory: Accessory, container: string): HostCall[] {
  const args = accessoryArgs(accessory, { app, environment: environment.name }, JSON.stringify(accessory))
  return [['create', accessory.name, container, ...args], ...joinCalls(accessory, container)]
}

export function watchAccessory({ name, health }: Accessory, container: string): HostCall {
  const bounds = [centiseconds(health.timeoutMs), centiseconds(health.settleMs)]
  return health.command === undefined
    ? ['watch', name, container, 'container', ...bounds, '20']
    : ['watch', name, container, 'exec', ...bounds, '50', ...health.command]
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

function driftOf({ name, configuration, state }: SeenAccessory, accessory: Accessory, environment: string): string[] {
  const mend = `It goes on as it was started. To change it: launchway recreate ${name} -e ${environment}`
  const warnings = state === 'restarting' ? [`the accessory ${name} ends and is started again and again: docker logs tells why`] : []
  if (configuration === undefined) return [...warnings, `what the accessory ${name} was started as cannot be read. ${mend}`]
  const differs = differences(configuration, accessory)
  return differs.length === 0
    ? warnings
    : [...warnings, `the accessory ${name} runs with another configuration: ${differs.join('; ')}. ${mend}`]
}

/** What of an accessory differs, in words: names of variables, and no value of one. */
export function differences(was: Accessory, is: Accessory): string[] {
  return [...new Set([...keysOf(was), ...keysOf(is)])].flatMap((key) => {
    const [before, after] = [was[key], is[key]]
    // How it is asked and when it starts again is no part of what it is.
    if (key === 'health' || inOrder(before) === inOrder(after)) return []
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
  return value === undefined || typeof value !== 'object' || Array.isArray(value)
}

function shown(value: string | number | readonly string[] | undefined): string {
  if (value === undefined) return 'none'
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}
