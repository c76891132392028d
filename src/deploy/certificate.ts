import type { Nginx, Service } from '../core/deployment.ts'
import { certonly, challengeFolder, challengePath, covers, letsEncrypt } from '../tools/certbot.ts'
import { challengeServerText, challengeText } from '../tools/nginx-challenge.ts'
import { serverKey, serversFolder } from '../tools/nginx-site.ts'
import type { HostCall } from './call.ts'
import { onHost, placesOf } from './nginx-places.ts'
import type { SeenCertificate } from './chains.ts'
import type { Observation, SeenNginx } from './observation.ts'
import { keyOf, type SiteFile } from './site.ts'
import type { Lack, Wanted } from './wanted.ts'

/** What is done about the certificates that services ask for (`acme`), before anything else is touched. */
export interface PlannedCertificates {
  calls: HostCall[]
  /** What nginx reads while a certificate is asked for: it makes way for the servers of the release. */
  files: SiteFile[]
  away: HostCall[]
  notes: string[]
  warnings: string[]
}

/** Three minutes: an authority asks from several places, and a queue of its own comes on top. */
const limitSeconds = 180

interface Turn {
  service: Service
  at: Nginx
  acme: NonNullable<Nginx['acme']>
  /** By what certbot knows it, or will. */
  name: string
  there: SeenCertificate | undefined
  missing: string[]
  /** It came by launchway, and from another authority than the one that is wanted now: from one to try out, for example. */
  isElsewhere: boolean
  isAsked: boolean
}

/**
 * One for each server: services share that of the server that they share. What a rollback returns to has been here with
 * its certificate, and asks nobody for anything.
 */
function turnsOf({ environment, isReturn }: Wanted, { certificates }: SeenNginx): Turn[] {
  const turns = new Map<string, Turn>()
  if (isReturn) return []
  for (const service of environment.services) {
    const { nginx: at } = service
    const [name] = at?.serverNames ?? []
    if (at?.acme === undefined || name === undefined || turns.has(name)) continue
    const there = certificates.find((one) => one.name === name)
    const missing = at.serverNames.filter((one) => !covers(there?.names ?? [], one))
    const isElsewhere = there?.isOwn === true && there.server !== undefined && there.server !== (at.acme.server ?? letsEncrypt)
    turns.set(name, {
      service,
      at,
      acme: at.acme,
      name,
      there,
      missing,
      isElsewhere,
      isAsked: there === undefined || missing.length > 0 || there.ends === 'over' || isElsewhere,
    })
  }
  return [...turns.values()]
}

export function planCertificates(wanted: Wanted, { nginx }: Observation): PlannedCertificates {
  const planned: PlannedCertificates = { calls: [], files: [], away: [], notes: [], warnings: [] }
  if (nginx === undefined) return planned
  const prepared = new Set<string>()
  for (const turn of turnsOf(wanted, nginx)) {
    const { service, at, acme, name, there, missing, isElsewhere, isAsked } = turn
    const names = at.serverNames.join(', ')
    if (!isAsked) {
      planned.notes.push(
        `${service.name}: the certificate of ${names} is there${there?.until === undefined ? '' : ` until ${dayOf(there.until)}`}`,
      )
      if (there?.authenticator === 'standalone')
        planned.warnings.push(
          `${service.name}: the certificate of ${names} was asked for without nginx (--standalone), and its renewal would need port 80, which nginx has. Once this deploy is through, on the host: certbot certonly --force-renewal --cert-name ${name} --webroot --webroot-path ${challengeFolder} ${at.serverNames.map((one) => `-d ${one}`).join(' ')}`,
        )
      if (there?.ends === 'soon')
        planned.warnings.push(
          `${service.name}: the certificate of ${names} ends within a week, and certbot has not renewed it. On the host: systemctl list-timers certbot.timer; certbot renew --dry-run`,
        )
      continue
    }
    const why =
      there === undefined
        ? ''
        : missing.length > 0
          ? `; the one that is there lacks ${missing.join(', ')}`
          : isElsewhere
            ? `; the one that is there is of ${there.server ?? ''}`
            : '; the one that is there has ended'
    planned.notes.push(`${service.name}: a certificate for ${names} is asked for${why}`)
    // The names of one server may stand in another order for another service.
    const files = prepared.has(serverKey(at.serverNames)) ? [] : meanwhile(wanted, turn, nginx)
    prepared.add(serverKey(at.serverNames))
    const asked = ['certificate', service.name, String(limitSeconds), challengeFolder, at.serverNames.join(' ')] as const
    planned.files.push(...files)
    planned.calls.push(
      ...files.map(({ key, path }): HostCall => ['site', key, path]),
      ['load', ...(files.length === 0 ? [] : at.serverNames)],
      [...asked, ...certonly({ name, names: at.serverNames, ...acme, isAnew: isElsewhere })],
    )
    planned.away.push(...files.map(({ key, path }): HostCall => ['unseat', `${key}.gone`, path]))
  }
  // Before the next reload that this deploy has nginx do.
  const left = leftCalls(wanted, nginx, planned.files)
  if (planned.calls.length > 0) planned.calls.unshift(...left)
  else planned.away.push(...left)
  return planned
}

