import { digestOf } from '../core/contents.ts'
import type { Accessory } from '../core/deployment.ts'
import { centiseconds, type HostCall, joinCalls, paceOf } from './call.ts'
import { accessoryArgs } from './container.ts'
import { accessoryCalls, accessoryFolder } from './mounts.ts'
import type { Wanted } from './wanted.ts'

/** Has one that is not there yet run from now on. */
export function firstCalls(wanted: Wanted, accessory: Accessory, container: string): HostCall[] {
  const { name, restart } = accessory
  return [
    ['absent', name, container],
    ...makeCalls(wanted, accessory, container),
    ['start', name, container],
    watchAccessory(accessory, container),
    ['keep', container, restart],
  ]
}

/** Makes the container, and starts nothing. */
export function makeCalls(wanted: Wanted, accessory: Accessory, container: string): HostCall[] {
  const owner = {
    app: wanted.app,
    environment: wanted.environment.name,
    folder: accessoryFolder(wanted, accessory.name),
    contents: digestOf(accessory, wanted.hashes ?? new Map()),
    boundsLogs: wanted.boundsLogs,
  }
  const args = accessoryArgs(accessory, owner, JSON.stringify(accessory))
  return [...accessoryCalls(wanted, accessory), ['create', accessory.name, container, ...args], ...joinCalls(accessory, container)]
}

export function watchAccessory({ name, health }: Accessory, container: string): HostCall {
  const bounds = [centiseconds(health.timeoutMs), centiseconds(health.settleMs)]
  return health.command === undefined
    ? ['watch', name, container, 'container', ...bounds, '20']
    : ['watch', name, container, 'exec', ...bounds, paceOf(health), ...health.command]
}
