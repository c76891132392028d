import type { ErrorCode, LaunchwayError } from './error.ts'

/** Why a registry did not do what it was asked, by its answer or by what docker quotes of it. */
export type Refusal = Extract<
  ErrorCode,
  'TAG_IMMUTABLE' | 'REGISTRY_FULL' | 'REPOSITORY_UNKNOWN' | 'REGISTRY_DENIED' | 'REGISTRY_UNAVAILABLE'
>

const busy = /toomanyrequests|too many requests|rate.?limit/i
/** ECR: "cannot be overwritten because the repository is immutable"; Harbor: "configured as immutable"; Nexus: "does not allow updating". */
const immutable = /\bimmutab|cannot be overwritten|does not allow updating|\boverwrit\w+ (is )?(not allowed|disabled|forbidden)/i
/** Harbor: "will exceed the configured upper limit". Distribution on a full disk gives the number of ENOSPC or EDQUOT. */
const full =
  /"Err":(28|122)\b|no space left on device|disk quota|quota (is )?exceeded|exceed(s|ed|ing)? (the |your )?[\w ]{0,30}(quota|limit)|over quota|insufficient storage|disk (is )?full|storage (limit|is full)/i
const unknown = /name unknown|NAME_UNKNOWN|repository .{0,200}?(not found|does not exist)|project \S+ not found/i
const denied =
  /denied|unauthorized|authentication required|authorization failed|no basic auth credentials|forbidden|insufficient_scope|incorrect username or password/i

/**
 * @param said the answer's body, or the last lines of docker
 * @param status of HTTP, where it is known
 */
export function refusalOf(said: string, status?: number): Refusal {
  if (status === 429 || busy.test(said)) return 'REGISTRY_UNAVAILABLE'
  if (immutable.test(said)) return 'TAG_IMMUTABLE'
  if (status === 507 || full.test(said)) return 'REGISTRY_FULL'
  // Some registries say so with a 403: whose name it is matters less than that it is not there.
  if (unknown.test(said)) return 'REPOSITORY_UNKNOWN'
  if (status === 401 || status === 403 || (status === undefined && denied.test(said))) return 'REGISTRY_DENIED'
  return 'REGISTRY_UNAVAILABLE'
}

/** What to do about it, in a sentence; none where only the registry's own words help. */
export const adviceFor: Readonly<Record<Exclude<Refusal, 'REGISTRY_DENIED'>, string>> = {
  TAG_IMMUTABLE:
    'The registry keeps its tags from being overwritten. Release under another version; or let its rule spare what has to move, `launchway-*` and the tags of branches among it.',
  REGISTRY_FULL: 'There is no room left for it: remove old images (launchway prune --registry), or raise the quota.',
  REPOSITORY_UNKNOWN: 'This registry makes no repository by itself: create it there, or mend its name in launchway.yml.',
  REGISTRY_UNAVAILABLE: 'It may be passing: run the job again. What was uploaded already is not sent again.',
}

/** What a failure was, as HTTP has it. */
export class Status extends Error {
  readonly status: number

  constructor(status: number) {
    super(`HTTP ${status}`)
    this.status = status
  }
}

/** Whether a registry will go on saying no, however often it is asked; a registry that cannot be reached has said nothing. */
export function isForGood(error: LaunchwayError): boolean {
  if (error.code === 'TAG_IMMUTABLE') return true
  const status = error.cause instanceof Status ? error.cause.status : 0
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}
