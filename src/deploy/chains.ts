import type { Environment, Nginx } from '../core/deployment.ts'
import { type CertificateText, covers, parseCertificate } from '../tools/certbot.ts'
import type { SeenNginx } from './observation.ts'
import type { Lack, Wanted } from './wanted.ts'

/** A certificate that certbot keeps. */
export interface SeenCertificate extends CertificateText {
  name: string
  /** Within a week, or already: certbot renews long before. */
  ends: 'later' | 'soon' | 'over'
  /** Its renewal goes by way of launchway. */
  isOwn: boolean
  /** The directory of the authority that it came from. */
  server: string | undefined
  /** How certbot renews it, `webroot` for example; undefined for files that certbot does not know. */
  authenticator: string | undefined
}

/** The certificate of a file that `tls` names, as nginx sees it. */
export interface SeenChain extends CertificateText {
  path: string
  /** Within a week, or already. */
  ends: SeenCertificate['ends']
}

/** In the lines of observe-tls.sh. */
export function chainsIn(facts: readonly string[][]): SeenChain[] {
  return facts.flatMap(([key, path, ends, ...text]) =>
    key === 'tls' && path !== undefined ? [{ path, ends: endsOf(ends), ...parseCertificate(text.join(' ')) }] : [],
  )
}

/** Those that certbot keeps, in the lines of observe.sh. */
export function certificatesIn(facts: readonly string[][]): SeenCertificate[] {
  return facts.flatMap(([key, name, ends, own, server, authenticator, ...text]) => {
    if (key !== 'certificate' || name === undefined) return []
    const by = { isOwn: own === 'own', server: server || undefined, authenticator: authenticator || undefined }
    return [{ name, ends: endsOf(ends), ...by, ...parseCertificate(text.join(' ')) }]
  })
}

function endsOf(word: string | undefined): SeenChain['ends'] {
  return word === 'over' || word === 'soon' ? word : 'later'
}

export function chainsOf(environment: Environment): string[] {
  return [...new Set(serversOf(environment).map(({ tls }) => tls.certificate))]
}

/** Servers that present a certificate which is the user's to see to. */
function serversOf({ services }: Environment): (Nginx & { tls: NonNullable<Nginx['tls']> })[] {
  return services.flatMap(({ nginx }) => (nginx?.tls === undefined || nginx.acme !== undefined ? [] : [{ ...nginx, tls: nginx.tls }]))
}

/** HTTPS that nobody has had here begins with a certificate that is good. What visitors have already they keep, with a warning. */
export function chainLacks({ environment, isReturn }: Wanted, { chains, configuration }: SeenNginx): Lack[] {
  if (isReturn) return []
  return serversOf(environment).flatMap(({ serverNames, tls }) => {
    const chain = chains.find(({ path }) => path === tls.certificate)
    const names = serverNames.map((name) => name.toLowerCase())
    const isThere = configuration.servers.some((server) => server.ports.includes(443) && server.names.some((name) => names.includes(name)))
    if (chain?.ends !== 'over' || isThere) return []
    return [
      {
        what: `${tls.certificate}, the certificate of ${serverNames.join(' ')}, ended${since(chain)}`,
        hint: `no browser takes it. ${renewal}`,
      },
    ]
  })
}

/** What browsers would say to visitors. */
export function chainWarnings(environment: Environment, nginx: SeenNginx | undefined): string[] {
  const found = serversOf(environment).flatMap(({ serverNames, tls }) => {
    const chain = nginx?.chains.find(({ path }) => path === tls.certificate)
    if (chain === undefined) return []
    const what = `${tls.certificate}, the certificate of ${serverNames.join(' ')},`
    // Of a pattern nobody knows for which names it stands.
    const uncovered = serverNames.filter((name) => !name.startsWith('~') && !covers(chain.names, name))
    const own = chain.names.length === 0 ? 'for no name at all (subjectAltName)' : `for ${chain.names.join(', ')}`
    return [
      ...(chain.ends === 'over' ? [`${what} ended${since(chain)}: no browser takes it. ${renewal}`] : []),
      ...(chain.ends === 'soon'
        ? [`${what} ends within a week${chain.until === undefined ? '' : `, on ${dayOf(chain.until)}`}. ${renewal}`]
        : []),
      ...(uncovered.length === 0 ? [] : [`${what} is ${own}, and not for ${uncovered.join(', ')}: no browser takes it there`]),
    ]
  })
  return [...new Set(found)]
}

const renewal = 'Renew it and reload nginx (certbot renew), or have the deploy ask for one: nginx: { acme: … }'

const since = ({ until }: SeenChain): string => (until === undefined ? '' : ` on ${dayOf(until)}`)

const dayOf = (date: Date): string => date.toISOString().slice(0, 10)
