import type { Accessory, Service } from '../core/deployment.ts'
import { accessoryName } from '../core/names.ts'
import { type HostCall, isHalted, nameIn } from './call.ts'
import { aliasesOn } from './container.ts'
import { membersOf } from './members.ts'
import type { Observation, SeenContainer } from './observation.ts'
import type { Wanted } from './wanted.ts'

/** What it takes that the project's own nginx leads to new containers. */
interface Led {
  /** Before anything is made. */
  first: HostCall[]
  /** Once all of them are well. */
  calls: HostCall[]
  /** Once the old ones have stopped. */
  afterwards: HostCall[]
  /** By service: the container of the nginx whose last requests to the old ones are waited for. */
  boxes: ReadonlyMap<string, string>
  notes: string[]
  warnings: string[]
}

/**
 * @param starts the calls that start what does not run yet, accessories too
 * @param old containers that run until the release is recorded, or are stopped before
 */
export function planBehind(wanted: Wanted, seen: Observation, starts: readonly HostCall[], old: readonly SeenContainer[]): Led {
  const { services, accessories } = wanted.environment
  const led: Led & { boxes: Map<string, string> } = { first: [], calls: [], afterwards: [], boxes: new Map(), notes: [], warnings: [] }
  const isStarted = (name: string): boolean => starts.some(([call, of]) => (call === 'start' || call === 'wake') && of === name)
  const leaders: (Service | Accessory)[] = [...services, ...accessories].filter(({ name }) =>
    services.some(({ behind }) => behind === name),
  )
  for (const leader of leaders) {
    const { name } = leader
    const box = boxOf(leader, wanted)
    const before = membersOf(seen.current, seen).find((one) => one.service === name)?.name
    const moved = services.filter((one) => one.behind === name && isStarted(one.name))
    const oldOf = ({ name: service }: Service): string =>
      old.find((one) => one.service === service && one.state === 'running' && !isHalted(one.name, starts))?.name ?? ''
    // One that starts when there is one container of each finds that one.
    if (moved.length === 0 || (isStarted(name) && moved.every((one) => oldOf(one) === ''))) continue
    const groups = moved.flatMap((one) => groupsFor(one, leader, nameIn(wanted, one), oldOf(one)))
    const strangers = moved.filter((one) => !one.networks.some((network) => leader.networks.includes(network)))
    for (const stranger of strangers)
      led.warnings.push(`${stranger.name} and ${name}, which leads to it, share no network: visitors may not reach the new one`)
    if (groups.length === 0) continue
    led.first.push(...[...new Set([before ?? box])].map((one): HostCall => ['may_lead', one]))
    led.calls.push(['lead', name, box, ...groups])
    led.afterwards.push(['unlead', box])
    for (const one of moved) led.boxes.set(one.name, box)
    led.notes.push(`${name}: is reloaded once ${moved.map((one) => one.name).join(', ')} is well, and leads to the new one from then on`)
  }
  return led
}

function boxOf(leader: Service | Accessory, wanted: Wanted): string {
  const { app, environment } = wanted
  const service = environment.services.find((one) => one === leader)
  return service === undefined ? accessoryName({ app, environment: environment.name, accessory: leader.name }) : nameIn(wanted, service)
}

/** By network that both are in: the service, its containers, and the names that it has there and in none before. */
function groupsFor(service: Service, leader: Service | Accessory, container: string, old: string): string[] {
  const known = new Set<string>()
  return service.networks
    .filter((network) => leader.networks.includes(network))
    .flatMap((network) => {
      const names = aliasesOn(network, service).filter((name) => !known.has(name))
      for (const name of names) known.add(name)
      return names.length === 0 ? [] : [service.name, container, old, network, names.join(' ')]
    })
}
