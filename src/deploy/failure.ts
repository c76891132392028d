import { LaunchwayError } from '../core/error.ts'
import type { JournalLine } from '../core/journal.ts'
import { lockedError } from './plan.ts'

/**
 * What a journal that did not end well means for the user.
 * @param before the release that ran before, if any
 */
export function failureOf(host: string, lines: readonly JournalLine[], before: string | undefined): LaunchwayError {
  const failed = lines.find(({ state, step }) => state === 'failed' && step !== 'end')
  const end = lines.find(({ step }) => step === 'end')
  if (end === undefined) {
    return new LaunchwayError('COMMAND_FAILED', `the program on ${host} did not say how it ended`, {
      hint: [failed?.note, '`launchway status` shows what runs there now.'].filter((part) => part !== undefined).join('\n'),
    })
  }
  const evidence = failed?.note ?? end.note ?? 'The host gave no reason.'
  const what =
    failed?.service === undefined ? `${failed?.step ?? 'a step'} failed on ${host}` : `${failed.service}: ${failed.step} failed on ${host}`
  if (end.state === 'broken') {
    return new LaunchwayError('ROLLBACK_FAILED', `${what}, and the version before could not be brought back`, {
      hint: `${evidence}\n${end.note ?? ''}\nLook at once: docker ps --all on ${host}. The next deploy tries to undo this one first.`,
    })
  }
  if (failed?.step === 'lock' && evidence.startsWith('held by ')) return lockedError(host, evidence.slice('held by '.length))
  if (failed?.step === 'lock') return new LaunchwayError('DEPLOY_LOCKED', `another deploy came first on ${host}`, { hint: evidence })
  if (failed?.step === 'pull')
    return new LaunchwayError('PULL_FAILED', `${host} could not pull the image; nothing was changed`, { hint: evidence })
  const now = before === undefined ? 'none was running before' : `release ${before} serves`
  return new LaunchwayError('DEPLOY_ROLLED_BACK', `${what}; ${now}`, { hint: evidence })
}
