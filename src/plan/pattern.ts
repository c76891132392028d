import { runInNewContext } from 'node:vm'
import { LaunchwayError } from '../core/error.ts'
import { cut } from '../core/text.ts'

/** A pattern that is written well needs a thousandth of it for the longest name that git takes. */
const usualLimit = 1000

/**
 * The groups of a pattern that somebody has written, in a name that somebody has pushed. Inside a context of its own V8 ends
 * it when its time is over: `(a+)+$` would try for minutes, deaf to whoever wants to end the run.
 * @param of the rule that it stands in
 * @throws LaunchwayError USAGE where it comes to no end
 */
export function groupsIn({ source, flags }: RegExp, text: string, of: string, limitMs = usualLimit): readonly (string | undefined)[] {
  try {
    // What comes out of the context has its arrays, not ours.
    const found: unknown = runInNewContext('new RegExp(source, flags).exec(text)', { source, flags, text }, { timeout: limitMs })
    return Array.isArray(found) ? found.map((group: unknown) => (typeof group === 'string' ? group : undefined)) : []
  } catch (cause) {
    // Of that context it is as well, and so no Error of ours.
    const isOver = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    if (!isOver) throw cause
    throw new LaunchwayError('USAGE', `${cut(of, 60)} comes to no end with "${cut(text, 60)}"`, {
      cause,
      hint: 'Repetition inside of repetition, as in (a+)+, tries every way to part the text. Say it with one: a+.',
    })
  }
}
