import type { FileService } from '../tools/compose-file.ts'
import { durationMs } from '../tools/compose.ts'
import { baseReference, dockerfileFacts } from '../tools/dockerfile.ts'
import { loneIn } from '../tools/schedulers.ts'
import { type DraftService, plainName, volumesOf } from './draft.ts'
import { environmentOf } from './environment.ts'
import { askedPath, isFile, type Seen } from './seen.ts'
import { settingsOf } from './settings.ts'

/** What of a compose service that is built here would run on a host. */

/**
 * In words, why a service that is built here does not go to a host: a web server with nothing of its own but a
 * configuration, before another service. Where it would be first to start, it would not find what it leads to.
 */
export function onlyLeads(service: FileService, own: readonly FileService[], seen: Seen): string | undefined {
  const { build, needs, environment, name } = service
  const text = build === undefined ? undefined : textOf(build, seen)
  const base = text === undefined ? undefined : baseReference(text, { target: build?.target, args: build?.args ?? {} })
  if (text === undefined || base === undefined || !webServer.test(base) || (text.match(/^\s*FROM\s/gim) ?? []).length > 1) return undefined
  const words = [...environment.values()].join(' ')
  const to = own.find(
    (other) => other !== service && (needs.has(other.name) || words.includes(other.name)) && portOf(other, seen) !== undefined,
  )
  if (to === undefined) return undefined
  return `${name} is left out: it only leads to ${to.name}, as nginx on the host does. What else its configuration says goes under nginx`
}

/** A web server before the other services: of others' images, or with a configuration of its own. */
export function isBeforeOthers(service: FileService, seen: Seen): boolean {
  const text = service.build === undefined ? undefined : textOf(service.build, seen)
  const base = text === undefined ? service.image : baseReference(text, { target: service.build?.target, args: service.build?.args ?? {} })
  return base !== undefined && webServer.test(base)
}

const webServer = /^([\w.-]+\/)*(nginx|nginx-unprivileged|httpd|caddy|haproxy|traefik)([:@]|$)/

/** The service that visitors reach. */
export function frontOf(own: readonly FileService[], seen: Seen): FileService | undefined {
  const score = (service: FileService): number =>
    (service.ports.some(({ published }) => published === 80 || published === 443) ? 8 : 0) +
    (service.ports.length > 0 ? 4 : 0) +
    (/nginx|proxy|gateway/.test(service.name) ? 3 : 0) +
    (/^(web|www|app|site|frontend|server)$/.test(service.name) ? 2 : 0) +
    (portOf(service, seen) === undefined ? 0 : 1)
  const best = own.toSorted((a, b) => score(b) - score(a))[0]
  return best === undefined || (score(best) === 0 && own.length > 1) ? undefined : best
}

function textOf(
  { context, dockerfile }: NonNullable<FileService['build']>,
  { dockerfileTexts }: Pick<Seen, 'dockerfileTexts'>,
): string | undefined {
  return dockerfileTexts.get(context === '.' ? dockerfile : `${context}/${dockerfile}`)
}

function factsOf({ build }: FileService, { dockerfileTexts }: Seen): ReturnType<typeof dockerfileFacts> | undefined {
  const text = build === undefined ? undefined : textOf(build, { dockerfileTexts })
  return text === undefined ? undefined : dockerfileFacts(text, build?.target)
}

export function portOf(service: FileService, seen: Seen): number | undefined {
  const facts = factsOf(service, seen)
  return (
    service.ports[0]?.target ??
    service.expose[0] ??
    facts?.expose[0] ??
    portIn((service.command ?? []).join(' ')) ??
    portIn(facts?.command ?? '') ??
    seen.hints.leadsTo.get(service.name)
  )
}

/** The port that a server is told to listen on. */
export function portIn(command: string): number | undefined {
  const [, port] = /(?:--bind|-b|--port|-p|--listen|runserver)["',\s=]+(?:["']?[\d.[\]:a-z]*:)?["']?(\d{2,5})\b/.exec(command) ?? []
  return port === undefined ? undefined : Number(port)
}

export function framePort({ hints: { framework } }: Seen): number | undefined {
  return framework === undefined ? undefined : { flask: 5000, django: 8000, fastapi: 8000, express: 3000, rails: 3000 }[framework]
}

/** The path that says whether a service is well: the one that its health check asks for, else one that its code has. */
export function whereWell(service: FileService, seen: Seen, isOneImage: boolean): string | undefined {
  const asked = service.health?.join(' ') ?? factsOf(service, seen)?.health
  return asked === undefined ? (isOneImage ? seen.hints.healthPath : undefined) : askedPath(asked)
}

