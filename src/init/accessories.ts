import type { FileService } from '../tools/compose-file.ts'
import { durationMs } from '../tools/compose.ts'
import { environmentOf } from './environment.ts'
import { type DraftAccessory, plainName, volumesOf } from './draft.ts'
import { isFile, type Seen } from './seen.ts'
import { settingsOf } from './settings.ts'

/** What stands beside the application in a compose file: databases and caches, and what is for developers alone. */

const proxies = /^(nginx|nginx-proxy|traefik|caddy|haproxy|httpd|envoy|acme-companion|certbot)$/
const tools =
  /^(adminer|phpmyadmin|pgadmin4?|mailhog|mailpit|mailcatcher|mongo-express|redis-commander|redisinsight|watchtower|portainer(-ce)?|localstack|standalone-\w+)$/

/** The program of an image: `nginx` of `docker.io/library/nginx:1.27`. */
function programOf(image: string): string {
  return (
    image
      .replace(/[@:][^/]*$/, '')
      .split('/')
      .at(-1) ?? ''
  ).toLowerCase()
}

/** A web server of others' before the application. */
export function isProxy({ image, build }: FileService): boolean {
  return image !== undefined && build === undefined && proxies.test(programOf(image))
}

/** In words, why a service of others' images does not go to a host. */
export function isLeftOut({ name, image, ports }: FileService): string | undefined {
  if (image === undefined) return `${name} has neither an image nor a build, and is left out`
  if (image.includes('$')) return `${name} is left out: ${image} is not known here`
  const program = (
    image
      .replace(/[@:][^/]*$/, '')
      .split('/')
      .at(-1) ?? ''
  ).toLowerCase()
  if (proxies.test(program))
    return `${name} (${image}) is left out: nginx on the host leads to the application, see the guide's page on nginx`
  if (tools.test(program)) return `${name} (${image}) is left out: it is a tool for developers`
  return ports.length > 0 && /^(selenium|wiremock)/.test(program) ? `${name} (${image}) is left out: it is for tests` : undefined
}

export function accessoryOf(service: FileService, seen: Seen): { draft: DraftAccessory; says: string[] } {
  const says: string[] = []
  const { name, image, command, entrypoint, health: test, user, stopSignal, stopGrace, ports } = service
  if (ports.some(({ published }) => published !== undefined))
    says.push(`${name} is reached by the services alone, and no longer on a port of the host`)
  // A file of a secret is not there on the host.
  const isUsable = test !== undefined && !test.join(' ').includes('/run/secrets/')
  if (test !== undefined && !isUsable)
    says.push(`the health check of ${name} reads /run/secrets: write one under accessories.${plainName(name)}.health`)
  const names = seen.compose?.project.volumeNames ?? new Map<string, string>()
  const volumes = volumesOf(service, { names, has: (path) => isFile(path, seen), isAccessory: true }, says)
  if (volumes.length === 0 && isDatabase(service)) says.push(`${name} has no volume: its data ends with its container`)
  const keys = {
    image,
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(command === undefined ? {} : { command }),
    ...(isUsable ? { health: { command: test } } : {}),
    ...environmentOf(service, says, isUsable ? { words: test, asks: service.healthAsks } : undefined),
    ...(user === undefined ? {} : { user }),
    ...(stopSignal === undefined ? {} : { 'stop-signal': stopSignal }),
    ...(stopGrace === undefined ? {} : { 'stop-timeout': `${Math.ceil(durationMs(stopGrace) / 1000)}s` }),
    ...settingsOf(service, 'accessory', says),
  }
  return { draft: { name: plainName(name), keys, volumes }, says }
}

export function isDatabase({ image }: FileService): boolean {
  return /(postg|mysql|mariadb|mongo|mssql|cockroach|timescale)/.test(image ?? '')
}
