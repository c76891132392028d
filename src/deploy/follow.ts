import { LaunchwayError } from '../core/error.ts'
import { JournalLine } from '../core/journal.ts'
import { parseJson } from '../core/json.ts'
import type { Ports, Remote } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { showMs } from '../core/units.ts'

/** launch.sh ends with it when the program has ended, and the journal does not say how. */
const endedEarly = 3

/** Seconds before each new connection: in all a minute, and the time that connecting takes. */
const waits = [1, 2, 4, 8, 15, 30]

/** How an attempt is followed: over the connection that starts it, or, when that breaks, over another. */
export interface Following {
  host: string
  /** Names the attempt in the journal. */
  attempt: string
  sudo: boolean
  launch: Secret
  attach: string
  reconnect(this: void): Promise<Remote>
}

/**
 * Starts the program on the host and follows its journal to its end. The program does not need the connection: when
 * that breaks, another one joins it.
 * @throws LaunchwayError DEPLOY_UNKNOWN when none can
 */
export async function follow(remote: Remote, of: Following, ports: Ports): Promise<JournalLine[]> {
  const lines: JournalLine[] = []
  const tell = (line: JournalLine, next?: JournalLine): void => {
    for (const said of describe(line)) ports.log[levelOf(line, next)](`${of.host}: ${said}`)
  }
  const run = async (over: Remote, program: string | Secret): Promise<void> => {
    // Another connection is told the journal from its first line on.
    let told = 0
    await over.sh(program, {
      sudo: of.sudo,
      accept: [0, endedEarly],
      onLine(text, stream) {
        const line = stream === 'stdout' ? parseJson(text, JournalLine) : undefined
        if (line === undefined || line.attempt !== of.attempt) return ports.log.debug(`${of.host}: ${text}`)
        told += 1
        if (told <= lines.length) return
        lines.push(line)
        const last = lines.at(-2)
        if (last !== undefined && hasFailed(last)) tell(last, line)
        if (!hasFailed(line)) tell(line)
      },
    })
  }
  try {
    await run(remote, of.launch)
  } catch (error) {
    if (!isLost(error)) throw error
    ports.log.warning(`the connection to ${of.host} broke; what was started there goes on, and is joined again`)
    await rejoin(of, (again) => run(again, of.attach), ports, lines)
    if (lines.length === 0) throw neverBegun(of.host, error)
  } finally {
    const last = lines.at(-1)
    if (last !== undefined && hasFailed(last)) tell(last)
  }
  return lines
}

const hasFailed = ({ step, state }: JournalLine): boolean => state === 'failed' && step !== 'end'

/**
 * How loud a line is told. What failed and does not end the attempt nobody else tells; whether it does shows the next line.
 * @param next undefined where the program has written none
 */
function levelOf(line: JournalLine, next: JournalLine | undefined): 'info' | 'warning' {
  // What no command has said is for who can mend it.
  if (line.state === 'says') return line.step === 'run' || line.step === 'stop' ? 'warning' : 'info'
  if (!hasFailed(line) || next === undefined) return 'info'
  // A program that was killed is followed by what recovers.
  const ends = next.step === 'end' ? next.state !== 'done' : next.step === 'undo' || next.step === 'recover'
  return ends ? 'info' : 'warning'
}

async function rejoin(of: Following, run: (again: Remote) => Promise<void>, ports: Ports, lines: readonly JournalLine[]): Promise<void> {
  let cause: unknown
  for (const seconds of waits) {
    await ports.clock.sleep(seconds * 1000, ports.signal)
    try {
      await using again = await of.reconnect()
      return await run(again)
    } catch (error) {
      if (!(error instanceof LaunchwayError) || error.code === 'CANCELLED') throw error
      cause = error
      if (!isLost(error)) break
      ports.log.debug(`${of.host}: ${error.message}`)
    }
  }
  throw unknown(of.host, lines, cause)
}

/** Whether it is the connection to a host that broke, or could not be made. */
export function isLost(error: unknown): error is LaunchwayError {
  return error instanceof LaunchwayError && error.code === 'SSH_UNREACHABLE'
}

function neverBegun(host: string, cause: LaunchwayError): LaunchwayError {
  return new LaunchwayError('SSH_UNREACHABLE', `the connection to ${host} broke before the deploy began there`, {
    hint: 'Nothing was changed: run it again.',
    cause,
  })
}

function unknown(host: string, lines: readonly JournalLine[], cause: unknown): LaunchwayError {
  const last = lines.at(-1)
  const heard =
    last === undefined ? 'Nothing was heard of it.' : `Last heard of: ${[last.service, last.step, last.state].filter(Boolean).join(' ')}.`
  return new LaunchwayError('DEPLOY_UNKNOWN', `the connection to ${host} broke during the deploy, and could not be made again`, {
    hint: [
      `${heard} The program on the host goes on without us, and ends with the old or the new version serving.`,
      '`launchway status` shows which, once the host can be reached.',
      ...(cause instanceof LaunchwayError ? [cause.message] : []),
    ].join('\n'),
    cause,
  })
}

function describe({ step, state, service, ms, note }: JournalLine): string[] {
  if (state === 'start' || step === 'end') return []
  const of = service === undefined ? '' : ` ${service}`
  if (state === 'says') return (note ?? '').split('\n').map((line) => `${step}${of} | ${line}`)
  const time = ms === undefined ? '' : ` (${showMs(ms)})`
  const [first = ''] = (note ?? '').split('\n')
  return [`${step}${of}: ${state}${time}${first === '' ? '' : `, ${first}`}`]
}
