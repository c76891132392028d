import type { EvidencePlan, SizeLimit, SizeLimits, Verification } from '../core/evidence.ts'
import { sbomKinds } from '../core/words.ts'
import { bytes } from '../core/units.ts'
import type { Config, EnvironmentConfig } from './schema.ts'
import type { SizeConfig } from './schema-evidence.ts'

/** Where GitHub's identities come from. */
const githubIssuer = 'https://token.actions.githubusercontent.com'

/** What is attached to the images; undefined where nothing is. */
export function resolveEvidence({ evidence = {}, scan }: Config): EvidencePlan | undefined {
  if (evidence === false) return undefined
  const { sbom, provenance = true, sign } = evidence
  return {
    // What an image consists of is known from its scan alone.
    sbom: sbom === false || scan === false ? [] : [...new Set(sbom ?? sbomKinds)],
    provenance,
    ...(sign === undefined
      ? {}
      : {
          sign:
            sign === 'keyless'
              ? { kind: 'keyless' }
              : { kind: 'key', key: sign.key ?? 'COSIGN_PRIVATE_KEY', password: sign.password ?? 'COSIGN_PASSWORD' },
        }),
  }
}

export function resolveVerification({ verify }: EnvironmentConfig): Verification | undefined {
  if (verify === undefined) return undefined
  if ('key' in verify) return { kind: 'key', keys: [verify.key].flat() }
  return { kind: 'keyless', identity: verify.identity, issuer: verify.issuer ?? githubIssuer }
}

export function resolveSize({ warn, fail }: SizeConfig): SizeLimits {
  return {
    ...(warn === undefined ? {} : { warn: limitOf(warn) }),
    ...(fail === undefined ? {} : { fail: limitOf(fail) }),
  }
}

function limitOf({ total, growth }: NonNullable<SizeConfig['fail']>): SizeLimit {
  return {
    ...(total === undefined ? {} : { total: bytes(total) }),
    ...(growth === undefined ? {} : growth.endsWith('%') ? { growthPercent: Number.parseFloat(growth) } : { growth: bytes(growth) }),
  }
}
