import type { Release } from './release.ts'

/**
 * Every failure a user can meet, with the exit code of the command line that ends in it. The list is open: a new
 * code needs a line here and a page in docs/errors/ (a test checks it). Anything that is not a LaunchwayError is a
 * bug and shows its stack.
 *
 * Exit codes group what a script would do next: 2 mend the input, 3 look at the evidence, 4 mend the build,
 * 5 look at the registry, 6 look at the host, 7 nothing to do at once (the old version serves), 8 act now.
 */
export const errorCodes = {
  USAGE: { exit: 2, says: 'the command line or an action input cannot be understood' },
  CONFIG_INVALID: { exit: 2, says: 'launchway.yml is not valid' },
  NOT_YET: { exit: 2, says: 'the name is reserved for a later version' },
  RECORD_INVALID: { exit: 2, says: 'the release record is missing, damaged or of another version' },
  VERSION_UNKNOWN: { exit: 2, says: 'no release with that version can be found' },
  NOTHING_WAITS: { exit: 2, says: 'no version waits for a confirmation' },
  ROLLBACK_REFUSED: { exit: 2, says: 'a version that would be left declares that nobody may return from it' },
  SECRET_MISSING: { exit: 2, says: 'a secret that the configuration names was not given' },
  FILES_UNFIT: { exit: 2, says: 'what is mounted of the repository is missing, too large, or not what was planned' },
  TOOL_MISSING: { exit: 2, says: 'a program that launchway calls is not there' },
  COMMAND_FAILED: { exit: 1, says: 'a program ended with an error' },
  SMOKE_UNHEALTHY: { exit: 3, says: 'the composed stack did not become healthy' },
  SMOKE_CHECK_FAILED: { exit: 3, says: 'a smoke check failed' },
  SCAN_BLOCKED: { exit: 3, says: 'a finding breaks the scan policy' },
  SCAN_DB_UNAVAILABLE: { exit: 3, says: 'the vulnerability database cannot be had' },
  IMAGE_TOO_LARGE: { exit: 3, says: 'an image is larger, or has grown more, than its limit' },
  PROBE_FAILED: { exit: 3, says: 'the new version does not answer the public as it should, and stays' },
  BUILD_FAILED: { exit: 4, says: 'an image could not be built' },
  REGISTRY_DENIED: { exit: 5, says: 'the registry refused the credentials or the right' },
  REGISTRY_UNAVAILABLE: { exit: 5, says: 'the registry did not answer as a registry' },
  REPOSITORY_UNKNOWN: { exit: 5, says: 'the registry has no such repository, and makes none by itself' },
  REGISTRY_FULL: { exit: 5, says: 'the registry has no room left: its disk or a quota' },
  TAG_IMMUTABLE: { exit: 5, says: 'a tag that must not be overwritten names something else already' },
  DIGEST_MISMATCH: { exit: 5, says: 'what was read back is not what was sent' },
  SIGNING_FAILED: { exit: 5, says: 'an image could not be signed' },
  SIGNATURE_REFUSED: { exit: 5, says: 'an image does not have the signature that the environment asks for' },
  GITHUB_REFUSED: { exit: 5, says: "GitHub's API refused a request" },
  SSH_UNREACHABLE: { exit: 6, says: 'the host cannot be reached over SSH' },
  SSH_HOST_KEY: { exit: 6, says: "the host's key is not the one that known_hosts names" },
  HOST_UNFIT: { exit: 6, says: 'the host lacks something that a deploy needs' },
  PULL_FAILED: { exit: 6, says: 'the host could not pull the image' },
  DEPLOY_LOCKED: { exit: 6, says: 'another deploy holds the lock' },
  DEPLOY_WAITS: { exit: 6, says: 'a version waits for its confirmation, and no other is deployed meanwhile' },
  DEPLOY_UNKNOWN: { exit: 6, says: 'how the deploy ended on the host is not known' },
  RELEASE_COMMAND_FAILED: { exit: 7, says: 'the before-switch command failed; nothing was changed' },
  DEPLOY_ROLLED_BACK: { exit: 7, says: 'the new version was not healthy; the old one serves, if there was one' },
  CANCELLED: { exit: 130, says: 'the run was ended from outside' },
  ROLLBACK_FAILED: { exit: 8, says: 'the old version could not be brought back' },
} as const satisfies Record<string, { exit: number; says: string }>

export type ErrorCode = keyof typeof errorCodes

/** What is not a LaunchwayError is a bug of ours. */
const bugExit = 1

/** Where in the user's files a failure has its cause: becomes an annotation. */
export interface Place {
  file: string
  line?: number
  column?: number
}

interface Details {
  /** What to do next, or the evidence: last lines, the nearest right key. */
  hint?: string
  place?: Place
  cause?: unknown
  /** Sections of the record that hold although the stage failed: `pipeline.ts` merges them. */
  part?: Partial<Release>
}

/** A failure that a user can meet and mend: what happened (`message`), why (`cause`, evidence) and what next (`hint`). */
export class LaunchwayError extends Error {
  override readonly name = 'LaunchwayError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly place: Place | undefined
  readonly part: Partial<Release> | undefined

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.hint = details.hint
    this.place = details.place
    this.part = details.part
  }
}

/** The same failure after something was done: its message says so, and the record keeps that. */
export function failedAfter(error: LaunchwayError, done: string, part: Partial<Release>): LaunchwayError {
  const { code, message, hint } = error
  return new LaunchwayError(code, `${message}; ${done}`, { ...(hint === undefined ? {} : { hint }), cause: error, part })
}

/** The exit code of a process that ends with this error. */
export function exitCodeOf(error: unknown): number {
  return error instanceof LaunchwayError ? errorCodes[error.code].exit : bugExit
}

/** A failure as data, for those who read no log: a bug has no code. */
export interface Told {
  code?: ErrorCode
  message: string
  hint?: string
}

/** @param redact takes the secrets of the run out of what others wrote */
export function told(error: LaunchwayError, redact: (text: string) => string): Told & { code: ErrorCode }
export function told(error: unknown, redact: (text: string) => string): Told
export function told(error: unknown, redact: (text: string) => string): Told {
  if (!(error instanceof LaunchwayError)) return { message: redact(error instanceof Error ? error.message : String(error)) }
  const { code, message, hint } = error
  return { code, message: redact(message), ...(hint === undefined ? {} : { hint: redact(hint) }) }
}

/** What whoever mends a bug wants to see. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** @param signal that ended the run */
export function cancelled(signal: string): LaunchwayError {
  return new LaunchwayError('CANCELLED', `cancelled by ${signal}`, {
    hint: 'What was started on a host goes on there to its end: the old or the new version serves. `launchway status` shows which.',
  })
}
