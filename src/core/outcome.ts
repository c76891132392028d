import { LaunchwayError } from './error.ts'
import type { Ports } from './ports.ts'
import type { Release } from './release.ts'

/** What the record keeps of how a run ended: without the secrets of the run. */

/** Characters of a failure's evidence that the record keeps. */
const evidenceChars = 64_000

export interface Failure {
  error: Error
  /** The step that failed; none of them when the run was ended between two. */
  stage?: string
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** What programs and hosts said may repeat a secret, and a record is kept in places that no runner masks. */
export function outcomeOfFailure({ error, stage }: Failure, { redact }: Pick<Ports, 'redact'>): Release['outcome'] {
  const { code, hint } = error instanceof LaunchwayError ? error : {}
  return {
    state: 'failed',
    ...(code === undefined ? {} : { code }),
    message: redact(error.message),
    ...(stage === undefined ? {} : { stage }),
    ...(hint === undefined ? {} : { evidence: theEnd(redact(hint)) }),
  }
}

/** The cause stands at the end; it begins with a whole line. */
function theEnd(text: string): string {
  if (text.length <= evidenceChars) return text
  const end = text.slice(-evidenceChars)
  return `…\n${end.slice(end.indexOf('\n') + 1)}`.toWellFormed()
}

/** The free text of a section: what a host or a program put into words. */
export function withoutSecrets({ smoke, deploy, ...part }: Partial<Release>, { redact }: Pick<Ports, 'redact'>): Partial<Release> {
  const checks = smoke?.checks.map((check) => ({
    ...check,
    name: redact(check.name),
    ...(check.evidence === undefined ? {} : { evidence: theEnd(redact(check.evidence)) }),
  }))
  const hosts = deploy?.hosts.map((host) => ({
    ...host,
    services: host.services.map((service) => ({ ...service, health: redact(service.health) })),
  }))
  return {
    ...part,
    ...(smoke === undefined || checks === undefined ? {} : { smoke: { ...smoke, checks } }),
    ...(deploy === undefined || hosts === undefined ? {} : { deploy: { ...deploy, hosts } }),
  }
}
