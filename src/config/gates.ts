import type { SmokeCheck, SmokePlan, SmokeStep } from '../core/gates.ts'
import { milliseconds } from '../core/units.ts'
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
  const files = smoke?.compose ?? compose
  if (files === undefined) return 'there is no compose file'
  return {
    compose: [files].flat(),
    ...(smoke?.compose === undefined ? { composeFound: true } : {}),
    profiles: smoke?.profiles ?? [],
    env: texts(smoke?.env ?? {}),
    timeoutMs: milliseconds(smoke?.timeout ?? '3m'),
    prepare: (smoke?.prepare ?? []).map(resolveStep),
    checks: (smoke?.checks ?? []).map(resolveCheck),
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

function resolveCheck(check: NonNullable<SmokeConfig['checks']>[number]): SmokeCheck {
  const timeoutMs = milliseconds(check.timeout ?? '30s')
  if ('http' in check) {
    const url = new URL(check.http)
    const scheme = url.protocol === 'https:' ? 'https' : 'http'
    return {
      kind: 'http',
      name: check.name ?? check.http,
      scheme,
      // A URL knows no upper case in a host; compose tells Web from web.
      service: /^https?:\/\/([^/:?#]+)/.exec(check.http)?.[1] ?? url.hostname,
      port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      ...(check.status === undefined ? {} : { status: check.status }),
      ...(check.contains === undefined ? {} : { contains: check.contains }),
      headers: Object.fromEntries(Object.entries(check.headers ?? {}).map(([key, value]) => [key.toLowerCase(), value])),
      timeoutMs,
    }
  }
  if ('exec' in check) {
    return {
      kind: 'exec',
      name: check.name ?? `exec ${check.exec}: ${check.command.join(' ')}`,
      service: check.exec,
      command: check.command,
      ...(check.stdout === undefined ? {} : { stdout: check.stdout }),
      timeoutMs,
    }
  }
  return { kind: 'log', name: check.name ?? `log of ${check.log}: ${check.matches}`, service: check.log, matches: check.matches, timeoutMs }
}
