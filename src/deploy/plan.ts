import { quote } from '../core/command.ts'
import type { Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { containerName, hostPaths, type Slot } from '../core/names.ts'
import type { Credentials } from '../core/ports.ts'
import { showBytes } from '../core/units.ts'
import { parseRepository } from '../core/reference.ts'
import { collide, parsePublish } from './address.ts'
import { containerArgs } from './container.ts'
import type { Busy, Observation, SeenContainer } from './observation.ts'

/** A call of one of the functions in host/apply.sh: its name and its arguments. */
export type HostCall = readonly [string, ...string[]]

/** What shall run, apart from what the host looks like. */
export interface Wanted {
  app: string
  release: string
  environment: Environment
  /** By image name: what to pull, `repository@sha256:…`, and how large it is. */
  images: ReadonlyMap<string, { reference: string; bytes: number; platforms: readonly string[] }>
  /** Where the images of the application are pushed: the first is the name under which the host knows whose state it has. */
  repositories: readonly [string, ...string[]]
  /** For the registries that ask for one, one for each. */
  logins: ReadonlyMap<string, Credentials>
}

export interface HostPlan {
  slot: Slot
  calls: HostCall[]
  references: string[]
  /** For people: what happens to which service, and why. */
  notes: string[]
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
  const { app, release, environment } = wanted
  const currentSlot = seen.containers.find((container) => container.release === seen.current)?.slot
  const slot = seen.current === release ? (currentSlot ?? 'a') : currentSlot === 'a' ? 'b' : 'a'
  const references = [...new Set(environment.services.map((service) => imageOf(wanted, service).reference))]
  const calls: HostCall[] = [['begin'], ['expect', seen.current ?? ''], ['recover']]
  for (const reference of references) calls.push(hasLogin(wanted, reference) ? ['pull', reference, 'logins'] : ['pull', reference])
  if (wanted.logins.size > 0) calls.push(['forget_logins'])
  for (const name of new Set(environment.services.flatMap(({ networks }) => networks))) calls.push(['network', name])

  const notes: string[] = []
  const started: string[] = []
  const halted = new Set<string>()
  const old = seen.containers.filter((container) => container.release === seen.current && seen.current !== release)
  for (const service of environment.services) {
    const container = containerName({ app, environment: environment.name, service: service.name, release })
    const before = old.filter((one) => one.service === service.name)
    // One of a release that is not current was left by an attempt that broke off: `recover` removes it.
    const running = seen.current === release && seen.containers.some((one) => one.name === container && one.state === 'running')
    if (running) {
      notes.push(
        `${service.name}: runs this release already${service.secrets.length === 0 ? '' : ', and keeps the secrets it was started with'}`,
      )
      calls.push(watchCall(service, container))
      continue
    }
    const first = inTheWay(service, old, seen).filter(({ name }) => !halted.has(name))
    for (const { name, service: whose } of first) {
      halted.add(name)
      calls.push(['halt', service.name, name, stopSeconds(environment, whose)])
    }
    calls.push([
      'run',
      service.name,
      container,
      ...containerArgs(service, { app, environment: environment.name, release, slot }, imageOf(wanted, service).reference),
    ])
    for (const name of service.networks.slice(1)) calls.push(['join', service.name, name, container])
    calls.push(watchCall(service, container))
    if (first.length > 0) calls.push(['served', service.name])
    notes.push(
      noteFor(
        service,
        before,
        first,
        seen.containers.some(({ name }) => name === container),
      ),
    )
    started.push(container)
  }
  for (const container of started) calls.push(['keep', container])
  calls.push(['record', wanted.repositories[0]])
  for (const { name, service } of old) calls.push(['retire', service, name, stopSeconds(environment, service)])
  for (const service of new Set(old.map((one) => one.service))) {
    if (!environment.services.some(({ name }) => name === service)) notes.push(`${service}: no longer in the configuration, stopped`)
  }
  calls.push(['finish'])
  return { slot, calls, references, notes }
}

/** The old containers that must stop before the service can start: a fixed port has one holder, which may have had another name. */
function inTheWay(service: Service, old: readonly SeenContainer[], seen: Observation): SeenContainer[] {
  if (service.publish === undefined) return []
  const holders = new Set(holdersOf(service.publish, seen).map(({ holder }) => holder))
  return old.filter((one) => one.service === service.name || holders.has(one.name))
}

function holdersOf(publish: string, seen: Observation): Busy[] {
  return seen.busy.filter((one) => collide(one, parsePublish(publish)))
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

function watchCall(service: Service, container: string): HostCall {
  const { health } = service
  const bounds = [centiseconds(health.timeoutMs), centiseconds(health.settleMs)]
  if (health.kind === 'container') return ['watch', service.name, container, 'container', ...bounds, '0.2']
  const url = `http://${publicAddress(service)}${health.path}`
  return [
    'watch',
    service.name,
    container,
    'http',
    ...bounds,
    String(health.intervalMs / 1000),
    url,
    health.status === undefined ? '' : String(health.status),
    health.host ?? '',
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

/** That of Debian 11 and Ubuntu 20.04; what comes before it lacks options that services may use. */
const oldestEngine = '20.10'

interface Lack {
  what: string
  hint: string
}

/** Everything that would make the deploy fail later, said before anything is touched. */
function unfit(wanted: Wanted, seen: Observation): Lack[] {
  const lacks: Lack[] = []
  const { environment } = wanted
  if (seen.owner !== undefined && !wanted.repositories.includes(seen.owner)) {
    const { home } = hostPaths(environment.stateRoot, wanted.app, environment.name)
    lacks.push({
      what: `the state of app ${wanted.app} belongs to ${seen.owner}`,
      hint: `this release is of ${wanted.repositories[0]}; give one of them another name with \`app:\`. If the repository has moved, hand it over, on the host: rm ${quote(`${home}/owner`)}`,
    })
  }
  if (!seen.tools.has('docker'))
    lacks.push({ what: 'docker is not installed', hint: 'install it: https://docs.docker.com/engine/install/' })
  else if (seen.engine === undefined) lacks.push({ what: 'the Docker engine does not answer', hint: seen.engineSaid || 'start it' })
  else if (isTooOld(seen.engine.version))
    lacks.push({ what: `Docker ${seen.engine.version} is too old`, hint: `${oldestEngine} is the oldest that launchway knows to work` })
  for (const tool of ['flock', 'setsid', 'awk']) {
    if (!seen.tools.has(tool))
      lacks.push({ what: `${tool} is not installed`, hint: tool === 'awk' ? 'install mawk or busybox' : 'it is in the package util-linux' })
  }
  if (environment.services.some(({ health }) => health.kind === 'http') && !seen.tools.has('curl') && !seen.tools.has('wget')) {
    lacks.push({ what: 'neither curl nor wget is installed', hint: 'one of them is needed to ask the health page' })
  }
  if (seen.tools.has('docker') && seen.as === 'nobody') {
    lacks.push({
      what: `the user may not use docker, or not write ${environment.stateRoot}, and sudo asks for a password`,
      hint: `as root on the host: install -d -o USER ${environment.stateRoot} && usermod -aG docker USER`,
    })
  }
  if (seen.detach === 'never') {
    lacks.push({
      what: 'the login manager ends what a login leaves behind (KillUserProcesses)',
      hint: 'the deploy would end with the connection. As root on the host: loginctl enable-linger USER',
    })
  }
  for (const { publish } of environment.services) {
    if (publish === undefined) continue
    const strangers = holdersOf(publish, seen).filter(({ holder }) => !seen.containers.some(({ name }) => name === holder))
    for (const holder of new Set(strangers.map((one) => one.holder))) {
      const who = holder === '' ? 'a program of the host' : `the container ${holder}`
      lacks.push({ what: `port ${publish} is held by ${who}`, hint: 'stop it, or publish another port' })
    }
  }
  const bytes = [...wanted.images.values()].reduce((sum, image) => sum + image.bytes, 0)
  if (seen.freeBytes !== undefined && seen.freeBytes < bytes) {
    lacks.push({
      what: `${showBytes(seen.freeBytes)} of disk are free`,
      hint: `the images take up to ${showBytes(bytes)}: docker system prune, or a larger disk`,
    })
  }
  const platform = seen.engine?.platform
  for (const [name, image] of wanted.images) {
    if (
      platform !== undefined &&
      image.platforms.length > 0 &&
      !image.platforms.some((one) => one === platform || one.startsWith(`${platform}/`))
    ) {
      lacks.push({
        what: `the image ${name} is for ${image.platforms.join(', ')}`,
        hint: `this host is ${platform}: add it to platforms of the image`,
      })
    }
  }
  return lacks
}

/** A version that cannot be read is somebody's own build: no reason to refuse it. */
function isTooOld(version: string): boolean {
  const numbers = (text: string): [number, number] => [Number.parseInt(text, 10), Number.parseInt(text.split('.')[1] ?? '', 10)]
  const [[major, minor], [oldestMajor, oldestMinor]] = [numbers(version), numbers(oldestEngine)]
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor)
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
