import type { Service } from '../core/deployment.ts'
import type { Slot } from '../core/names.ts'
import { fixedPorts, parsePublish } from './address.ts'
import { centiseconds, type HostCall, imageOf, joinCalls, keepAgain, nameIn, newNameOf, paceOf, secretsCalls, stopSeconds } from './call.ts'
import { containerArgs } from './container.ts'
import { isJob, retireCall } from './cron.ts'
import { ownerOf } from './mounts.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { isOnceIn, onceCall, onceNote, runsHere, runsNow } from './once.ts'
import { orderedCalls, sortedByAfter, type Step } from './order.ts'
import { addressIn, isToldHttps, type PlannedSite, throughNginx } from './site.ts'
import { holdersOf } from './unfit.ts'
import type { Wanted } from './wanted.ts'

/** What makes and starts the services, and what people are told of it. */
interface Started {
  /** Makes every container, and touches nothing that runs. */
  creates: HostCall[]
  calls: HostCall[]
  notes: string[]
  /** Has waited, when all else is done, until those that nobody asks anything have stayed up long enough. */
  stays: HostCall[]
  /** Calls that make the containers which did not run before survive a reboot. */
  keeps: HostCall[]
}

interface Starting {
  slot: Slot
  sites: readonly PlannedSite[]
  /** By service: what goes on running. */
  left: ReadonlyMap<string, SeenContainer>
  /** What is started among the services. */
  more?: readonly Step[]
}

/** A service, and what it takes to have it run. */
interface Turn {
  service: Service
  container: string
  address: string | undefined
  /** The old containers that must stop before it can start. */
  first: readonly SeenContainer[]
  isRunning: boolean
}

/**
 * Starts the services and watches each until it is well, in the order that they ask for. Those that people reach come first: no worker starts beside a
 * web that is not well. What cannot overlap comes last of its kind, so that its gap is short.
 */
export function startCalls(
  wanted: Wanted,
  seen: Observation,
  old: readonly SeenContainer[],
  { slot, sites, left, more = [] }: Starting,
): Started {
  const { release, environment } = wanted
  const creates: HostCall[] = []
  const notes: string[] = []
  const keeps: HostCall[] = []
  const halted = new Set<string>()
  const turns: Turn[] = []
  const running = environment.services.filter((service) => !isJob(service) && !left.has(service.name))
  for (const service of sortedByAfter(running.toSorted((one, other) => roleOf(one, seen) - roleOf(other, seen)))) {
    const container = nameIn(wanted, service)
    if (service.once === true) {
      notes.push(onceNote(service, wanted, seen))
      if (!runsNow(wanted, seen) || !runsHere(service, wanted)) continue
      const owner = ownerOf(wanted, slot)
      creates.push(...createCalls(service, container, containerArgs(service, owner, imageOf(wanted, service).reference)))
      creates.push(['runs_once', service.name, container])
      turns.push({ service, container, address: undefined, first: [], isRunning: false })
      continue
    }
    const site = sites.find((one) => one.service === service)
    const address = site === undefined ? undefined : addressIn(slot, site)
    const before = old.filter((one) => one.service === service.name)
    // One of a release that is not current was left by an attempt that broke off: `recover` removes it.
    const there = seen.containers.find(({ name }) => name === container)
    const isRunning = seen.current === release && there?.state === 'running'
    const first = isRunning ? [] : inTheWay(service, old, wanted, seen).filter(({ name }) => !halted.has(name))
    for (const { name } of first) halted.add(name)
    turns.push({ service, container, address, first, isRunning })
    const assets = assetCalls(service, container)
    if (isRunning) {
      const again = keepAgain(container, there, service.restart)
      creates.push(...assets)
      keeps.push(...again)
      const more = [
        ...(service.secrets.length === 0 ? [] : [', and keeps the secrets it was started with']),
        ...(again.length === 0 ? [] : [', and comes back after a reboot from now on']),
      ]
      notes.push(`${service.name}: runs this release already${more.join('')}`)
      continue
    }
    // One that the live release has left running when it came, and which has ended since, is none that it made.
    const isOthers = there !== undefined && container !== newNameOf(wanted, service)
    if (!(wanted.isReturn && isKeptIn(slot, service, wanted, seen)) && !isOthers) {
      const owner = ownerOf(wanted, slot)
      creates.push(...secretsCalls(service, wanted))
      creates.push(...createCalls(service, container, containerArgs(service, owner, imageOf(wanted, service).reference, address)))
    }
    creates.push(...assets)
    const renamed = first.filter((one) => isAloneAndGone(one, wanted, seen))
    for (const { service: other } of renamed)
      notes.push(`${service.name}: ${other} is stopped first: it may be the same under another name, and two must not overlap`)
    notes.push(
      noteFor(
        service,
        before,
        first.filter((one) => !renamed.includes(one)),
        there !== undefined,
        seen,
      ),
    )
    keeps.push(['keep', container, service.restart, ...first.flatMap(({ name, cron }) => (cron === undefined ? [name] : []))])
  }
  for (const service of environment.services) {
    const one = left.get(service.name)
    if (one !== undefined) keeps.push(...keepAgain(one.name, one, service.restart))
  }
  const made = new Set(creates.flatMap(([name, , container]) => (name === 'create' ? [container] : [])))
  const start = ({ service, container, first, isRunning }: Turn): HostCall[] => [
    ...first.map((one): HostCall => {
      const { name, service: whose } = one
      // A run that was cut short must not begin again when the new version fails.
      if (one.cron !== undefined) return retireCall(environment, one, seen, [], 'now')
      return ['halt', service.name, name, stopSeconds(one, seen, environment), restartOf(whose, seen)]
    }),
    ...(service.once === true ? [onceCall(service, container)] : []),
    ...(isRunning || service.once === true ? [] : [[made.has(container) ? 'start' : 'wake', service.name, container] as const]),
  ]
  const watch = ({ service, container, address, first }: Turn): HostCall[] => [
    ...(service.once === true ? [] : [watchCall(service, container, address)]),
    ...(first.length === 0 ? [] : [['served', service.name, reasonOf(service, seen)] as const]),
  ]
  const steps = turns.map((turn): Step => {
    const { service, first } = turn
    const [rank, after] = [roleOf(service, seen), service.after ?? []]
    return { name: service.name, rank, after, isAlone: first.length > 0, start: start(turn), watch: watch(turn) }
  })
  // One that runs to its end keeps nobody waiting who is started with it.
  const ordered = [...steps, ...more].toSorted(
    (one, other) => Number(isOnceIn(environment, one.name)) - Number(isOnceIn(environment, other.name)),
  )
  const calls = orderedCalls(ordered)
  return { creates, calls, notes, stays: staysCalls(wanted, turns), keeps }
}

