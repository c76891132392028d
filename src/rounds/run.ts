import { relative } from 'node:path'
import { exitCodeOf, LaunchwayError } from '../core/error.ts'
import { asError } from '../core/outcome.ts'
import type { Log, Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import type { Rounded, Wish } from '../smoke/index.ts'
import { Changes } from './changes.ts'
import { OwnWrites } from './own-writes.ts'
import type { Place } from './places.ts'
import { Work } from './work.ts'

/** Names of files in the line that says why a round begins. */
const shownPaths = 3

interface RoundResult {
  /** From the root of the repository; none for the first. */
  changed: string[]
  verdict: 'passed' | 'failed' | 'cut short'
  ms: number
  replaced?: Rounded['replaced']
  error?: { code: string; message: string }
}

/** What a watch came to. */
interface Watched {
  rounds: RoundResult[]
  /** What the last round failed of that came to a verdict, without the secrets of the run. */
  error: Error | undefined
}

/** A round that nobody waits for any more. */
class CutShort extends Error {}

/**
 * Tests the stack of the working tree, leaves it standing, and tests it again with each change of what it depends on, until
 * the run is cancelled. A round begins with the change that it is about; one that comes while a stack is waited for or
 * asked ends that round, but never two in a row, so that whoever writes all the time gets a verdict, too.
 * @throws LaunchwayError for what no change of a file would mend, and CANCELLED before there is a verdict
 */
export async function watchRounds(config: string, wish: Pick<Wish, 'fresh' | 'only' | 'scale'>, ports: Ports): Promise<Watched> {
  const rounds: RoundResult[] = []
  let last: Error | undefined
  const changes = new Changes()
  const quiet: Ports = { ...ports, log: hushed(ports.log) }
  const own = new OwnWrites()
  const work = new Work(config, wish, quiet)
  const watcher = await ports.watcher((path) => changes.add(path))
  let places: Place[] = []
  let looked = Promise.resolve()
  /** One after the other: an earlier look that ends later would know less. */
  const look = (): Promise<void> => {
    looked = looked.then(async () => {
      places = await work.places()
      const problem = watcher.watch(places)
      if (problem !== undefined) quiet.log.warning(`not every change will be seen: ${problem}`)
    })
    return looked
  }
  const next = async (): Promise<string[]> => {
    for (;;) {
      const paths = await own.sort(await changes.take(ports.clock, ports.signal), places, quiet)
      if (paths.length > 0) return paths
    }
  }
  try {
    await look()
    for (let paths: string[] = []; ; paths = await next()) {
      const changed = paths.map((path) => relative(ports.root, path))
      ports.log.info(changed.length > 0 ? `${listed(changed)} changed` : 'the stack is planned, built and started')
      const started = ports.clock.elapsed()
      const end = new AbortController()
      const mayBeCut = rounds.at(-1)?.verdict !== 'cut short'
      if (mayBeCut) cutWhenChanged(end, changes, (paths) => own.isSure(paths, places, quiet), ports).catch(() => undefined)
      const name = `round ${rounds.length + 1}`
      const done = await work.round(paths, places, { hurry: end.signal, onKnown: look }).catch((error: unknown) => asError(error))
      const ms = ports.clock.elapsed() - started
      if (!end.signal.aborted) end.abort(new Error('the round is over'))
      ports.signal.throwIfAborted()
      const isCut = done instanceof CutShort || (done instanceof LaunchwayError && end.signal.reason instanceof CutShort)
      if (isCut) {
        rounds.push({ changed, verdict: 'cut short', ms })
        ports.log.info(`${name}: cut short after ${showMs(ms)}, since files changed`)
      } else if (done instanceof Error) {
        if (!(done instanceof LaunchwayError) || isHopeless(done) || (rounds.length === 0 && !(await work.hasConfig()))) throw done
        last = new LaunchwayError(done.code, ports.redact(done.message))
        rounds.push({ changed, verdict: 'failed', ms, error: { code: done.code, message: last.message } })
        ports.log.error(done)
        ports.log.info(`${name}: failed after ${showMs(ms)}`)
      } else {
        last = undefined
        rounds.push({ changed, verdict: 'passed', ms, replaced: done.replaced })
        ports.log.info(`${name}: passed in ${showMs(ms)}, ${passed(done)}`)
        work.tellAddresses(done, ports.log)
      }
      await Promise.all([look(), work.removeOld()])
      if (!isCut) ports.log.info('waiting for changes; Ctrl-C ends it, and takes the stack down')
    }
  } catch (error) {
    // Only where there is a verdict the end is an answer.
    if (!ports.signal.aborted || rounds.every(({ verdict }) => verdict === 'cut short')) throw error
    return { rounds, error: last }
  } finally {
    watcher.close()
    await work.close()
  }
}

/** What no file that is watched can mend. */
function isHopeless({ code }: LaunchwayError): boolean {
  return code === 'USAGE' || code === 'TOOL_MISSING' || code === 'CANCELLED'
}

/** @param isSure whether somebody works on one of these, and no container */
async function cutWhenChanged(
  end: AbortController,
  changes: Changes,
  isSure: (paths: readonly string[]) => Promise<boolean>,
  { clock }: Ports,
): Promise<void> {
  for (;;) {
    await changes.calm(clock, end.signal)
    const paths = changes.waiting()
    if (await isSure(paths)) {
      if (!end.signal.aborted) end.abort(new CutShort('files changed'))
      return
    }
    // What has come while that was asked is not known yet.
    if (changes.waiting().length === paths.length) await changes.more(end.signal)
  }
}

function passed({ section: { checks }, replaced }: Rounded): string {
  const asked = `${checks.length} check${checks.length === 1 ? '' : 's'}`
  const what = replaced === 'all' ? 'the stack is new' : replaced.length === 0 ? 'the stack as it was' : `made anew: ${replaced.join(', ')}`
  return `${asked}; ${what}`
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, shownPaths).join(', ')
  return names.length > shownPaths ? `${shown} and ${names.length - shownPaths} more` : shown
}

/** A round is told in a line or few: what its stages say in between is for --debug, and no warning is said twice. */
function hushed(log: Log): Log {
  const said = new Set<string>()
  return {
    ...log,
    info: (line) => log.debug(line),
    notice: (line) => log.debug(line),
    warning(message, place) {
      if (!said.has(message)) log.warning(message, place)
      said.add(message)
    },
  }
}

/** The answer of the terminal. */
export function showWatched({ rounds, error }: Watched): { text: string; exit: number } {
  const count = `${rounds.length} round${rounds.length === 1 ? '' : 's'}`
  const text = `${count}; the last one ${error === undefined ? 'passed' : `failed: ${error.message}`}\n`
  return { text, exit: error === undefined ? 0 : exitCodeOf(error) }
}
