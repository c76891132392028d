import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { SmokePlan } from '../core/gates.ts'
import { keptBy, smokeProject } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, SmokeSection } from '../core/release.ts'
import { arrange, find } from './arrange.ts'
import { takeDown } from './clean.ts'
import { evidenceFolder } from './evidence.ts'
import { tellKept } from './keep.ts'
import { identify, type Identity, keyOf } from './key.ts'
import { recall, remember } from './memory.ts'
import { hadAlone } from './resources.ts'
import { test } from './run.ts'
import { chosen } from './shape.ts'
import { Turns } from './turns.ts'

/** How a person at a terminal wants it. */
export interface Wish {
  /** The stack stays, with every port that it publishes. */
  keep?: boolean
  /** Also where the same has passed before. */
  fresh?: boolean
  /** These checks alone; the section then says nothing about the release. */
  only?: readonly string[]
  /** So many containers of these services, over what the plan says; the section then says nothing about the release. */
  scale?: Readonly<Record<string, number>>
}

/**
 * Brings up the stack of the compose files with the images that were just built, asks it what the plan asks, and takes
 * it down again, whatever happens; or tells of an earlier run that asked exactly the same of exactly the same.
 * @param turns of all the stacks of a run
 * @throws LaunchwayError SMOKE_UNHEALTHY or SMOKE_CHECK_FAILED with evidence and the section, CONFIG_INVALID for files
 * that cannot be tested, DIGEST_MISMATCH when something else ran than was built
 */
export async function smokeStack(release: Release, whole: SmokePlan, ports: Ports, wish: Wish, turns = new Turns()): Promise<SmokeSection> {
  const plan = chosen(whole, wish.only)
  const started = ports.clock.elapsed()
  const found = await find(plan, ports)
  // What an earlier test has left there says nothing about this one.
  await ports.files.remove(join(ports.evidence, evidenceFolder))
  const judged = { rendered: found.rendered.project, plan, release, info: found.info, composeVersion: found.composeVersion }
  const isWhole = wish.only === undefined && wish.keep !== true
  const identity: Identity = isWhole ? await identify(judged, ports) : { why: 'this is no whole test' }
  const key = 'why' in identity ? undefined : await keyOf(identity, ports)
  const earlier = key === undefined || wish.fresh === true ? undefined : await recall(key, release, ports)
  if (earlier?.earlier !== undefined) {
    const { at, by } = earlier.earlier
    ports.log.info(`passed earlier, ${at.slice(0, 16).replace('T', ' ')} UTC, ${by}: the same images, stack and checks`)
    return { ...earlier, ms: ports.clock.elapsed() - started }
  }
  if ('why' in identity) ports.log.debug(`how this ends is not remembered: ${identity.why}`)

  using _ = await turns.take(hadAlone(found.rendered.project), (what) => {
    ports.log.info(`waits for another variant: both use ${what}, which one at a time can have; a mount with :ro need not wait`)
  })
  ports.signal.throwIfAborted()
  const project = smokeProject(release.app, randomBytes(4).toString('hex'))
  const owner = wish.keep === true ? keptBy(ports.root) : ports.self.id
  const { quiet, ...arranged } = await arrange(found, { plan, release, project, owner, isOpen: wish.keep === true }, ports)
  let ended: SmokeSection | undefined
  try {
    ended = await test({ ...arranged, plan, whole, started, ports: quiet })
  } catch (error) {
    // Only where somebody has asked in spite of it can there be a pass to take back.
    if (wish.fresh === true && key !== undefined && !ports.signal.aborted) await remember(key, undefined, release, ports)
    throw error
  } finally {
    if (wish.keep === true && !ports.signal.aborted) await tellKept(project, quiet)
    else await takeDown(project, ports)
  }
  if (key !== undefined) {
    const after = await identify(judged, ports)
    if (isSame(identity, after)) await remember(key, ended, release, ports)
    else ports.log.debug('how this ended is not remembered: files that the stack or its checks use have changed meanwhile')
  }
  return ended
}

function isSame(one: Identity, other: Identity): boolean {
  return 'digest' in one && 'digest' in other && one.digest.equals(other.digest)
}
