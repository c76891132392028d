import type { Accessory, Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { accessoryName } from '../core/names.ts'
import { mountsOf } from '../core/volume.ts'
import { makeCalls, watchAccessory } from './accessory-calls.ts'
import { type HostCall, wholeSeconds } from './call.ts'
import type { SeenAccessory } from './observation.ts'
import type { Wanted } from './wanted.ts'

/**
 * Has an accessory as it is configured now run in the place of the one that is there. That one stays stopped beside it
 * under its own name, until what comes after these calls has taken the name away.
 * @throws LaunchwayError HOST_UNFIT for volumes that nothing would mount any more
 */
export function replaceCalls(wanted: Wanted, accessory: Accessory, there: SeenAccessory, host: string): HostCall[] {
  refuseLoss(accessory, there.volumes, wanted.environment, host)
  const { name } = accessory
  const container = accessoryName({ app: wanted.app, environment: wanted.environment.name, accessory: name })
  const fresh = `${container}.new`
  const { configuration } = there
  return [
    ...makeCalls(wanted, accessory, fresh),
    ['halt', name, container, wholeSeconds(configuration?.stopTimeoutMs), configuration?.restart ?? 'unless-stopped'],
    ['start', name, fresh],
    watchAccessory(accessory, fresh),
    ['served', name, 'an accessory has one holder of its data'],
  ]
}

/** What a container has written lives in its volumes: each that is mounted now must be mounted again. */
function refuseLoss(
  accessory: Accessory,
  mounted: readonly { name: string; path: string }[],
  { leaveBehind = [] }: Environment,
  host: string,
): void {
  const kept = [...mountsOf(accessory).map(({ source }) => source), ...leaveBehind]
  const lost = mounted.filter((volume) => !kept.includes(volume.name))
  if (lost.length === 0) return
  const called = lost.map((volume) => `the volume ${volume.name} at ${volume.path}`)
  throw new LaunchwayError('HOST_UNFIT', `${accessory.name} on ${host} would lose what is in ${called.join(' and ')}`, {
    hint: [
      `The new configuration does not mount ${lost.length === 1 ? 'it' : 'them'}. Nothing was changed. To keep the data, in launchway.yml:`,
      `  volumes: [${lost.map((volume) => `"${volume.name}:${volume.path}"`).join(', ')}]`,
      `To leave the data behind, in the environment: leave-behind: [${lost.map((volume) => volume.name).join(', ')}]`,
    ].join('\n'),
  })
}
