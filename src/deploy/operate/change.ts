import { LaunchwayError } from '../../core/error.ts'
import type { JournalLine } from '../../core/journal.ts'
import type { Ports } from '../../core/ports.ts'
import type { HostCall } from '../call.ts'
import { failureOf } from '../failure.ts'
import type { SeenHost } from '../look.ts'
import { attempt } from '../perform.ts'
import { lockedError } from '../plan.ts'
import { refused, type Target } from './hosts.ts'
import { operateSh } from './program.ts'

/** What is done to the release that runs, and under which name the history has it. */
export interface Change {
  did: 'stop' | 'start' | 'remove' | 'prune'
  calls: readonly HostCall[]
  /** nginx is for root alone to configure. */
  needsRoot?: boolean
}

/**
 * Has the host perform a change as it performs a release: by a program that does not need the connection, under the
 * lock, with its journal.
 * @throws LaunchwayError DEPLOY_LOCKED, HOST_UNFIT, or COMMAND_FAILED with the host's own words
 */
export async function perform(target: Target, one: SeenHost, change: Change, ports: Ports): Promise<JournalLine[]> {
  const { host, seen } = one
  const release = seen.current
  if (release === undefined) throw new TypeError(`nothing runs on ${host}`)
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  if (seen.engine === undefined)
    throw new LaunchwayError('HOST_UNFIT', `the Docker engine on ${host} does not answer`, { hint: seen.engineSaid })
  if (seen.as === 'nobody') throw refused(host, 'that was logged in to')
  if (change.needsRoot === true && seen.root === undefined) {
    throw new LaunchwayError('HOST_UNFIT', `nginx on ${host} is for root to configure, and sudo asks for a password`, {
      hint: "Let the account sudo without one (as root on the host: echo 'USER ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/USER), or log in as root.",
    })
  }
  const sudo = seen.as === 'sudo' || (change.needsRoot === true && seen.root === 'sudo')
  const calls: HostCall[] = [['begin'], ['expect', release], ['recover'], ...change.calls, ['finished']]
  const task = { ...target, release, slot: 'a' as const, calls, sudo, did: change.did, more: operateSh }
  const lines = await attempt(task, one, ports)
  const end = lines.find(({ step }) => step === 'end')
  if (end?.state === 'done') return lines
  throw notPerformed(host, lines, change, release)
}

function notPerformed(host: string, lines: readonly JournalLine[], { did }: Change, release: string): LaunchwayError {
  const failed = lines.find(({ state, step }) => state === 'failed' && step !== 'end')
  const end = lines.find(({ step }) => step === 'end')
  if (failed === undefined || end === undefined || end.state === 'broken' || failed.step === 'lock') return failureOf(host, lines, release)
  const what = failed.service === undefined ? failed.step : `${failed.service}: ${failed.step}`
  const then = end.state === 'undone' ? 'everything is as it was before' : 'what was done before that stays done'
  return new LaunchwayError('COMMAND_FAILED', `${did}: ${what} failed on ${host}; ${then}`, {
    hint: failed.note ?? 'The host gave no reason.',
  })
}
