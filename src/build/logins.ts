import { LaunchwayError } from '../core/error.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import { parseReference, parseRepository } from '../core/reference.ts'
import type { PlanSection } from '../core/release.ts'
import { fieldsOf } from '../tools/bake-file.ts'
import type { BakeDefinition } from '../tools/buildx.ts'

/** The repository of a cache in a registry, as buildx takes it: `type=registry,ref=…`, or the name alone. */
export function cacheReference(entry: string): string | undefined {
  const fields = fieldsOf(entry)
  if (fields.get('type') === 'registry') return fields.get('ref')
  return /[=,]/.test(entry) ? undefined : entry
}

/** The registries that a build reads from and writes to by itself, as far as the definition names them. */
function hostsIn({ target }: BakeDefinition): string[] {
  return Object.values(target).flatMap(({ contexts = {}, 'cache-from': from = [], 'cache-to': to = [] }) => {
    const images = Object.values(contexts).flatMap((value) => /^docker-image:\/\/(.+)$/.exec(value)?.[1] ?? [])
    const caches = [...from, ...to].flatMap((entry) => cacheReference(entry) ?? [])
    return [...images, ...caches].map((reference) => parseRepository(parseReference(reference).repository).host)
  })
}

/**
 * The logins that this run has for where a build goes by itself, by registry: base images and caches. A login that cannot be had
 * is no reason to fail: what it would open may be open, or here already.
 */
export async function buildLogins(
  definition: BakeDefinition,
  { registries }: PlanSection,
  ports: Pick<Ports, 'registry' | 'log'>,
): Promise<Map<string, Credentials>> {
  const named = hostsIn(definition)
  // A Dockerfile may name an image whose digest nobody could tell.
  const others = registries.filter(({ password, generalLogin }) => password !== undefined || generalLogin !== undefined)
  const logins = new Map<string, Credentials>()
  for (const host of new Set([...named, ...others.map((one) => one.host)])) {
    try {
      const login = await ports.registry.credentials(registries.find((one) => one.host === host) ?? { host, plainHttp: false })
      if (login !== undefined) logins.set(host, login)
    } catch (error) {
      if (!(error instanceof LaunchwayError)) throw error
      const says = `${host}: built without its login: ${error.message}`
      if (named.includes(host)) ports.log.info(says)
      else ports.log.debug(says)
    }
  }
  return logins
}
