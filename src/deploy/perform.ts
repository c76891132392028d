import { randomBytes } from 'node:crypto'
import type { Contents } from '../core/contents.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { JournalLine } from '../core/journal.ts'
import type { Slot } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { send } from './bring.ts'
import type { HostCall } from './call.ts'
import { failureOf } from './failure.ts'
import { follow } from './follow.ts'
import type { SeenHost } from './look.ts'
import { type Attempt, applyProgram, attachProgram, launchProgram, type Parcel } from './program.ts'
import { endedWithLogin } from './unfit.ts'

/** What a program does on a host, and for which release. */
export interface Task {
  app: string
  environment: Environment
  release: string
  slot: Slot
  calls: readonly HostCall[]
  /** What the history calls it: `deploy`, `rollback`, `stop`, … */
  did: string
  /** What people call the release, where the host may not know it yet. */
  version?: string
  /** Functions beside those of a release. */
  more?: string
  /** What travels with it. */
  parcels?: readonly Parcel[]
  /** What travels before it. */
  contents?: readonly Contents[]
  sudo: boolean
  /** The release whose images are put live again. */
  redeploys?: string
}

/**
 * Has the program on the host perform the calls, and follows it to its end: the lines of its journal.
 * @throws LaunchwayError when it did not end well
 */
export async function perform(task: Task, on: SeenHost, ports: Ports): Promise<JournalLine[]> {
  const lines = await attempt(task, on, ports)
  if (lines.find(({ step }) => step === 'end')?.state !== 'done') throw failureOf(on.host, lines, on.seen.current, task.redeploys)
  return lines
}

/** The same, whatever its end: the lines tell. */
export async function attempt(task: Task, { host, remote, seen, reconnect }: SeenHost, ports: Ports): Promise<JournalLine[]> {
  const ended = endedWithLogin(seen)
  if (ended !== undefined) throw new LaunchwayError('HOST_UNFIT', `${host}: ${ended.what}`, { hint: ended.hint })
  const { app, environment, release, slot, calls, parcels = [], contents = [], sudo, did, version, more } = task
  const named: Attempt = {
    app,
    environment: environment.name,
    stateRoot: environment.stateRoot,
    release,
    attempt: randomBytes(8).toString('hex'),
    slot,
    keep: environment.keep,
    by: ports.who,
    did,
    version: version ?? seen.releases.get(release)?.label ?? '',
  }
  if (contents.length > 0) await send(contents, { remote, home: named, attempt: named.attempt, sudo }, ports)
  // Root has no session of its own to start a scope in.
  const detach = sudo && seen.detach === 'user' ? 'system' : seen.detach
  const program: Parcel = { name: 'apply.sh', mode: '0644', body: applyProgram(named, calls, more) }
  const following = {
    host,
    attempt: named.attempt,
    sudo,
    launch: launchProgram(named, [program, ...parcels], detach),
    attach: attachProgram(named),
    reconnect,
  }
  return follow(remote, following, ports)
}
