import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { SmokePlan } from '../core/gates.ts'
import { keptBy, smokeProject } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, SmokeSection } from '../core/release.ts'
import { composeVersion as compose, type Stack } from '../tools/compose.ts'
import { presentImages } from './candidates.ts'
import { removeLeftovers, takeDown } from './clean.ts'
import { evidenceFolder } from './evidence.ts'
import { tellKept } from './keep.ts'
import { identify, type Identity, keyOf } from './key.ts'
import { refuseFarEngine, refuseOldCompose } from './machine.ts'
import { recall, remember } from './memory.ts'
import { prepare } from './plan.ts'
import { knowsStartInterval, quicken } from './readiness.ts'
import { projectDirectory, render } from './render.ts'
import { test } from './run.ts'
import { shownProject } from './rendered.ts'
import { hiding, keptSecrets, secretNamesOf, secretsOf, stepSecrets } from './secrets.ts'
import { chosen, opened, scaled } from './shape.ts'

/** How much longer than anybody waits the engine leaves who is not healthy yet in peace. */
const longerMs = 3_600_000

/** How a person at a terminal wants it. */
export interface Wish {
  /** The stack stays, with every port that it publishes. */
  keep?: boolean
  /** Also where the same has passed before. */
  fresh?: boolean
  /** These checks alone; the section then says nothing about the release. */
  only?: readonly string[]
}

/**
 * Brings up the stack of the compose files with the images that were just built, asks it what the plan asks, and takes
 * it down again, whatever happens; or tells of an earlier run that asked exactly the same of exactly the same.
 * @throws LaunchwayError SMOKE_UNHEALTHY or SMOKE_CHECK_FAILED with evidence and the section, CONFIG_INVALID for files
 * that cannot be tested, DIGEST_MISMATCH when something else ran than was built
 */
export async function smokeStack(release: Release, whole: SmokePlan, ports: Ports, wish: Wish): Promise<SmokeSection> {
  const plan = chosen(whole, wish.only)
  const started = ports.clock.elapsed()
  const rendering = render(plan, ports)
  // That there is no engine is said before what follows from it.
  rendering.catch(() => undefined)
  const [info, composeVersion] = await Promise.all([ports.engine.info(), versionOfCompose(ports)])
  refuseFarEngine(info, ports)
  // What an old one says of what it does not know helps nobody.
  refuseOldCompose(composeVersion)
  const [{ project: rendered, secrets }] = await Promise.all([rendering, removeLeftovers(ports)])
  // What an earlier test has left there says nothing about this one.
  await ports.files.remove(join(ports.evidence, evidenceFolder))
  const judged = { rendered, plan, release, info, composeVersion }
  const isWhole = wish.only === undefined && wish.keep !== true
  const identity: Identity = isWhole ? await identify(judged, ports) : { why: 'this is no whole test' }
  const key = 'why' in identity ? undefined : keyOf(identity)
  const earlier = key === undefined || wish.fresh === true ? undefined : await recall(key, release, ports)
  if (earlier?.earlier !== undefined) {
    const { at, by } = earlier.earlier
    ports.log.info(`passed earlier, ${at.slice(0, 16).replace('T', ' ')} UTC, ${by}: the same images, stack and checks`)
    return { ...earlier, ms: ports.clock.elapsed() - started }
  }
  if ('why' in identity) ports.log.debug(`how this ends is not remembered: ${identity.why}`)

  const candidates = await presentImages(release, ports)
  const root = resolve(ports.root)
  const project = smokeProject(release.app, randomBytes(4).toString('hex'))
  const owner = wish.keep === true ? keptBy(ports.root) : ports.self.id
  const asked = prepare(rendered, { plan, candidates, root, project, owner })
  const shaped = scaled(wish.keep === true ? opened(asked.file, asked) : asked.file, plan)
  const quick = quicken(shaped, knowsStartInterval(info, composeVersion), plan.timeoutMs + longerMs)
  const prepared = { ...asked, file: quick.file }
  const envFiles = (plan.envFiles ?? []).map((file) => resolve(root, file))
  const stack: Stack = { project, directory: projectDirectory(plan, root), file: quick.file, env: plan.env, envFiles }
  const hasScript = plan.checks.some(({ kind }) => kind === 'script')
  if (hasScript) for (const name of secretNamesOf(release)) ports.secret(name)
  const ofStep = hasScript ? stepSecrets(plan.env, ports) : []
  const hide = hiding([...secretsOf(rendered, plan.env), ...(await keptSecrets(rendered, ports)), ...secrets, ...ofStep], ports.redact)
  const shown = shownProject(stack.file, new Set(Object.values(plan.env)), hide)
  ports.log.debug(shown)
  for (const [service, { reference }] of prepared.ours) ports.log.info(`${service}: ${reference}`)
  // A service's log goes through this one: what it repeats of the rendered file is not for everybody.
  const quiet: Ports = { ...ports, redact: hide, log: { ...ports.log, info: (line) => ports.log.info(hide(line)) } }
  let ended: SmokeSection | undefined
  try {
    ended = await test({ plan, prepared, candidates, stack, shown, quick, started, ports: quiet })
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

/** Where compose cannot be asked at all, rendering says so in better words. */
function versionOfCompose({ exec }: Ports): Promise<string> {
  return exec.read(compose).catch(() => '')
}

function isSame(one: Identity, other: Identity): boolean {
  return 'digest' in one && 'digest' in other && one.digest.equals(other.digest)
}
