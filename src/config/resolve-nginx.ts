import { defaultPort } from '../core/http-check.ts'
import type { Nginx } from '../core/deployment.ts'
import { milliseconds } from '../core/units.ts'
import type { ServiceConfig } from './schema-service.ts'

/** The host name of an address, without the dot that may end it: nginx compares names without. */
export const nameOf = (url: string | URL): string => new URL(url).hostname.replace(/\.$/, '')

/** A port that is not published is reached through nginx. `rules.ts` has seen to it that there is a name. */
export function resolveNginx({ port, publish, nginx = {} }: ServiceConfig, url: string | undefined): Nginx | undefined {
  if (port === undefined || publish !== undefined) return undefined
  const at = url === undefined ? undefined : new URL(url)
  const serverNames = [nginx['server-name'] ?? (at === undefined ? [] : nameOf(at))].flat()
  const [first] = serverNames
  if (first === undefined) return undefined
  const { timeout, errors } = nginx
  const headers = {
    ...nginx.headers,
    ...(nginx.hsts === undefined || nginx.hsts === false
      ? {}
      : { 'Strict-Transport-Security': nginx.hsts === true ? 'max-age=31536000' : nginx.hsts }),
  }
  return {
    ...(nginx.container === undefined ? {} : { container: nginx.container }),
    serverNames,
    ...wayIn(first, nginx, at),
    // Of another name nobody has said how it is reached.
    ...(nginx.tls === false && at?.protocol === 'https:' && serverNames.includes(nameOf(at)) ? { behindTls: true } : {}),
    ...(at === undefined || at.port === '' ? {} : { urlPort: Number(at.port) }),
    ...(nginx.redirect === undefined ? {} : { redirect: nginx.redirect }),
    ...(nginx.path === undefined ? {} : { path: nginx.path }),
    ...(nginx['strip-prefix'] === undefined ? {} : { stripPrefix: nginx['strip-prefix'] }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(nginx['body-size'] === undefined ? {} : { bodySize: nginx['body-size'] }),
    ...(timeout === undefined ? {} : { timeoutMs: milliseconds(timeout) }),
    ...(errors === undefined ? {} : { errors }),
    ...(nginx['maintenance-page'] === undefined ? {} : { maintenancePage: nginx['maintenance-page'] }),
  }
}

function wayIn(first: string, { server, tls, acme }: NonNullable<ServiceConfig['nginx']>, url: URL | undefined): Partial<Nginx> {
  const isHttps = tls !== false && url?.protocol === 'https:'
  if (server === 'existing') {
    // With TLS in front the port of the address is that of what stands in front.
    const isOwn = url !== undefined && url.port !== '' && isHttps === (url.protocol === 'https:')
    const port = isOwn ? Number(url.port) : defaultPort(isHttps ? 'https' : 'http')
    return { existing: { https: isHttps, port } }
  }
  // Where certbot keeps what it has asked for under this name.
  const live = `/etc/letsencrypt/live/${first}`
  const kept = { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` }
  if (acme !== undefined) return { tls: kept, acme: { email: acme.email, ...(acme.server === undefined ? {} : { server: acme.server }) } }
  const byDefault = isHttps ? kept : undefined
  const chosen = tls === false ? undefined : (tls ?? byDefault)
  return chosen === undefined ? {} : { tls: chosen }
}