/** How long one that nobody asks anything is looked at before what comes next is done. The rest of its time passes meanwhile. */
const firstLookMs = 1_000

/** Of a service that nobody asks anything: how long it must have been healthy, or up where its image has no HEALTHCHECK. */
function stayOf({ port, health }: Service): { healthyMs: number; upMs: number } | undefined {
  if (port !== undefined || (health.kind !== 'container' && health.kind !== 'none')) return undefined
  const upMs = health.kind === 'container' ? (health.bareMs ?? health.settleMs) : health.settleMs
  return upMs > firstLookMs ? { healthyMs: Math.max(0, health.settleMs - firstLookMs), upMs } : undefined
}

/** What a host returns to has stayed up before, and whoever goes back is in a hurry. */
function staysCalls({ isReturn }: Wanted, turns: readonly Turn[]): HostCall[] {
  if (isReturn) return []
  const words = turns.flatMap(({ service, container }) => {
    const stay = service.once === true ? undefined : stayOf(service)
    return stay === undefined ? [] : [service.name, container, centiseconds(stay.healthyMs), centiseconds(stay.upMs)]
  })
  return words.length === 0 ? [] : [['stay', ...words]]
}

function createCalls(service: Service, container: string, args: readonly string[]): HostCall[] {
  return [['create', service.name, container, ...args], ...joinCalls(service, container)]
}

/** The host copies what it does not have yet: also of a release that it has kept, whose slot another one has had since. */
function assetCalls({ name, assets }: Service, container: string): HostCall[] {
  return assets === undefined ? [] : [['assets', name, container, ...assets.flatMap(({ path, folder }) => [path, folder])]]
}

/** The place in the order: asked from outside or not, and each without a gap before with one. */
function roleOf(service: Service, seen: Observation): 0 | 1 | 2 | 3 {
  const holds = fixedPorts(service).length > 0
  const overlaps = !holds && mayOverlap(service, seen)
  if (service.port !== undefined || holds) return overlaps ? 0 : 1
  return overlaps ? 2 : 3
}

/** Neither the version that starts nor the one that runs may refuse it. */
function mayOverlap(service: Service, seen: Observation): boolean {
  return service.overlap && runningAs(service.name, seen)?.overlap !== false
}

function runningAs(name: string, { current, releases }: Observation): Service | undefined {
  return releases.get(current ?? '')?.environment.services.find((service) => service.name === name)
}

/** The policy that a container of the release that serves has, or goes back to when the new version fails. */
export function restartOf(name: string, seen: Observation): string {
  return runningAs(name, seen)?.restart ?? 'unless-stopped'
}

