import type { Slot } from '../core/names.ts'
import { centiseconds, type HostCall, nameIn } from './call.ts'
import { onHost } from './nginx-places.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { addressIn, type PlannedSite, throughNginx } from './site.ts'
import type { Wanted } from './wanted.ts'

/** From the old slot to the new one: tried through nginx by its name, switched, and proven as everybody sees it. */
export function switchCalls(
  wanted: Wanted,
  { nginx }: Observation,
  { slot, sites, stays }: { slot: Slot; sites: readonly PlannedSite[]; stays: boolean },
): HostCall[] {
  if (nginx === undefined || sites.length === 0) return []
  const ways = sites.map((site) => {
    const { health, name } = site.service
    const { url, resolve, status } = throughNginx(site.service)
    // Nobody has asked one without a page of health or a command yet: it may not listen before its time to be well is over.
    const limit = health.kind === 'container' || health.kind === 'none' ? [centiseconds(health.timeoutMs)] : []
    return { service: name, container: nameIn(wanted, site.service), way: [addressIn(slot, site), url, resolve, status], limit }
  })
  const asked = (by: Slot | ''): HostCall[] =>
    ways.map(({ service, container, way, limit }) => ['through', service, container, by, ...way, ...(by === '' ? [] : limit)])
  const lingering = ways.map(({ service, container, way }): HostCall => ['linger', service, container, ...way])
  return [
    ...sites.flatMap(({ files }) =>
      files.map(({ key, path }): HostCall => {
        const file = onHost(nginx, path)
        if (file === undefined) throw new TypeError(`${path} is not on the host`)
        return ['site', key, file]
      }),
    ),
    ['load', ...new Set(sites.flatMap(({ names }) => names))],
    // Where visitors are with it already it is only asked whether they reach it.
    ...(stays ? [] : [...asked(slot), ['switch', slot] as const]),
    ...asked(''),
    ...(stays ? [] : lingering),
  ]
}
/** The loopback port on which an old container may still be asked something; none for one that nginx does not lead to. */
export function drainPort({ service, slot, state }: SeenContainer, seen: Observation): string[] {
  const ports = seen.ports.get(service)
  return ports === undefined || state !== 'running' ? [] : [String(ports[slot])]
}