/** What an attempt that asked has left, which could not be undone: it would be in the way of the servers of the release. */
function leftCalls({ app, environment }: Wanted, nginx: SeenNginx, files: readonly SiteFile[]): HostCall[] {
  // With no service behind nginx there is no reload that these calls would come before, and `unsite` sees to it.
  if (environment.services.every((service) => service.nginx === undefined)) return []
  const { sites, ours } = placesOf(nginx)
  const own = `${app}.${environment.name}.`
  return nginx.configuration.parts
    .flatMap(({ file: path }) => {
      const folder = path.slice(0, path.lastIndexOf('/'))
      const before = folder === sites ? `launchway.${own}` : folder.startsWith(`${serversFolder(ours)}/`) ? own : undefined
      const name = path.slice(folder.length + 1)
      if (before === undefined || !name.startsWith(before) || files.some((file) => file.path === path)) return []
      const [, service] = /^([^.]+)\.acme\.conf$/.exec(name.slice(before.length)) ?? []
      const file = onHost(nginx, path)
      return service === undefined || file === undefined ? [] : [{ service, file }]
    })
    .map(({ service, file }, nth): HostCall => ['unseat', `${service}.acme.left${nth}`, file])
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10)

/** What stands in nginx until the certificate is there: on port 80, under each of the names, the folder of the challenges. */
function meanwhile({ app, environment }: Wanted, { service, at }: Turn, nginx: SeenNginx): SiteFile[] {
  const { configuration, ipv6 } = nginx
  const { sites: folder, ours: launchway } = placesOf(nginx)
  if (folder === undefined) return []
  const names = at.serverNames.map((one) => one.toLowerCase())
  const ours = configuration.servers.filter((server) => keyOf(server.file) !== undefined && server.names.some((one) => names.includes(one)))
  const plain = ours.filter(({ ports }) => ports.includes(80))
  const without = names.filter((one) => !plain.some((server) => server.names.includes(one)))
  const own = `${app}.${environment.name}.${service.name}`
  const blind = new Set(ours.map(({ file }) => file))
  for (const { file, locations } of plain) if (locations.includes(challengePath)) blind.delete(file)
  return [
    ...(without.length === 0
      ? []
      : [{ key: `${service.name}.acme`, path: `${folder}/launchway.${own}.acme.conf`, text: challengeServerText(without, ipv6) }]),
    ...[...blind].map((file, index) => {
      const path = `${serversFolder(launchway)}/${keyOf(file) ?? ''}/${own}.acme.conf`
      return { key: `${service.name}.acme${index}`, path, text: challengeText() }
    }),
  ]
}

/** That of another deploy, which is under way. */
export function isMeanwhile(file: string): boolean {
  return /\/launchway\.[^/]+\.acme\.conf$/.test(file)
}

/** What keeps certbot from asking. */
export function certificateLacks(wanted: Wanted, nginx: SeenNginx, tools: ReadonlySet<string>): Lack[] {
  const turns = turnsOf(wanted, nginx)
  const lacks: Lack[] = []
  if (turns.length > 0 && !tools.has('openssl'))
    lacks.push({ what: 'openssl is not installed', hint: 'it reads for whom a certificate is: apt-get install openssl' })
  const asked = turns.filter(({ isAsked }) => isAsked)
  const [first] = asked
  if (first !== undefined && !tools.has('certbot'))
    lacks.push({
      what: `certbot is not installed, and ${first.at.serverNames.join(' ')} has no certificate`,
      hint: 'apt install certbot, or name the files of a certificate that is there: nginx: { tls: { certificate: …, key: … } } instead of acme',
    })
  for (const { there, at, name } of asked) {
    if (there !== undefined && there.authenticator === undefined) {
      lacks.push({
        what: `/etc/letsencrypt/live/${name} has files that certbot does not know, and that are not what is asked for`,
        hint: `certbot would put a new certificate beside them, where nobody looks. Move them away (mv /etc/letsencrypt/live/${name} /root/), or name files with nginx: { tls: … } instead of acme`,
      })
      continue
    }
    const wantedNames = at.serverNames.map((one) => one.toLowerCase())
    const others = there === undefined || there.isOwn ? [] : there.names.filter((one) => !wantedNames.includes(one))
    if (others.length > 0)
      lacks.push({
        what: `the certificate ${name} of certbot's is for ${others.join(' ')} as well, and not by launchway`,
        hint: `it is left in peace. Add ${at.serverNames.join(' ')} to it (certbot certonly --cert-name ${name} --expand …), or name its files with nginx: { tls: … } instead of acme`,
      })
  }
  return lacks
}
