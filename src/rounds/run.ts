import { join, relative, resolve } from 'node:path'
import { asError } from '../core/outcome.ts'
import { candidates } from '../core/names.ts'
import { exitCodeOf, LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import type { Log, Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { showMs } from '../core/units.ts'
import { type Rounded, type StandingStacks, standingStacks, variableFiles, type Wish } from '../smoke/index.ts'
import { envFilesOf, sourcesOf } from '../tools/compose-sources.ts'
import { removeImages } from '../tools/docker.ts'
import { headSha } from '../tools/git.ts'
import { Changes } from './changes.ts'
import { OwnWrites } from './own-writes.ts'
import { type Context, dueFor, furtherOf, isDoubtful, type Place, placesAt, placesOf, type Stack } from './places.ts'

/** Names of files in the line that says why a round begins. */
const shownPaths = 3

/** A working tree can be tested before its first commit. */
const noCommit = '0'.repeat(40)

export interface RoundResult {
  /** From the root of the repository; none for the first. */
  changed: string[]
  verdict: 'passed' | 'failed' | 'cut short'
  ms: number
  replaced?: Rounded['replaced']
  error?: { code: string; message: string }
}

/** What a watch came to. */
export interface Watched {
  rounds: RoundResult[]
  /** What the last round failed of that came to a verdict. */
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
export async function watchRounds(config: string, wish: Pick<Wish, 'fresh' | 'only'>, ports: Ports): Promise<Watched> {
  const rounds: RoundResult[] = []
  let last: Error | undefined
  const changes = new Changes()
  const quiet: Ports = { ...ports, log: hushed(ports.log) }
  const own = new OwnWrites()
  const work = new Work(config, wish, quiet)
  const watcher = await ports.watcher((path) => changes.add(path))
  let places: Place[] = []
  const look = async (): Promise<void> => {
    places = await work.places()
    const problem = watcher.watch(places)
    if (problem !== undefined) quiet.log.warning(`not every change will be seen: ${problem}`)
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
      if (changed.length > 0) ports.log.info(`${listed(changed)} changed`)
      const started = ports.clock.elapsed()
      const end = new AbortController()
      const mayBeCut = rounds.at(-1)?.verdict !== 'cut short'
      if (mayBeCut) cutWhenChanged(end, changes, () => places, ports).catch(() => undefined)
      const name = `round ${rounds.length + 1}`
      const done = await work.round(paths, places, end.signal).catch((error: unknown) => asError(error))
      const ms = ports.clock.elapsed() - started
      if (!end.signal.aborted) end.abort(new Error('the round is over'))
      ports.signal.throwIfAborted()
      if (done instanceof CutShort) {
        rounds.push({ changed, verdict: 'cut short', ms })
        ports.log.info(`${name}: cut short after ${showMs(ms)}, since files changed`)
      } else if (done instanceof Error) {
        if (!(done instanceof LaunchwayError) || isHopeless(done) || (rounds.length === 0 && !(await work.hasConfig()))) throw done
        last = done
        rounds.push({ changed, verdict: 'failed', ms, error: { code: done.code, message: ports.redact(done.message) } })
        ports.log.error(done)
        ports.log.info(`${name}: failed after ${showMs(ms)}`)
      } else {
        last = undefined
        rounds.push({ changed, verdict: 'passed', ms, replaced: done.replaced })
        ports.log.info(`${name}: passed in ${showMs(ms)}, ${passed(done)}`)
        work.tellAddresses(done, ports.log)
      }
      await Promise.all([look(), work.removeOld()])
      if (!(done instanceof CutShort)) ports.log.info('waiting for changes; Ctrl-C ends it, and takes the stack down')
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

/** @param places as they are when something comes */
async function cutWhenChanged(end: AbortController, changes: Changes, places: () => readonly Place[], { clock }: Ports): Promise<void> {
  for (;;) {
    await changes.calm(clock, end.signal)
    const isOfSomebody = (path: string): boolean => placesAt(path, places()).length > 0 && !isDoubtful(path, places())
    if (changes.waiting().some(isOfSomebody)) return end.abort(new CutShort('files changed'))
    await changes.more(end.signal)
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

/** What is known from one round to the next. */
class Work {
  readonly #config: string
  readonly #wish: Pick<Wish, 'fresh' | 'only'>
  readonly #ports: Ports
  #release: Release | undefined
  #stacks: StandingStacks | undefined
  /** What an earlier round could not do. */
  #isDue = { plan: true, build: true }
  #told = ''
  /** By image, the references of what was built, in its order. */
  readonly #built = new Map<string, Set<string>>()

  constructor(config: string, wish: Pick<Wish, 'fresh' | 'only'>, ports: Ports) {
    this.#config = config
    this.#wish = wish
    this.#ports = ports
  }

  async hasConfig(): Promise<boolean> {
    const { files, root } = this.#ports
    return (await files.look(resolve(root, this.#config))) !== undefined
  }

  async round(paths: readonly string[], places: readonly Place[], hurry: AbortSignal): Promise<Rounded> {
    const due = dueFor(paths, places)
    const isBaked = this.#release?.plan.images.some(({ bake }) => bake !== undefined) === true
    if (due.plan || (due.build && isBaked)) this.#isDue.plan = true
    if (due.build) this.#isDue.build = true
    const release = await this.#withImages(await this.#planned())
    this.#stacks ??= standingStacks(release.app, this.#wish)
    return this.#stacks.round(release, this.#ports, { touched: new Set(due.touched), hurry })
  }

  async #planned(): Promise<Release> {
    if (this.#release !== undefined && !this.#isDue.plan) return this.#release
    const { startRelease } = await import('../plan/index.ts')
    // As for a pull request: from whatever branch, and nothing is written to a registry. What that has is not asked either.
    const sha = await this.#ports.exec.read(headSha(this.#ports.root)).catch(() => noCommit)
    const release = await startRelease(this.#config, { event: 'pull_request', sha, rebuild: true }, this.#ports)
    const { smoke } = release.plan.stages
    if (release.plan.smoke === undefined || smoke?.run === false) {
      throw new LaunchwayError('CONFIG_INVALID', `there is nothing to smoke-test: ${smoke?.reason ?? 'no plan'}`, {
        hint: 'Write a compose file, or name one in launchway.yml: smoke: { compose: … }',
        place: { file: this.#config },
      })
    }
    this.#release = release
    this.#isDue = { plan: false, build: true }
    return release
  }

  async #withImages(release: Release): Promise<Release> {
    if (!this.#isDue.build) return release
    const section = await (await import('../build/index.ts')).build(release, this.#ports)
    this.#isDue.build = false
    for (const image of release.plan.images) {
      const key = section.images.find(({ name }) => name === image.name)?.key
      if (key !== undefined) this.#built.set(image.name, new Set([...(this.#built.get(image.name) ?? []), ...candidates(image, key)]))
    }
    this.#release = { ...release, build: section }
    return this.#release
  }

  /** All that the next round depends on, as far as it is known. */
  async places(): Promise<Place[]> {
    const { root, files } = this.#ports
    const { plan } = this.#release ?? {}
    const text = async (path: string): Promise<string | undefined> => (await files.read(path).catch(() => undefined))?.toString()
    const contextOf = async (kind: Context['kind'], folder: string, dockerfile: string): Promise<Context> => ({
      ...{ kind, folder, dockerfile },
      ignores: (await text(`${dockerfile}.dockerignore`)) ?? (await text(join(folder, '.dockerignore'))) ?? '',
    })
    const planned = [...(plan?.images ?? []), ...(plan?.bases ?? [])]
    const rendered = this.#stacks?.rendered() ?? []
    const built = rendered.flatMap(({ services }) =>
      Object.values(services).flatMap(({ build }) => (build?.context?.startsWith('/') === true ? [build] : [])),
    )
    const contexts = await Promise.all([
      ...planned.map(({ context, dockerfile }) => contextOf('image', resolve(root, context), resolve(root, context, dockerfile))),
      ...built.map(({ context = root, dockerfile = 'Dockerfile' }) => contextOf('compose', context, resolve(context, dockerfile))),
    ])
    return placesOf({
      root: resolve(root),
      config: this.#config,
      contexts,
      more: planned.flatMap((image) => furtherOf(image, resolve(root))),
      stacks: await Promise.all(stacksOf(plan?.smoke).map((smoke) => this.#stack(smoke))),
      rendered,
    })
  }

  async #stack(plan: SmokePlan): Promise<Stack> {
    const root = resolve(this.#ports.root)
    const sources = await sourcesOf(plan.compose, { files: this.#ports.files, root })
    const named = plan.compose.map((file) => resolve(root, file))
    return { plan, read: [...named, ...sources.map(({ path }) => path), ...variableFiles(plan, root), ...sources.flatMap(envFilesOf)] }
  }

  /** What was built of each state in between. The first and the last may be what a release is about. */
  async removeOld(): Promise<void> {
    const { exec, signal } = this.#ports
    for (const references of this.#built.values()) {
      const [, ...rest] = references
      const old = rest.slice(0, -1)
      // One that something still runs goes another time; after a cancel there is no time for any of it.
      if (old.length === 0 || signal.aborted) continue
      await exec.run(removeImages(old), { signal, accept: [0, 1] })
      for (const one of old) references.delete(one)
    }
  }

  /** Engines choose another port with each start of a container. */
  tellAddresses({ addresses }: Rounded, log: Log): void {
    const now = addresses.join('\n')
    if (now !== this.#told) for (const line of addresses) log.info(`  ${line}`)
    this.#told = now
  }

  async close(): Promise<void> {
    await this.#stacks?.close(this.#ports)
    await this.removeOld()
  }
}

function stacksOf(plan: SmokePlan | undefined): SmokePlan[] {
  return plan === undefined ? [] : Object.values(plan.variants ?? { '': plan })
}

/** The answer of the terminal. */
export function showWatched({ rounds, error }: Watched): { text: string; exit: number } {
  const count = `${rounds.length} round${rounds.length === 1 ? '' : 's'}`
  const text = `${count}; the last one ${error === undefined ? 'passed' : `failed: ${error.message}`}\n`
  return { text, exit: error === undefined ? 0 : exitCodeOf(error) }
}
