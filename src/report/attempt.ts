import { LaunchwayError } from '../core/error.ts'
import { asError } from '../core/outcome.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'

/** Tells something on GitHub. What it refuses is a warning: the release is what it is. */
export async function attempt<T>({ log }: Pick<Ports, 'log'>, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    // Also that GitHub cannot be reached.
    const { message, hint } = error instanceof LaunchwayError ? error : { message: `GitHub was not told: ${asError(error).message}` }
    log.warning(hint === undefined ? message : `${message}\n${hint}`)
    return undefined
  }
}

/** The number of the pull request whose change was built; undefined for any other run. */
export function pullOf({ event, ref = '' }: Pick<Release['plan'], 'event' | 'ref'>): number | undefined {
  const [, number] = /^refs\/pull\/(\d+)\//.exec(ref) ?? []
  return event !== 'pull_request' || number === undefined ? undefined : Number(number)
}
