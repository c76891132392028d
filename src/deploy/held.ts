import { LaunchwayError } from '../core/error.ts'
import type { Hold } from './observation.ts'

/** `ada@laptop since 2026-11-21T10:15:00Z: the database moves` */
export function heldWords({ by, since, reason }: Hold): string {
  return `${by} since ${since}${reason === '' ? '' : `: ${reason}`}`
}

/** @param words as `heldWords` has them */
export function heldError(host: string, words: string): LaunchwayError {
  return new LaunchwayError('DEPLOY_LOCKED', `somebody keeps everybody from deploying to ${host}: ${words}`, {
    hint: 'Nothing was changed. Ask them, or lift it, which anybody may: launchway unlock',
  })
}
