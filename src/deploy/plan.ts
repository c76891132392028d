import type { Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { containerName, type Slot } from '../core/names.ts'
import { parseRepository } from '../core/reference.ts'
import { parsePublish } from './address.ts'
import { containerArgs } from './container.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { addressIn, nginxWarnings, type PlannedSite, planSites, surplusFolder, throughNginx, unseated } from './site.ts'
import { holdersOf, unfit } from './unfit.ts'
import type { Wanted } from './wanted.ts'

/** A call of one of the functions in host/: its name and its arguments. */
export type HostCall = readonly [string, ...string[]]

export interface HostPlan {
  slot: Slot
  calls: HostCall[]
  references: string[]
  /** For people: what happens to which service, and why. */
  notes: string[]
  /** For people as well: what the deploy cannot see to. */
  warnings: readonly string[]
  /** The program must be root, and the account is not. */
  sudo: boolean
  sites: readonly PlannedSite[]
}

/**
 * Decides what the host program does.
 * @throws LaunchwayError HOST_UNFIT with everything that is missing, DEPLOY_LOCKED with the holder
 */
export function planHost(wanted: Wanted, seen: Observation, host: string): HostPlan {
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  const lacks = unfit(wanted, seen)
  if (lacks.length > 0) {
    throw new LaunchwayError('HOST_UNFIT', `${host} cannot take this deploy: ${lacks.map(({ what }) => what).join('; ')}`, {
      hint: lacks.map(({ what, hint }) => `${what}: ${hint}`).join('\n'),
    })
  }
  const { environment } = wanted
  const slot = slotOf(wanted, seen)
  const sites = planSites(wanted, seen)
  const references = [...new Set(environment.services.map((service) => imageOf(wanted, service).reference))]
  const old = seen.containers.filter((container) => container.release === seen.current && seen.current !== wanted.release)
  const folder = sites[0] === undefined ? surplusFolder(wanted, seen) : sites[0].file.slice(0, sites[0].file.lastIndexOf('/'))
  const { calls: starts, notes, started } = startCalls(wanted, seen, old, { slot, sites })
  const calls: HostCall[] = [
    ['begin'],
    ['expect', seen.current ?? ''],
    ['recover'],
    ...sites.flatMap(({ service, ports, isNew }): HostCall[] =>
      isNew ? [['take_ports', service.name, String(ports.a), String(ports.b)]] : [],
    ),
    ...fetchCalls(wanted, seen, references),
    ...starts,
    ...[...unseated(wanted, seen, sites)].map(([file, service]): HostCall => ['unseat', service, file]),
    ...switchCalls(wanted, slot, sites),
    ...started.map((container): HostCall => ['keep', container]),
    ['record', wanted.repositories[0]],
    ...(folder === undefined ? [] : [['unsite', folder, ...sites.map(({ service }) => service.name)] as const]),
    ...old.flatMap((container) => drainCall(container, environment, seen)),
    ...old.map(({ name, service }): HostCall => ['retire', service, name, stopSeconds(environment, service)]),
    ['finish'],
  ]
  for (const service of new Set(old.map((one) => one.service))) {
    if (!environment.services.some(({ name }) => name === service)) notes.push(`${service}: ${goneNote(wanted)}, stopped`)
  }
  const sudo = seen.as === 'sudo' || (folder !== undefined && seen.root === 'sudo')
  return { slot, calls, references, notes, warnings: nginxWarnings(wanted, seen), sudo, sites }
}

/** A release that is kept stays where it was; a new one goes beside the current one. */
function slotOf({ release, isReturn }: Wanted, { containers, current }: Observation): Slot {
  const slotBy = (id: string | undefined): Slot | undefined => containers.find((container) => container.release === id)?.slot
  const currentSlot = slotBy(current)
  if (current === release) return currentSlot ?? 'a'
  return (isReturn ? slotBy(release) : undefined) ?? (currentSlot === 'a' ? 'b' : 'a')
}

/** What the containers need before they can be made. What is kept needs nothing. */
function fetchCalls(wanted: Wanted, seen: Observation, references: readonly string[]): HostCall[] {
  const { services } = wanted.environment
  if (wanted.isReturn && services.every((service) => seen.containers.some(({ name }) => name === nameIn(wanted, service)))) return []
  return [
    ...references.map((reference): HostCall => (hasLogin(wanted, reference) ? ['pull', reference, 'logins'] : ['pull', reference])),
    ...(wanted.logins.size > 0 ? [['forget_logins'] as const] : []),
    ...[...new Set(services.flatMap(({ networks }) => networks))].map((name): HostCall => ['network', name]),
  ]
}

/** Starts each service, and watches it until it is well. */
function startCalls(
  wanted: Wanted,
  seen: Observation,
  old: readonly SeenContainer[],
  { slot, sites }: Pick<HostPlan, 'slot' | 'sites'>,
): Pick<HostPlan, 'calls' | 'notes'> & { started: string[] } {
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

/** From the old slot to the new one: tried through nginx by its name, switched, and proven as everybody sees it. */
function switchCalls(wanted: Wanted, slot: Slot, sites: readonly PlannedSite[]): HostCall[] {
  if (sites.length === 0) return []
  const asked = (by: Slot | ''): HostCall[] =>
    sites.map((site) => {
      const { url, resolve } = throughNginx(site.service)
      const { health } = site.service
      const status = health.kind === 'http' ? String(health.status ?? '') : 'any'
      return ['through', site.service.name, nameIn(wanted, site.service), by, addressIn(slot, site), url, resolve, status]
    })
  return [
    ...sites.map(({ service, file }): HostCall => ['site', service.name, file]),
    ['load', ...sites.flatMap(({ names }) => names)],
    ...asked(slot),
    ['switch', slot],
    ...asked(''),
  ]
}

function drainCall({ service, slot, state }: SeenContainer, environment: Environment, seen: Observation): HostCall[] {
  const ports = seen.ports.get(service)
  return ports === undefined || state !== 'running' ? [] : [['drain', service, String(ports[slot]), stopSeconds(environment, service)]]
}

function nameIn({ app, environment, release }: Wanted, { name }: Service): string {
  return containerName({ app, environment: environment.name, service: name, release })
}

function goneNote({ isReturn }: Wanted): string {
  return isReturn ? 'was not there yet in that release' : 'no longer in the configuration'
}

/** The old containers that must stop before the service can start: a fixed port has one holder, which may have had another name. */
function inTheWay(service: Service, old: readonly SeenContainer[], seen: Observation): SeenContainer[] {
  if (service.publish === undefined) return []
  const holders = new Set(holdersOf(service.publish, seen).map(({ holder }) => holder))
  return old.filter((one) => one.service === service.name || holders.has(one.name))
}

function hasLogin({ logins }: Wanted, reference: string): boolean {
  return logins.has(parseRepository(reference).host)
}

function noteFor(service: Service, before: readonly SeenContainer[], first: readonly SeenContainer[], again: boolean): string {
  const other = first.find((one) => one.service !== service.name)
  if (other !== undefined) return `${service.name}: ${other.service} is stopped first, since it holds port ${service.publish ?? ''}`
  if (before.length === 0) return `${service.name}: ${again ? 'had ended, started again' : 'started for the first time'}`
  if (service.publish !== undefined)
    return `${service.name}: the old one is stopped first, since port ${service.publish} can have one holder only`
  return `${service.name}: started beside the old one, which is stopped afterwards`
}

function imageOf(wanted: Wanted, service: Service): { reference: string; bytes: number; platforms: readonly string[] } {
  const image = wanted.images.get(service.image)
  if (image === undefined)
    throw new LaunchwayError('RECORD_INVALID', `the record has no built image "${service.image}" for the service ${service.name}`)
  return image
}

/** @param address of a service that nginx leads to */
function watchCall(service: Service, container: string, address: string | undefined): HostCall {
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

export function publishedPorts(environment: Environment): number[] {
  return environment.services.flatMap(({ publish }) => (publish === undefined ? [] : [parsePublish(publish).port]))
}

export function lockedError(host: string, holder: string): LaunchwayError {
  return new LaunchwayError('DEPLOY_LOCKED', `another deploy is under way on ${host}`, {
    hint: `Held by ${holder}. Run this one again when it has ended; the lock ends with its program, there is nothing to remove.`,
  })
}

/** What `docker stop` is given for a service; docker's own ten seconds for one that the configuration no longer has. */
function stopSeconds(environment: Environment, service: string): string {
  const ms = environment.services.find(({ name }) => name === service)?.stopTimeoutMs ?? 10_000
  return String(Math.ceil(ms / 1000))
}

function centiseconds(ms: number): string {
  return String(Math.ceil(ms / 10))
}
