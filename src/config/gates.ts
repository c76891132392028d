import type { SmokePlan, SmokeStep } from '../core/gates.ts'
import { milliseconds } from '../core/units.ts'
import { resolveCheck } from './resolve-checks.ts'
import type { Config } from './schema.ts'
import type { SmokeConfig } from './schema-gates.ts'
import { texts } from './texts.ts'

/** Where compose itself looks when it is told nothing, in its order. */
export const composeFiles = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'] as const
/** Where Trivy's exceptions are kept when nothing is said. */
export const ignoreFiles = ['.trivyignore.yaml', '.trivyignore'] as const

/** What of the files above the repository has. */
export interface Found {
  compose?: string
  ignoreFile?: string
}

/** What the smoke stage shall do; in words, why there is nothing for it to do. */
export function resolveSmoke({ smoke }: Config, { compose }: Found): SmokePlan | string {
  if (smoke === false) return 'smoke: false'
  const { variants, ...shared } = smoke ?? {}
  const own = resolveStack(shared, compose)
  if (variants === undefined || Object.keys(variants).length === 0) return own ?? noFile
  const resolved: NonNullable<SmokePlan['variants']> = {}
  for (const [name, variant] of Object.entries(variants)) {
    const stack = resolveStack({ ...shared, ...variant }, compose)
    if (stack === undefined) return noFile
    resolved[name] = stack
  }
  const [first] = Object.values(resolved)
  const base = own ?? first
  return base === undefined ? noFile : { ...base, variants: resolved }
}

const noFile = 'there is no compose file'

function resolveStack(smoke: Omit<SmokeConfig, 'variants'>, found: string | undefined): Omit<SmokePlan, 'variants'> | undefined {
  const files = smoke.compose ?? found
  if (files === undefined) return undefined
  return {
    compose: [files].flat(),
    ...(smoke.compose === undefined ? { composeFound: true } : {}),
    ...(smoke['env-files'] === undefined ? {} : { envFiles: [smoke['env-files']].flat() }),
    profiles: smoke.profiles ?? [],
    env: texts(smoke.env ?? {}),
    timeoutMs: milliseconds(smoke.timeout ?? '3m'),
    ...(smoke.scale === undefined ? {} : { scale: smoke.scale }),
    ...(smoke.remember === false ? { remember: false } : {}),
    prepare: (smoke.prepare ?? []).map(resolveStep),
    checks: (smoke.checks ?? []).map(resolveCheck),
  }
}

function resolveStep(step: NonNullable<SmokeConfig['prepare']>[number]): SmokeStep {
  const [kind, service] = 'run' in step ? (['run', step.run] as const) : (['exec', step.exec] as const)
  return {
    kind,
    service,
    command: step.command,
    name: `${kind} ${service}: ${step.command.join(' ')}`,
    timeoutMs: milliseconds(step.timeout ?? '5m'),
  }
}
