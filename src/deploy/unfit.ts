import { quote } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import { hostPaths } from '../core/names.ts'
import { showBytes } from '../core/units.ts'
import { collidesIn, fixedPorts, type Span, spanOfPublish } from './address.ts'
import { cronLacks } from './cron.ts'
import { externalLacks, filesLacks } from './external.ts'
import type { Busy, Observation } from './observation.ts'
import { digestIn } from './seen-data.ts'
import { nginxLacks } from './site-lacks.ts'
import { holderLacks } from './volume-lacks.ts'
import type { Lack, Wanted } from './wanted.ts'

/** That of Debian 11 and Ubuntu 20.04; what comes before it lacks options that services may use. */
const oldestEngine = '20.10'

/** The program of an attempt, its parcels, its journal and the record take some hundred kilobytes. */
const leastStateBytes = 2_000_000

/** Of engines that answer, by what observe.sh says of them. */
const engineLacks: Readonly<Record<string, Lack>> = {
  snap: {
    what: 'docker is a snap, which cannot read the files of a deploy',
    hint: "two ways out: the distribution's package (apt-get install docker.io) or Docker's own (https://docs.docker.com/engine/install/). Before either: snap remove docker, which takes its containers and volumes along; what is worth keeping is copied first",
  },
  two: {
    what: 'root and the user have two engines: nginx needs root (sudo), and what runs is in the rootless engine of the user',
    hint: 'deploy as root, or as a user of the engine of the system (as root: usermod -aG docker USER; as the user: docker context use default, and no DOCKER_HOST), or let no nginx of the host lead to the services: publish',
  },
}

/** @throws LaunchwayError HOST_UNFIT with all of them, if there are any */
export function refuseLacks(lacks: readonly Lack[], who: string): void {
  if (lacks.length === 0) return
  throw new LaunchwayError('HOST_UNFIT', `${who}: ${lacks.map(({ what }) => what).join('; ')}`, {
    hint: lacks.map(({ what, hint }) => `${what}: ${hint}`).join('\n'),
  })
}

