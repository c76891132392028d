import { randomBytes } from 'node:crypto'
import type { Environment } from '../core/deployment.ts'
import type { JournalLine } from '../core/journal.ts'
import type { Slot } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { HostCall } from './call.ts'
import { failureOf } from './failure.ts'
import { follow } from './follow.ts'
import type { SeenHost } from './look.ts'
import { type Attempt, applyProgram, attachProgram, launchProgram, type Parcel } from './program.ts'

/** What a program does on a host, and for which release. */
export interface Task {
  app: string
  environment: Environment
  release: string
  slot: Slot
  calls: readonly HostCall[]
  /** What travels with it. */
  parcels?: readonly Parcel[]
  sudo: boolean
}

/**
 * Has the program on the host perform the calls, and follows it to its end: the lines of its journal.
 * @throws LaunchwayError when it did not end well
 */
export async function perform(task: Task, { host, remote, seen, reconnect }: SeenHost, ports: Ports): Promise<JournalLine[]> {
  const { app, environment, release, slot, calls, parcels = [], sudo } = task
  const attempt: Attempt = {
    app,
    environment: environment.name,
    stateRoot: environment.stateRoot,
    release,
    attempt: randomBytes(8).toString('hex'),
    slot,
    keep: environment.keep,
    by: ports.who,
  }
  // Root has no session of its own to start a scope in.
  const detach = sudo && seen.detach === 'user' ? 'system' : seen.detach
  const program: Parcel = { name: 'apply.sh', mode: '0644', body: applyProgram(attempt, calls) }
  const following = {
    host,
    attempt: attempt.attempt,
    sudo,
    launch: launchProgram(attempt, [program, ...parcels], detach),
    attach: attachProgram(attempt),
    reconnect,
  }
  const lines = await follow(remote, following, ports)
  if (lines.find(({ step }) => step === 'end')?.state !== 'done') throw failureOf(host, lines, seen.current)
  return lines
}
