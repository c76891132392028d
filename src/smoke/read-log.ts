import { stripVTControlCharacters } from 'node:util'
import { anyCode } from '../core/command.ts'
import type { Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { logLine, readLog } from '../tools/docker.ts'
import { cut } from '../core/text.ts'
import type { Of, Standing, Try } from './standing.ts'
import { serviceOf } from './verdict.ts'

/** Before a log is followed again whose container has ended. */
const pauseMs = 500
/** Characters of a line that are shown. */
const lineChars = 300

/**
 * Follows the log of a service, of each of its containers, from the beginning, so that no line is overlooked: until one
 * matches, or, where a line must never be seen, until everything else has ended.
 */
export async function watchLog(check: Of<'log'>, standing: Standing, ports: Ports): Promise<Try> {
  const { clock } = ports
  const stop = new AbortController()
  const signal = AbortSignal.any([standing.signal, stop.signal])
  const log = new Log(check, standing, ports)
  const late = clock.sleep(check.timeoutMs, signal).then(() => {
    // Later nothing would be waited for but what must not come.
    if (!log.isMatched())
      log.decide({ passed: false, evidence: `no line of the log matches ${check.matches ?? ''} within ${showMs(check.timeoutMs)}` })
  })
  // Each by itself: one that is restarted is followed again while the others go on.
  const follow = async (id: string): Promise<void> => {
    for (;;) {
      await log.read(id, true, signal)
      await clock.sleep(pauseMs, signal)
    }
  }
  const end = async (): Promise<void> => {
    await Promise.all([log.matched, standing.rest])
    // What was written and not yet followed.
    await Promise.all(log.containers().map((id) => log.read(id, false, signal)))
    log.decide({ passed: true, evidence: `no line matches ${check.never ?? ''}` })
  }
  try {
    const following = Promise.all(log.containers().map(follow))
    return await Promise.race([log.decided, failing(late), failing(following), failing(check.never === undefined ? log.matched : end())])
  } finally {
    stop.abort()
  }
}

/** Its end decides nothing; that it cannot go on does. */
async function failing(work: Promise<unknown>): Promise<never> {
  await work
  return new Promise(() => undefined)
}

/** What was read so far, and what that means. */
class Log {
  readonly #check: Of<'log'>
  readonly #standing: Standing
  readonly #ports: Ports
  readonly #decided = Promise.withResolvers<Try>()
  readonly #matched = Promise.withResolvers<void>()
  readonly #patterns: { matches: RegExp | undefined; never: RegExp | undefined }
  /** The last instant of each container. */
  readonly #readTo = new Map<string, string>()
  #isMatched = false

  constructor(check: Of<'log'>, standing: Standing, ports: Ports) {
    this.#check = check
    this.#standing = standing
    this.#ports = ports
    const pattern = (text: string | undefined): RegExp | undefined => (text === undefined ? undefined : new RegExp(text))
    this.#patterns = { matches: pattern(check.matches), never: pattern(check.never) }
    if (check.matches === undefined) this.#match()
  }

  get decided(): Promise<Try> {
    return this.#decided.promise
  }

  /** Kept when a line has matched, or none needs to. */
  get matched(): Promise<void> {
    return this.#matched.promise
  }

  isMatched(): boolean {
    return this.#isMatched
  }

  decide(outcome: Try): void {
    this.#decided.resolve(outcome)
  }

  /** The containers of the service: all of them are made before anything is asked. */
  containers(): string[] {
    return this.#standing.containers().flatMap((one) => (serviceOf(one) === this.#check.service ? [one.id] : []))
  }

  /** Reads on where it stopped; with `follow` until the container has ended. */
  async read(id: string, follow: boolean, signal: AbortSignal): Promise<void> {
    const since = this.#readTo.get(id)
    const onLine = (line: string): void => this.#look(id, line)
    const asked = readLog(id, { follow, ...(since === undefined ? {} : { since }) })
    const { code, stderr } = await this.#ports.exec.run(asked, { signal, onLine, accept: anyCode })
    // A container that is gone has no log; a driver that keeps none is something to be told.
    if (code !== 0 && !stderr.includes('No such container')) {
      this.decide({ passed: false, evidence: `docker cannot read the log of ${this.#check.service}: ${this.#shown(stderr.trim())}` })
    }
  }

  #look(id: string, line: string): void {
    const found = logLine(line)
    if (found === undefined) return
    this.#readTo.set(id, found.at)
    const text = stripVTControlCharacters(found.text)
    const { matches, never } = this.#patterns
    if (never?.test(text) === true) {
      return this.decide({ passed: false, evidence: `a line of the log matches ${this.#check.never ?? ''}:\n${this.#shown(text)}` })
    }
    if (this.#isMatched || matches?.test(text) !== true) return
    this.#match()
    if (never === undefined) this.decide({ passed: true, evidence: this.#shown(text) })
  }

  /** A secret goes before the line is cut: of a part of it nobody would know what it was. */
  #shown(text: string): string {
    return cut(this.#ports.redact(text), lineChars)
  }

  #match(): void {
    this.#isMatched = true
    this.#matched.resolve()
  }
}
