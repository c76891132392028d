import type { Rule } from '../finding.ts'
import type { SeenRepository } from '../look/registry.ts'

/** A rule for what a registry said, by the code of its refusal. */
export const registryRules: readonly Rule<readonly SeenRepository[]>[] = [
  {
    id: 'registry-denied',
    topic: 'registry',
    severity: 'error',
    looks: 'registries that refuse the login, or the right to push (an upload is begun and cancelled)',
    why: 'The image is built and tested, and then goes nowhere: REGISTRY_DENIED.',
    fix: 'Give a login that may write to the repository.',
    find: (seen) => seen.flatMap((one) => (one.refused === undefined || one.refused.code === 'REGISTRY_UNAVAILABLE' ? [] : [said(one)])),
  },
  {
    id: 'registry-unavailable',
    topic: 'registry',
    severity: 'error',
    looks: 'registries that do not answer, or whose certificate is not trusted',
    why: 'Nothing can be pushed, and hosts cannot pull.',
    fix: 'Check its name, and that this machine can reach it.',
    find: (seen) => seen.flatMap((one) => (one.refused?.code === 'REGISTRY_UNAVAILABLE' ? [said(one)] : [])),
  },
]

function said({ repository, refused }: SeenRepository) {
  return { where: { registry: repository }, what: refused?.message ?? '', ...(refused?.hint === undefined ? {} : { fix: refused.hint }) }
}
