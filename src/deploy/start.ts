import type { Service } from '../core/deployment.ts'
import type { Slot } from '../core/names.ts'
import { parsePublish } from './address.ts'
import { type HostCall, imageOf, nameIn, stopSeconds } from './call.ts'
import { containerArgs } from './container.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { addressIn, type PlannedSite, throughNginx } from './site.ts'
import { holdersOf } from './unfit.ts'
import type { Wanted } from './wanted.ts'

/** What starts the services, and what people are told of it. */
interface Started {
  calls: HostCall[]
  notes: string[]
  /** Containers that did not run before. */
  started: string[]
}

/** Starts each service, and watches it until it is well. */
export function startCalls(
  wanted: Wanted,
  seen: Observation,
  old: readonly SeenContainer[],
  { slot, sites }: { slot: Slot; sites: readonly PlannedSite[] },
): Started {
  const { app, release, environment } = wanted
  const calls: HostCall[] = []
  const notes: string[] = []
  const started: string[] = []
  const halted = new Set<string>()
  for (const service of environment.services) {
    const container = nameIn(wanted, service)
    const site = sites.find((one) => one.service === service)
    const address = site === undefined ? undefined : addressIn(slot, site)
    const before = old.filter((one) => one.service === service.name)
    const isThere = seen.containers.some(({ name }) => name === container)
    // One of a release that is not current was left by an attempt that broke off: `recover` removes it.
    const running = seen.current === release && seen.containers.some((one) => one.name === container && one.state === 'running')
    if (running) {
      notes.push(
        `${service.name}: runs this release already${service.secrets.length === 0 ? '' : ', and keeps the secrets it was started with'}`,
      )
      calls.push(watchCall(service, container, address))
      continue
    }
    const first = inTheWay(service, old, seen).filter(({ name }) => !halted.has(name))
    for (const { name, service: whose } of first) {
      halted.add(name)
      calls.push(['halt', service.name, name, stopSeconds(environment, whose)])
    }
    if (wanted.isReturn && isThere) calls.push(['wake', service.name, container])
    else {
      const owner = { app, environment: environment.name, release, slot }
      calls.push(['run', service.name, container, ...containerArgs(service, owner, imageOf(wanted, service).reference, address)])
      for (const name of service.networks.slice(1)) calls.push(['join', service.name, name, container])
    }
    calls.push(watchCall(service, container, address))
    if (first.length > 0) calls.push(['served', service.name])
    notes.push(noteFor(service, before, first, isThere))
    started.push(container)
  }
  return { calls, notes, started }
}

/** The old containers that must stop before the service can start: a fixed port has one holder, which may have had another name. */
function inTheWay(service: Service, old: readonly SeenContainer[], seen: Observation): SeenContainer[] {
  if (service.publish === undefined) return []
  const holders = new Set(holdersOf(service.publish, seen).map(({ holder }) => holder))
  return old.filter((one) => one.service === service.name || holders.has(one.name))
}

function noteFor(service: Service, before: readonly SeenContainer[], first: readonly SeenContainer[], again: boolean): string {
  const other = first.find((one) => one.service !== service.name)
  if (other !== undefined) return `${service.name}: ${other.service} is stopped first, since it holds port ${service.publish ?? ''}`
  if (before.length === 0) return `${service.name}: ${again ? 'had ended, started again' : 'started for the first time'}`
  if (service.publish !== undefined)
    return `${service.name}: the old one is stopped first, since port ${service.publish} can have one holder only`
  return `${service.name}: started beside the old one, which is stopped afterwards`
}

/** @param address of a service that nginx leads to */
export function watchCall(service: Service, container: string, address: string | undefined): HostCall {
  const { health } = service
  const bounds = [centiseconds(health.timeoutMs), centiseconds(health.settleMs)]
  if (health.kind === 'container') return ['watch', service.name, container, 'container', ...bounds, '0.2']
  const url = `http://${address ?? publicAddress(service)}${health.path}`
  return [
    'watch',
    service.name,
    container,
    'http',
    ...bounds,
    String(health.intervalMs / 1000),
    url,
    health.status === undefined ? '' : String(health.status),
    // By the name that nginx will ask with: some applications answer to no other.
    health.host ?? (address === undefined ? '' : throughNginx(service).name),
    // Many applications send plain HTTP to HTTPS, where nobody listens for a container alone.
    ...(service.nginx?.tls === undefined ? [] : ['https']),
  ]
}

/** Where the host itself reaches a published port. */
function publicAddress({ publish = '' }: Service): string {
  const { address, port } = parsePublish(publish)
  if (address !== '') return `${address}:${port}`
  // Every address of one kind may leave out the other kind.
  return publish.startsWith('[') ? `[::1]:${port}` : `127.0.0.1:${port}`
}

function centiseconds(ms: number): string {
  return String(Math.ceil(ms / 10))
}
