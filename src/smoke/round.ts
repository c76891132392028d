import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { smokeLabels, smokeProject, watchedBy } from '../core/names.ts'
import type { EngineContainer, Ports } from '../core/ports.ts'
import type { Release, SmokeSection } from '../core/release.ts'
import type { ComposeProject } from '../tools/compose.ts'
import { removeContainers, stopContainers } from '../tools/docker.ts'
import { arrange, type Arranged, find } from './arrange.ts'
import { takeDown } from './clean.ts'
import { evidenceFolder } from './evidence.ts'
import { addressesOf } from './keep.ts'
import { builtName } from './plan.ts'
import { type Made, madeFrom, replacement } from './replacement.ts'
import { test } from './run.ts'
import { chosen } from './shape.ts'
import { buildOthers } from './make.ts'
import type { Wish } from './stage.ts'
import { serviceOf } from './verdict.ts'

/** Seconds that a container has to end which goes: others go on with the data that it writes. */
const graceSeconds = 1

/** How one test of a stack that stays came out. */
export interface Round {
  section: SmokeSection
  /** What of it was made for this test: `all`, or the names of services. */
  replaced: 'all' | readonly string[]
  /** Where it is reached, a line each. */
  addresses: readonly string[]
}

/** One stack that stays between its tests. */
export interface StandingStack {
  /** The project as it was rendered last, before anything is changed; undefined where that has never succeeded. */
  rendered(): ComposeProject | undefined
  /** Files and folders that were written: who has them mounted is made anew in the next round that gets so far. */
  touch(paths: Iterable<string>): void
  /**
   * Tests the stack as its files are now; only what is made from something else than before is made anew.
   * @param hurry aborted when nobody wants to know any more how it ends
   * @param onRendered when the project is another than before, and nothing is made of it yet
   * @throws as the stage does; and the reason of `hurry`
   */
  round(release: Release, whole: SmokePlan, ports: Ports, more: { hurry: AbortSignal; onRendered: () => Promise<void> }): Promise<Round>
  /** Takes it down with its volumes. Never fails. */
  close(ports: Ports): Promise<void>
}

/** @param wish.fresh every test has a stack of its own */
export function standingStack(app: string, wish: Pick<Wish, 'fresh' | 'only' | 'scale'>): StandingStack {
  const project = smokeProject(app, randomBytes(4).toString('hex'))
  let rendered: ComposeProject | undefined
  let before: Made | undefined
  let isPrepared = false
  /** Who ran when the last test had passed. */
  let calm: readonly string[] = []
  /** What was written and has not come to the containers yet: a round may end before it gets so far. */
  const waiting = new Set<string>()

  const clear = async (arranged: Arranged, plan: SmokePlan, ports: Ports): Promise<Round['replaced']> => {
    const { stack, prepared } = arranged
    await buildOthers(stack, prepared.builds, ports, ports.signal)
    const images = await imagesOf(project, arranged, ports)
    const containers = await containersOf(project, ports)
    const now = madeFrom(stack.file, images, plan)
    const asked = { before, isPrepared, now, file: stack.file, plan, touched: waiting, containers, fates: prepared }
    const decided = wish.fresh === true ? { kind: 'anew' as const, why: '--fresh asks for it' } : replacement(asked)
    if (decided.kind === 'anew') {
      ports.log.debug(`the stack is made anew: ${decided.why}`)
      if (before !== undefined) await takeDown(project, ports)
      // Its images have gone with it.
      if (before !== undefined) await buildOthers(stack, prepared.builds, ports, ports.signal)
      isPrepared = false
    } else {
      for (const [service, why] of decided.why) ports.log.debug(`${service} is replaced: ${why}`)
      const going = containers.filter((one) => decided.why.has(serviceOf(one) ?? '') || one.labels['com.docker.compose.oneoff'] === 'True')
      await remove(going, ports)
    }
    before = now
    waiting.clear()
    return decided.kind === 'anew' ? 'all' : [...decided.why.keys()]
  }

  return {
    rendered: () => rendered,
    touch(paths) {
      for (const path of paths) waiting.add(path)
    },
    async round(release, whole, ports, { hurry, onRendered }) {
      const plan = chosen(whole, wish.only)
      const started = ports.clock.elapsed()
      const found = await find(plan, ports)
      const isOther = JSON.stringify(rendered) !== JSON.stringify(found.rendered.project)
      rendered = found.rendered.project
      if (isOther) await onRendered()
      await ports.files.remove(join(ports.evidence, evidenceFolder))
      const asked = { plan, release, project, owner: watchedBy(ports.self.id), isOpen: true }
      const { quiet, ...arranged } = await arrange(found, asked, ports)
      const replaced = await clear({ ...arranged, quiet }, plan, ports)
      const known = replaced === 'all' ? [] : calm.filter((service) => !replaced.includes(service))
      calm = []
      const prepare = isPrepared ? [] : plan.prepare
      try {
        const prepared = { ...arranged.prepared, builds: [] }
        const section = await test({ ...arranged, prepared, plan: { ...plan, prepare }, whole, started, known, hurry, ports: quiet })
        isPrepared = true
        calm = Object.keys(arranged.stack.file.services)
        return { section, replaced, addresses: addressesOf(await containersOf(project, ports)) }
      } catch (error) {
        const steps = error instanceof LaunchwayError ? (error.part?.smoke?.steps ?? []) : []
        isPrepared ||= prepare.length > 0 && steps.length === prepare.length && steps.every(({ passed }) => passed)
        throw error
      }
    },
    close: (ports) => takeDown(project, ports),
  }
}

function containersOf(project: string, { engine }: Ports): Promise<EngineContainer[]> {
  return engine.containers(`${smokeLabels.project}=${project}`)
}

/** What was built, by service: two builds of one content are two images of one name, and a container has one of them. */
async function imagesOf(project: string, { prepared, candidates }: Arranged, { engine }: Ports): Promise<Map<string, string>> {
  const ours = [...prepared.ours].map(
    ([name, { reference }]) => [name, candidates.find((one) => one.reference === reference)?.id ?? ''] as const,
  )
  const others = prepared.builds.map(async (name) => [name, (await engine.image(builtName(project, name)))?.id ?? ''] as const)
  return new Map([...ours, ...(await Promise.all(others))])
}

/** With their anonymous volumes: a stack that is made anew would have new ones, too. */
async function remove(containers: readonly EngineContainer[], { exec, signal }: Ports): Promise<void> {
  const ids = containers.map(({ id }) => id)
  const running = containers.flatMap(({ id, status }) => (status === 'running' || status === 'restarting' ? [id] : []))
  if (running.length > 0) await exec.run(stopContainers(running, graceSeconds), { signal, accept: [0, 1] })
  if (ids.length > 0) await exec.run(removeContainers(ids), { signal })
}