/** Its port is that of its slot, for as long as the container lives; of a project, what nginx does not lead to serves in either. */
export function isKeptIn(slot: Slot, service: Service, wanted: Wanted, { containers }: Observation): boolean {
  const inAny = wanted.environment.project !== undefined && service.nginx === undefined
  return containers.some((one) => one.name === nameIn(wanted, service) && (inAny || one.slot === slot))
}

const hasEnded = ({ state }: SeenContainer): boolean => ['exited', 'created', 'dead'].includes(state)

/**
 * The old containers that must stop before the service can start: a fixed port has one holder, which may have had another
 * name, and so may what must not run twice.
 */
function inTheWay(service: Service, old: readonly SeenContainer[], wanted: Wanted, seen: Observation): SeenContainer[] {
  const alone = !mayOverlap(service, seen)
  const ports = fixedPorts(service)
  if (ports.length === 0 && !alone) return []
  const holders = new Set(ports.flatMap(({ span }) => holdersOf(span, seen)).map(({ holder }) => holder))
  // One that somebody has stopped is in nobody's way, and must not come back when the new version fails. Where an attempt
  // broke off, `recover` may bring it back before this is done.
  const running = old.filter((one) => seen.isInterrupted || !hasEnded(one))
  const gone = running.filter((one) => !service.overlap && isAloneAndGone(one, wanted, seen))
  // Its own comes last: the time that the others take to stop is none without it.
  return [...gone, ...running.filter((one) => !gone.includes(one) && (one.service === service.name || holders.has(one.name)))]
}

/** It must not overlap, as its own release says, and the release that comes does not know it by this name. */
function isAloneAndGone(one: SeenContainer, { environment }: Wanted, { releases }: Observation): boolean {
  const of = releases.get(one.release)?.environment.services.find(({ name }) => name === one.service)
  return of?.overlap === false && !environment.services.some(({ name }) => name === one.service)
}

function reasonOf(service: Service, seen: Observation): string {
  return mayOverlap(service, seen) ? 'the port is fixed' : 'it must not overlap'
}

function noteFor(
  service: Service,
  before: readonly SeenContainer[],
  first: readonly SeenContainer[],
  again: boolean,
  seen: Observation,
): string {
  const other = first.find((one) => one.service !== service.name)
  if (other !== undefined) return `${service.name}: ${other.service} is stopped first, since it holds ${portsOf(service)}`
  if (before.length === 0) return `${service.name}: ${again ? 'had ended, started again' : 'started for the first time'}`
  const hasGap = fixedPorts(service).length > 0 || !mayOverlap(service, seen)
  if (hasGap && first.length === 0 && before.every(hasEnded)) return `${service.name}: started; the old one had ended`
  if (!mayOverlap(service, seen)) return `${service.name}: the old one is stopped first, since two must not overlap`
  if (hasGap) return `${service.name}: the old one is stopped first, since ${portsOf(service)} can have one holder only`
  return `${service.name}: started beside the old one, which is stopped afterwards`
}

function portsOf(service: Service): string {
  const all = fixedPorts(service).map(({ at }) => at)
  return `${all.length === 1 ? 'port' : 'the ports'} ${all.join(', ')}`
}

/** How long the new version is with visitors before the old one may stop: `linger` in host/nginx.sh waits as long. */
const lingerMs = 500

/** @param address of a service that nginx leads to */
export function watchCall(service: Service, container: string, address: string | undefined): HostCall {
  const { health } = service
  // The rest of the time it is with visitors already, and nginx falls back to the old one: see `linger`.
  const late = stayOf(service) === undefined ? health.settleMs : Math.min(health.settleMs, firstLookMs)
  const settleMs = address === undefined ? late : Math.max(0, health.settleMs - lingerMs)
  const bounds = [centiseconds(health.timeoutMs), centiseconds(settleMs)]
  if (health.kind === 'container' || health.kind === 'none') return ['watch', service.name, container, 'container', ...bounds, '20']
  const pace = paceOf(health)
  if (health.kind === 'command') return ['watch', service.name, container, 'exec', ...bounds, pace, ...health.command]
  const url = `http://${address ?? publicAddress(service)}${health.path}`
  return [
    'watch',
    service.name,
    container,
    'http',
    ...bounds,
    pace,
    url,
    health.status === undefined ? '' : String(health.status),
    // By the name that nginx will ask with: some applications answer to no other.
    health.host ?? (address === undefined ? '' : throughNginx(service).name),
    // Many applications send plain HTTP to HTTPS, where nobody listens for a container alone.
    ...(isToldHttps(service.nginx) ? ['https'] : []),
  ]
}

/** Where the host itself reaches a published port. */
function publicAddress({ publish = '' }: Service): string {
  const { address, port } = parsePublish(publish)
  if (address !== '') return `${address}:${port}`
  // Every address of one kind may leave out the other kind.
  return publish.startsWith('[') ? `[::1]:${port}` : `127.0.0.1:${port}`
}
