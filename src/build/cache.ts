import type { Credentials } from '../core/ports.ts'
import { apiHost, parseReference, parseRepository } from '../core/reference.ts'
import type { BakeDefinition } from '../tools/buildx.ts'
import { cacheReference } from './logins.ts'
import type { Told } from './progress.ts'

/**
 * A cache that is not there is none: BuildKit goes on by itself. One that it cannot open (an exporter's `ignore-error`
 * comes later), or whose layers have gone, ends the build.
 */
export function failedAtCache({ failed, text }: Told): boolean {
  const said = [...text, ...failed.map(({ error }) => error)].join('\n')
  return /cache (importer|exporter)|(importing|exporting) cache|httpReadSeeker|could not fetch content descriptor/i.test(said)
}

/**
 * Caches that a registry refused, in words, once for each registry. One that is refused for reading and can be written was only
 * never there: some registries do not tell the two apart.
 */
export function refusedCaches({ failed }: Told, { target }: BakeDefinition, logins: ReadonlyMap<string, Credentials>): string[] {
  const writes = new Set(Object.values(target).flatMap((one) => (one['cache-to'] ?? []).flatMap((entry) => hostOf(cacheReference(entry)))))
  const refused = new Map<string, { verbs: Set<'read' | 'written'>; status: string }>()
  for (const { step, error } of failed) {
    const status = refusal.exec(error)?.[0]
    if (status === undefined) continue
    const [, read] = /importing cache manifest from (\S+)/.exec(step) ?? []
    const isWriting = /exporting cache to registry/.test(step)
    const at = isWriting ? [...writes].filter((host) => writes.size === 1 || error.includes(apiHost(host))) : hostOf(read)
    for (const host of at) {
      const one = refused.get(host) ?? { verbs: new Set(), status }
      refused.set(host, { ...one, verbs: one.verbs.add(isWriting ? 'written' : 'read') })
    }
  }
  return [...refused].flatMap(([host, { verbs, status }]) => {
    if (!verbs.has('written') && writes.has(host)) return []
    const login = logins.get(host)
    const [who, advice] =
      login === undefined
        ? ['anybody without a login', `Give one: registries: { ${host}: … } in launchway.yml, or docker login ${host} in a step before.`]
        : [login.username, 'Give a login that may do that.']
    return `the build cache at ${host} is not ${[...verbs].join(' and not ')}: it refuses ${who} (${status}). ${advice}`
  })
}

const refusal = /\b40[13]\b( \w+)?|insufficient_scope|access denied|authorization failed|unauthorized|forbidden/i

function hostOf(reference: string | undefined): string[] {
  return reference === undefined ? [] : [parseRepository(parseReference(reference).repository).host]
}