/** Everything that would make the deploy fail later, said before anything is touched. */
export function unfit(wanted: Wanted, seen: Observation): Lack[] {
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
  else if (seen.engineSaid === 'podman')
    lacks.push({
      what: 'what is called docker is Podman',
      hint: 'it does not do all that a Docker engine does. Install one in its place: https://docs.docker.com/engine/install/',
    })
  else if (seen.engine === undefined) lacks.push({ what: 'the Docker engine does not answer', hint: seen.engineSaid || 'start it' })
  else if (isTooOld(seen.engine.version))
    lacks.push({ what: `Docker ${seen.engine.version} is too old`, hint: `${oldestEngine} is the oldest that launchway knows to work` })
  lacks.push(...(seen.unfitEngine ?? []).flatMap((why) => engineLacks[why] ?? []))
  for (const tool of ['flock', 'setsid', 'awk']) {
    if (!seen.tools.has(tool))
      lacks.push({ what: `${tool} is not installed`, hint: tool === 'awk' ? 'install mawk or busybox' : 'it is in the package util-linux' })
  }
  if (environment.services.some(({ health }) => health.kind === 'http') && !seen.tools.has('curl') && !seen.tools.has('wget')) {
    lacks.push({ what: 'neither curl nor wget is installed', hint: 'one of them is needed to ask the health page' })
  }
  if (environment.services.some(({ assets }) => assets !== undefined) && !seen.tools.has('find'))
    lacks.push({
      what: 'find is not installed',
      hint: 'assets needs it, to copy files alone: it is in the package findutils, and in busybox',
    })
  // Of an engine that is stopped nobody knows yet who may use it.
  if (seen.tools.has('docker') && seen.as === 'nobody' && !seen.engineSaid.startsWith('Cannot connect to the Docker daemon')) {
    lacks.push({
      what: `the user may not use docker, or not write ${environment.stateRoot}, and sudo asks for a password`,
      hint: `as root on the host: install -d -o USER ${environment.stateRoot} && usermod -aG docker USER; where root has deployed before: chown -R USER ${environment.stateRoot}`,
    })
  }
  lacks.push(...[endedWithLogin(seen) ?? []].flat())
  for (const published of [...environment.services, ...environment.accessories]) {
    const whose = published.name
    // A service may take a port over from a release; an accessory stays where it is.
    const own = [
      ...seen.containers.map(({ name }) => name),
      ...seen.accessories.flatMap(({ name, container }) => (name === whose ? [container] : [])),
    ]
    for (const { at, span } of fixedPorts(published)) {
      const strangers = holdersOf(span, seen).filter(({ holder }) => !own.includes(holder))
      for (const who of new Set(strangers.map(nameOf))) {
        lacks.push({ what: `port ${at} is held by ${who}`, hint: 'stop it, or publish another port' })
      }
    }
  }
  lacks.push(...slotLacks(wanted, seen), ...nginxLacks(wanted, seen), ...cronLacks(environment.services, seen, wanted.isReturn))
  lacks.push(...externalLacks(wanted, seen))
  const { data } = seen
  if (data?.stateBytes !== undefined && data.stateBytes < leastStateBytes) {
    lacks.push({
      what: `${showBytes(data.stateBytes)} of disk are free at ${environment.stateRoot}`,
      hint: 'not enough to write down there what is done: make room, or give it another place with `state:` of the environment',
    })
  }
  // What a host has kept is there already.
  if (wanted.isReturn) return lacks
  lacks.push(...filesLacks(wanted, seen), ...holderLacks(wanted, seen))
  const missing = [...wanted.images.values()].filter(({ reference }) => data?.images.has(digestIn(reference)) !== true)
  const bytes = missing.reduce((sum, image) => sum + image.bytes, 0)
  if (seen.freeBytes !== undefined && seen.freeBytes < bytes) {
    lacks.push({
      what: `${showBytes(seen.freeBytes)} of disk are free`,
      hint: `the images take up to ${showBytes(bytes)}: docker image prune --all on the host takes what no container has, or a larger disk`,
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

function nameOf({ holder, program = 'a program of the host' }: Busy): string {
  return holder === '' ? program : `the container ${holder}`
}

/** A slot's port is for its service alone, for as long as the host knows the service. */
function slotLacks({ environment }: Wanted, seen: Observation): Lack[] {
  return environment.services.flatMap(({ name, nginx }) => {
    const ports = nginx === undefined ? undefined : seen.ports.get(name)
    return Object.values(ports ?? {}).flatMap((port) => {
      const stranger = holdersOf(spanOfPublish(`127.0.0.1:${port}`), seen).find(
        ({ holder }) => !seen.containers.some((one) => one.name === holder),
      )
      if (stranger === undefined) return []
      const who = nameOf(stranger)
      return [
        { what: `port ${port}, which nginx knows ${name} by, is held by ${who}`, hint: 'stop it: the port is set aside for the service' },
      ]
    })
  })
}

/** A version that cannot be read is somebody's own build: no reason to refuse it. */
function isTooOld(version: string): boolean {
  const numbers = (text: string): [number, number] => [Number.parseInt(text, 10), Number.parseInt(text.split('.')[1] ?? '', 10)]
  const [[major, minor], [oldestMajor, oldestMinor]] = [numbers(version), numbers(oldestEngine)]
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor)
}

/** Who listens at one of the ports. */
export function holdersOf(span: Span, seen: Observation): Busy[] {
  return seen.busy.filter((one) => collidesIn(span, one))
}

/** A program would end with the connection that has brought it. */
export function endedWithLogin({ detach }: Pick<Observation, 'detach'>): Lack | undefined {
  if (detach !== 'never') return undefined
  return {
    what: 'the login manager ends what a login leaves behind (KillUserProcesses)',
    hint: 'the deploy would end with the connection. As root on the host: loginctl enable-linger USER',
  }
}
