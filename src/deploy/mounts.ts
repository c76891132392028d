import { placeIn, sourcesOf } from '../core/contents.ts'
import type { Accessory, Service } from '../core/deployment.ts'
import { accessoryName, hostPaths, type Slot } from '../core/names.ts'
import { type HostCall, imageOf } from './call.ts'
import type { Owner } from './container.ts'
import type { Wanted } from './wanted.ts'

type Whose = Pick<Wanted, 'app' | 'environment' | 'release'>

/** Where a host keeps what the services of a release mount of it. */
function releaseFolder({ app, environment, release }: Whose): string {
  return hostPaths(environment.stateRoot, app, environment.name).release(release)
}

/** Whose the containers are that the release makes. */
export function ownerOf(wanted: Whose & Pick<Wanted, 'boundsLogs'>, slot: Slot): Owner {
  const { app, environment, release, boundsLogs } = wanted
  return { app, environment: environment.name, release, slot, folder: releaseFolder(wanted), boundsLogs }
}

/** The same for an accessory that is made with this release, and may outlive it. */
export function accessoryFolder({ app, environment, release }: Whose, accessory: string): string {
  return hostPaths(environment.stateRoot, app, environment.name).accessory(accessory, release)
}

/** Has the host put what the services of a release mount into its folder. */
export function releaseCalls(wanted: Wanted): HostCall[] {
  const { environment, isReturn } = wanted
  const folder = releaseFolder(wanted)
  const { services } = environment
  const first = services.find(({ texts = [] }) => texts.length > 0)
  const image = first === undefined ? undefined : imageOf(wanted, first).reference
  const writer = `${wanted.app}.${environment.name}.texts.${wanted.release}`
  return [
    ...placeCalls(wanted, services, folder),
    // A release that is kept has them.
    ...(image === undefined || isReturn ? [] : [['write_texts', folder, 'texts', image, writer] as const]),
  ]
}

/** The same for an accessory that is about to be made. */
export function accessoryCalls(wanted: Wanted, accessory: Accessory): HostCall[] {
  const { app, environment, release } = wanted
  const { name, image, texts = [] } = accessory
  const folder = accessoryFolder(wanted, name)
  const writer = `${accessoryName({ app, environment: environment.name, accessory: name })}.texts.${release}`
  return [
    ...placeCalls(wanted, [accessory], folder),
    ...(texts.length === 0 ? [] : [['write_texts', folder, `texts.${name}`, image, writer, 'anew'] as const]),
  ]
}

/** A path in another one comes with that. What anybody may write to is a copy. */
function placeCalls({ hashes }: Wanted, owners: readonly (Service | Accessory)[], folder: string): HostCall[] {
  const files = owners.flatMap((one) => one.files ?? [])
  const sources = sourcesOf(files)
  const placed = sources.filter((source) => !sources.some((other) => source.startsWith(`${other}/`)))
  if (placed.length === 0) return []
  const words = placed.flatMap((source) => {
    const isWritten = files.some((one) => !one.readOnly && `${placeIn(one.source)}/`.startsWith(`${source}/`))
    return [hashes?.get(source) ?? '', source, isWritten ? 'copy' : 'link']
  })
  return [['put_files', folder, ...words]]
}

/** The hashes that calls put in place. */
export function placedBy(calls: readonly HostCall[]): string[] {
  return [...new Set(calls.flatMap(([name, , ...words]) => (name === 'put_files' ? words.filter((_, index) => index % 3 === 0) : [])))]
}
