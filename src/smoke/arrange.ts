import { relative, resolve } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import type { EngineInfo, Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import type { ComposeProject, Stack } from '../tools/compose.ts'
import { withBases } from './bases.ts'
import { presentImages, type Present } from './candidates.ts'
import { removeLeftovers } from './clean.ts'
import { versionOfCompose } from './compose-version.ts'
import { refuseFarEngine, refuseOldCompose } from './machine.ts'
import { prepare, type Prepared } from './plan.ts'
import { knowsStartInterval, quicken, type Quickened } from './readiness.ts'
import { projectDirectory, render, type Rendered } from './render.ts'
import { shownProject } from './rendered.ts'
import { writtenOutside } from './resources.ts'
import { hiding, keptSecrets, secretNamesOf, secretsOf, stepSecrets } from './secrets.ts'
import { opened, peopled, scaled } from './shape.ts'
import { pullSides } from './sides.ts'
import { takenFiles } from './taken.ts'

/** How much longer than anybody waits the engine leaves who is not healthy yet in peace. */
const longerMs = 3_600_000

/** The user's files, and what is to run them. */
export interface Found {
  rendered: Rendered
  info: EngineInfo
  composeVersion: string
}

/** A stack as it will be started. */
export interface Arranged {
  prepared: Prepared
  candidates: readonly Present[]
  stack: Stack
  /** The rendered project, for people. */
  shown: string
  quick: Quickened
  /** What a service's log goes through: what it repeats of the rendered file is not for everybody. */
  quiet: Ports
}

/**
 * Reads the files, while the engine and compose say what they are; what runs left behind that were killed goes meanwhile.
 * @throws LaunchwayError CONFIG_INVALID, or TOOL_MISSING for what cannot run them
 */
export async function find(plan: SmokePlan, ports: Ports): Promise<Found> {
  // Both work while the engine's client is loaded.
  const versionAsked = versionOfCompose(ports)
  const rendering = render(plan, ports)
  // That there is no engine is said before what follows from it.
  rendering.catch(() => undefined)
  const [info, composeVersion] = await Promise.all([ports.engine.info(), versionAsked])
  refuseFarEngine(info, ports)
  // What an old one says of what it does not know helps nobody.
  refuseOldCompose(composeVersion)
  const [rendered] = await Promise.all([rendering, removeLeftovers(ports)])
  return { rendered, info, composeVersion }
}

/**
 * Makes of what was found the stack that is started.
 * @param way.isOpen every port is open that the user's file publishes, for somebody who looks around
 * @throws LaunchwayError CONFIG_INVALID for what cannot be tested, RECORD_INVALID or DIGEST_MISMATCH for missing images
 */
export async function arrange(
  { rendered: { project: rendered, secrets }, info, composeVersion }: Found,
  { plan, release, ...way }: { plan: SmokePlan; release: Release; project: string; owner: string; isOpen: boolean },
  ports: Ports,
): Promise<Arranged> {
  const root = resolve(ports.root)
  await refuseLackingFiles(peopled(rendered, plan), root, ports)
  const candidates = await presentImages(release, ports)
  const { project, owner, isOpen } = way
  const written = writtenOutside(rendered, root)
  if (written.length > 0) ports.log.warning(`the stack may write to what is not of the repository: ${written.join(', ')}`)
  const decided = prepare(rendered, { plan, candidates, root, project, owner })
  const asked = { ...decided, file: await withBases(rendered, decided, info, ports) }
  const shaped = scaled(isOpen ? opened(asked.file, asked) : asked.file, plan)
  const quick = quicken(shaped, knowsStartInterval(info, composeVersion), plan.timeoutMs + longerMs)
  const file = await pullSides(quick.file, release, ports)
  const prepared = { ...asked, file }
  const envFiles = (plan.envFiles ?? []).map((file) => resolve(root, file))
  const stack: Stack = { project, directory: projectDirectory(plan, root), file, env: plan.env, envFiles }
  const hasScript = plan.checks.some(({ kind }) => kind === 'script')
  if (hasScript) for (const name of secretNamesOf(release)) ports.secret(name)
  const ofStep = hasScript ? stepSecrets(plan.env, ports) : []
  const hide = hiding([...secretsOf(rendered, plan.env), ...(await keptSecrets(rendered, ports)), ...secrets, ...ofStep], ports.redact)
  const shown = shownProject(stack.file, new Set(Object.values(plan.env)), hide)
  ports.log.debug(shown)
  for (const [service, { reference }] of prepared.ours) ports.log.info(`${service}: ${reference}`)
  const quiet: Ports = { ...ports, redact: hide, log: { ...ports.log, info: (line) => ports.log.info(hide(line)) } }
  return { prepared, candidates, stack, shown, quick, quiet }
}

/**
 * What services take from files as secrets and configs has to be there: the engine would say so last, when all else is made.
 * @throws LaunchwayError CONFIG_INVALID
 */
async function refuseLackingFiles(project: ComposeProject, root: string, { files }: Pick<Ports, 'files'>): Promise<void> {
  const lacking: string[] = []
  for (const { kind, name, file } of takenFiles(project)) {
    const isThere = (await files.look(file).catch(() => 'not for us to see')) !== undefined
    if (!isThere) lacking.push(`the ${kind} ${name}: there is no file ${relative(root, file)}`)
  }
  if (lacking.length === 0) return
  throw new LaunchwayError('CONFIG_INVALID', lacking.join('\n'), {
    hint: 'Where production has it and a test does not: a file of test values, and a second compose file under smoke.compose that names it.',
  })
}
