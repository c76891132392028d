import { join, resolve } from 'node:path'
import { configText } from '../config/file.ts'
import { loadConfig } from '../config/load.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { candidates } from '../core/names.ts'
import type { Log, Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { type Rounded, type StandingStacks, standingStacks, variableFiles, type Wish } from '../smoke/index.ts'
import { envFilesOf, sourcesOf } from '../tools/compose-sources.ts'
import { removeImages } from '../tools/docker.ts'
import { headSha, ignoredFolders } from '../tools/git.ts'
import { Built } from './built.ts'
import { type Context, dueFor, furtherOf, type Place, placesOf, type Stack } from './places.ts'

/** A working tree can be tested before its first commit. */
const noCommit = '0'.repeat(40)

/** What is known from one round to the next. */
export class Work {
  readonly #config: string
  readonly #wish: Pick<Wish, 'fresh' | 'only' | 'scale'>
  readonly #ports: Ports
  #release: Release | undefined
  #stacks: StandingStacks | undefined
  /** What an earlier round could not do. */
  #isDue = { plan: true, build: true }
  /** Files of services that were written and no stack has been told of: planning or building may fail first. */
  readonly #touched = new Set<string>()
  /** As launchway.yml named them when it could be read last. */
  #bake: readonly string[] = []
  #told = ''
  readonly #built = new Built()

  constructor(config: string, wish: Pick<Wish, 'fresh' | 'only' | 'scale'>, ports: Ports) {
    this.#config = config
    this.#wish = wish
    this.#ports = ports
  }

  async hasConfig(): Promise<boolean> {
    const { files, root } = this.#ports
    return (await files.look(resolve(root, this.#config))) !== undefined
  }

  /** @param onKnown once more is known of what the round depends on, before it is read: what is saved from then on is for the next */
  async round(
    paths: readonly string[],
    places: readonly Place[],
    { hurry, onKnown }: { hurry: AbortSignal; onKnown: () => Promise<void> },
  ): Promise<Rounded> {
    const due = dueFor(paths, places)
    const isBaked = this.#release?.plan.images.some(({ bake }) => bake !== undefined) === true
    if (due.plan || (due.build && isBaked)) this.#isDue.plan = true
    if (due.build) this.#isDue.build = true
    for (const path of due.touched) this.#touched.add(path)
    const before = this.#release
    const planned = await this.#planned()
    if (planned !== before) await onKnown()
    const release = await this.#withImages(planned)
    this.#stacks ??= standingStacks(release.app, this.#wish)
    this.#stacks.touch(this.#touched)
    this.#touched.clear()
    return this.#stacks.round(release, this.#ports, { hurry, onRendered: onKnown })
  }

  async #planned(): Promise<Release> {
    if (this.#release !== undefined && !this.#isDue.plan) return this.#release
    const { startRelease } = await import('../plan/index.ts')
    // As for a pull request: from whatever branch, and nothing is written to a registry. What that has is not asked either.
    const sha = await this.#ports.exec.read(headSha(this.#ports.root)).catch(() => noCommit)
    const release = await startRelease(this.#config, { event: 'pull_request', sha, rebuild: true }, this.#ports)
    const { smoke } = release.plan.stages
    if (release.plan.smoke === undefined || !smoke.run) {
      throw new LaunchwayError('CONFIG_INVALID', `there is nothing to smoke-test: ${smoke.reason}`, {
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
      if (key !== undefined) this.#built.add(image.name, { key, references: candidates(image, key) })
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
      bake: await this.#bakeFiles(),
      contexts,
      more: planned.flatMap((image) => furtherOf(image, resolve(root))),
      stacks: await Promise.all(stacksOf(plan?.smoke).map((smoke) => this.#stack(smoke))),
      rendered,
      ignored: await this.#ignored(),
    })
  }

  /** No part of a plan, and one that cannot be read has none made. */
  async #bakeFiles(): Promise<readonly string[]> {
    try {
      const text = await configText(this.#config, this.#ports)
      if (text !== undefined) this.#bake = [loadConfig(text, this.#config).bake ?? []].flat()
    } catch {
      // The round tells what is wrong with it.
    }
    return this.#bake
  }

  async #ignored(): Promise<Set<string>> {
    const { exec, root, signal } = this.#ports
    // Where there is no repository, git knows nothing.
    const { code, stdout } = await exec.run(ignoredFolders(root), { signal, accept: [0, 128] })
    const folders = code === 0 ? stdout.split('\n').filter((line) => line.endsWith('/')) : []
    return new Set(folders.map((folder) => resolve(root, folder)))
  }

  async #stack(plan: SmokePlan): Promise<Stack> {
    const root = resolve(this.#ports.root)
    const sources = await sourcesOf(plan.compose, { files: this.#ports.files, root })
    const named = plan.compose.map((file) => resolve(root, file))
    return { plan, read: [...named, ...sources.map(({ path }) => path), ...variableFiles(plan, root), ...sources.flatMap(envFilesOf)] }
  }

  /** What was built of each state in between. The first and the last may be what a release is about. */
  async removeOld(): Promise<void> {
    const { exec, engine, signal } = this.#ports
    const old = this.#built.old()
    // After a cancel there is no time for any of it.
    if (old.length === 0 || signal.aborted) return
    await exec.run(removeImages(old), { signal, accept: [0, 1] })
    // One that something still runs is refused, and goes another time.
    const isThere = (one: string): Promise<boolean> =>
      engine.image(one).then(
        (image) => image !== undefined,
        () => true,
      )
    const gone = await Promise.all(old.map(async (one) => ((await isThere(one)) ? [] : [one])))
    this.#built.forget(new Set(gone.flat()))
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