function lineOf({ entrypoint, command }: FileService): string {
  return [...(entrypoint ?? []), ...(command ?? [])].join(' ')
}

/** In words, that a service starts what is for developers alone. */
export function developersServer(service: FileService, seen: Seen): string | undefined {
  const [line, command = ''] = [lineOf(service), factsOf(service, seen)?.command]
  if (!/runserver|flask run|--reload|npm (run )?(dev|start)|nodemon|--debug/.test(`${line} ${command}`)) return undefined
  return `${service.name} starts a server for developers (${line === '' ? command : line}): give it a command for production`
}

/** Two of it would do everything twice, or could not run beside each other: schedulers, and workers of a fixed name. */
export function runsAlone(service: FileService, seen: Seen): boolean {
  const line = lineOf(service)
  const starts = line === '' ? (factsOf(service, seen)?.command ?? '') : line
  return /\bbeat\b/.test(line) || loneIn(starts.split(/[\s"',[\]]+/)) !== undefined
}

/** The ports after the first. */
function beside(ports: FileService['ports']): string {
  return ports
    .slice(1)
    .map(({ target }) => target)
    .join(', ')
}

interface Around {
  isPublic: boolean
  isOnly: boolean
  /** What the code of the repository shows is this service's: all that is built is one image. */
  isOneImage: boolean
  seen: Seen
  /** The port of the host that led to a service before this one. */
  door: number | undefined
}

export function serviceOf(
  service: FileService,
  image: string,
  { isPublic, isOnly, isOneImage, seen, door }: Around,
): { draft: DraftService; says: string[] } {
  const says: string[] = []
  const { command, entrypoint, stopSignal, stopGrace, user, ports, containerName } = service
  const healthPath = isPublic ? whereWell(service, seen, isOneImage) : undefined
  const port = isPublic ? (portOf(service, seen) ?? framePort(seen)) : undefined
  const published = (isPublic ? door : undefined) ?? ports[0]?.published
  const line = lineOf(service)
  // The HEALTHCHECK of its image asks what another command of the same image serves.
  const isAnothers =
    !isPublic && service.health === undefined && line !== '' && askedPath(factsOf(service, seen)?.health ?? '') !== undefined
  const environment = environmentOf(service, says)
  const volumes = volumesOf(
    service,
    {
      names: seen.compose?.project.volumeNames ?? new Map(),
      // The repository as a whole, as developers have it.
      has: (path) => /^\.{1,2}\/?$/.test(path) || isFile(path, seen),
      isAccessory: false,
    },
    says,
  )
  if (!isPublic && ports.length > 0)
    says.push(`${service.name} is reached by the other services alone, and no longer on a port of the host`)
  if (!isOnly && containerName !== undefined && containerName !== service.name)
    says.push(`${service.name} is called ${service.name} by the other services, not ${containerName}`)
  const address = ports[0]?.address
  if (isPublic && door === undefined && address !== undefined)
    says.push(
      `${service.name} is on ${address} of the host alone, and with a port under publish on all its addresses: write publish: '${address}:${published ?? 80}', or give it a url`,
    )
  if (isPublic && ports.length > 1)
    says.push(
      `${service.name} is on ${ports.length} ports of the host, and launchway.yml has one for a service: ${beside(ports)} is left out`,
    )
  if (service.health !== undefined && (!isPublic || askedPath(service.health.join(' ')) === undefined))
    says.push(
      `the health check of ${service.name} is left out: only one that asks for a path of what visitors reach has a place in launchway.yml`,
    )
  const settings = settingsOf(service, 'service', says)
  const forDevelopers = developersServer(service, seen)
  if (forDevelopers !== undefined) says.push(forDevelopers)
  const isWorker = /\b(worker|rqworker|sidekiq|huey_consumer)\b/.test(line)
  return {
    draft: {
      name: plainName(service.name),
      image,
      isPublic,
      ...(port === undefined ? {} : { port }),
      ...(published === undefined ? {} : { published }),
      ...(healthPath === undefined ? {} : { healthPath }),
      keys: {
        ...(entrypoint === undefined ? {} : { entrypoint }),
        ...(command === undefined ? {} : { command }),
        ...environment,
        ...(user === undefined ? {} : { user }),
        ...(stopSignal === undefined ? {} : { 'stop-signal': stopSignal }),
        ...(isAnothers ? { health: 'none' } : {}),
        ...(runsAlone(service, seen) ? { overlap: false } : {}),
        ...(stopGrace !== undefined
          ? { 'stop-timeout': `${Math.ceil(durationMs(stopGrace) / 1000)}s` }
          : isWorker
            ? { 'stop-timeout': '60s' }
            : {}),
        ...settings,
      },
      volumes,
      isNamed: true,
    },
    says,
  }
}
