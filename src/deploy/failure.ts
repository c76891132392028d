import { LaunchwayError } from '../core/error.ts'
import type { JournalLine } from '../core/journal.ts'
import { heldError } from './held.ts'
import { lockedError } from './plan.ts'

/**
 * What a journal that did not end well means for the user.
 * @param before the release that ran before, if any
 * @param redeploys the release whose images were to be put live again, if any
 */
export function failureOf(host: string, lines: readonly JournalLine[], before: string | undefined, redeploys?: string): LaunchwayError {
  const failed = lines.find(({ state, step }) => state === 'failed' && step !== 'end')
  const end = lines.find(({ step }) => step === 'end')
  if (end === undefined) {
    if (lines.length === 0)
      return new LaunchwayError('COMMAND_FAILED', `the deploy did not begin on ${host}`, {
        hint: 'Nothing was changed. Its log is in the log of a debug run.',
      })
    return new LaunchwayError('DEPLOY_UNKNOWN', `the program on ${host} did not say how it ended`, {
      hint: [
        failed?.note,
        'It was ended from outside: by a reboot, or for want of memory. The next deploy first finishes or undoes it.',
        '`launchway status` shows what runs there now.',
      ]
        .filter((part) => part !== undefined)
        .join('\n'),
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
  if (failed?.step === 'lock' && evidence.startsWith('locked by ')) return heldError(host, evidence.slice('locked by '.length))
  if (failed?.step === 'lock') return new LaunchwayError('DEPLOY_LOCKED', `another deploy came first on ${host}`, { hint: evidence })
  if (failed?.step === 'pull')
    return new LaunchwayError('PULL_FAILED', `${host} could not pull the image; nothing was changed`, { hint: evidence })
  if (failed?.step === 'before-switch')
    return new LaunchwayError('RELEASE_COMMAND_FAILED', `${failed.service ?? ''}: before-switch failed on ${host}; nothing was changed`, {
      // A release's name begins with its time.
      hint: `${evidence}${redeploys !== undefined && before !== undefined && redeploys < before ? olderHint : ''}`,
    })
  const now = before === undefined ? 'none was running before' : `release ${before} serves`
  if (failed?.step === 'once')
    return new LaunchwayError('RELEASE_COMMAND_FAILED', `${failed.service ?? ''}, which runs once, failed on ${host}; ${now}`, {
      hint: evidence,
    })
  const more = failed?.step === 'certificate' && evidence.startsWith('certbot ') ? certificateHint : ''
  return new LaunchwayError('DEPLOY_ROLLED_BACK', `${what}; ${now}`, { hint: `${evidence}${more}` })
}

/** Alembic and its like know the migrations of their own version, and no later one. */
const olderHint = `
This version is older than the one that runs, and its command may not know what a newer one has done to the database ("Can't locate revision …"). To put it live without its command: launchway redeploy VERSION --without-before-switch; redeploy.yml has the same input.`

/** Behind each refusal of an authority, nearly always, is one of these. */
const certificateHint = `
The authority asks for http://NAME/.well-known/acme-challenge/… from outside, on port 80, for each name. Look whether DNS leads all of them here (A, and AAAA if there is one), and whether a firewall or another proxy keeps port 80.
It counts failures: look first, then deploy again. The whole story on the host: /var/log/letsencrypt/letsencrypt.log`
