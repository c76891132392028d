import type { Environment, Service } from './deployment.ts'

/** So many are told, of an environment of many hosts. */
const most = 3

/**
 * Where people reach an environment, in words: its `url`, else the ports that its hosts publish. Undefined where nobody is to
 * reach it, as with workers alone.
 */
export function whereReached(environment: Pick<Environment, 'url' | 'hosts' | 'services'> | undefined): string | undefined {
  if (environment?.url !== undefined) return environment.url
  const all = (environment?.hosts ?? []).flatMap((host) => (environment?.services ?? []).flatMap((service) => publishedBy(service, host)))
  const shown = all.slice(0, all.length > most + 1 ? most : all.length)
  return all.length === 0 ? undefined : `${shown.join(', ')}${shown.length === all.length ? '' : ` and ${all.length - shown.length} more`}`
}

/** A scheme where it is known that it speaks HTTP; no port where that is the usual one. */
function publishedBy({ publish, health }: Service, host: string): string[] {
  if (publish === undefined) return []
  const colon = publish.lastIndexOf(':')
  const [address, port] = [publish.slice(0, Math.max(colon, 0)), publish.slice(colon + 1)]
  const name = nameOf(host)
  // Where the engine listens on every address of the host, any of them does.
  const isAny = address === '' || address === '0.0.0.0' || address === '[::]'
  const at = isAny ? name : address
  const written = health.kind !== 'http' ? `${at}:${port}` : `http://${at}${port === '80' ? '' : `:${port}`}`
  return [/^(127\.|\[::1\]|localhost$)/.test(address) ? `${written} on ${name} itself` : written]
}

/** Of `deploy@app.example.org:2222` what stands in an address. */
function nameOf(host: string): string {
  return host.slice(host.indexOf('@') + 1).replace(/:\d+$/, '')
}
