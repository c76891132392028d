import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { PlannedImage, Release, ScannedImage, ScanSection } from '../core/release.ts'
import { section } from '../core/stages.ts'
import { showMs } from '../core/units.ts'
import { means } from '../tools/trivy-ignore.ts'
import { currentOf } from './current.ts'
import { readyDatabase } from './database.ts'
import { needed, readDocuments } from './documents.ts'
import { besides, exceptionsOf, idle, refuseEnded } from './exceptions.ts'
import { changes, closing, type Decided, explain, gate, warning } from './gate.ts'
import { currentJava } from './java.ts'
import { versioned } from './kept.ts'
import { openLayers } from './layers.ts'
import { refuseOverwriting } from './overwritten.ts'
import { eachPlatform, filesOf } from './platforms.ts'
import { readThreat, type Threat } from './threat.ts'
import { type Compared, lookThrough } from './through.ts'
import { annotations, sourcesOf } from './trace.ts'

/**
 * Looks for known vulnerabilities, and what else the plan asks for, in every image that was built; compares it with what
 * runs, and asks the rules of the plan.
 * @throws LaunchwayError SCAN_BLOCKED with the section as its part, SCAN_DB_UNAVAILABLE, DIGEST_MISMATCH, CONFIG_INVALID,
 *   TOOL_MISSING; BUILD_FAILED when an image is neither in the engine nor in a registry
 */
export async function scan(release: Release, ports: Ports): Promise<ScanSection> {
  const { scan: plan, images: planned } = release.plan
  if (plan === undefined)
    throw new LaunchwayError('RECORD_INVALID', 'the plan does not say what to scan for', { hint: 'Run the plan stage again.' })
  const started = ports.clock.elapsed()
  await refuseOverwriting(
    section(release, 'build').images.flatMap((image) =>
      eachPlatform(image).map(({ platform }) => filesOf(image, platform, Object.keys(image.config))),
    ),
    plan,
    ports,
  )
  const now = ports.clock.now().getTime()
  const { entries, ...documents } = await readDocuments(plan, now, ports)
  const { threat, lists } = await readThreat(plan, (name, key) => needed(name, key, ports), now, ports.log)
  const file = await ports.tools.trivy(plan)
  const bare = { file, cacheDir: join(ports.tools.folder, 'trivy'), cwd: await ports.files.temporary('trivy') }
  const trivy = await versioned(bare, ports)
  ports.log.info(`Trivy ${trivy.version}, ${file}`)
  const [database, current] = await Promise.all([readyDatabase(plan, trivy, release, ports), currentOf(release, ports)])
  const layers = await openLayers(trivy, await currentJava(plan, trivy, ports), ports)

  const glass = { trivy, database, layers, plan, ...documents }
  const { images, seen, blind, reports } = await lookThrough(release, current, glass, ports)
  const asked = threatened(images, threat)
  const { rules, decided, ...judged } = gate(asked, plan.rules, now)
  const verdict = blind.length > 0 ? 'failed' : judged.verdict
  refuseEnded(plan.ignoreFile, entries, seen, now)
  const listed = exceptionsOf(plan.ignoreFile, entries, seen, now)
  const unused = idle(plan.ignoreFile, listed)
  if (unused !== undefined) ports.log.info(unused)
  const exceptions = listed.filter(
    ({ id, state, findings }) => findings.length > 0 || (state === 'ended' && decided.some(({ finding }) => means({ id }, finding.id))),
  )
  const found: ScanSection = {
    tool: { name: 'trivy', version: trivy.version, ...(trivy.digest === undefined ? {} : { digest: trivy.digest }) },
    database: { updated: database.updated.toISOString(), ...(database.digest === undefined ? {} : { digest: database.digest }) },
    ...(lists.length === 0 ? {} : { lists }),
    ...(current === undefined ? {} : { against: current.against }),
    images: asked.map(recorded),
    rules,
    exceptions,
    reports,
    verdict,
    ms: ports.clock.elapsed() - started,
  }
  if (current !== undefined) ports.log.info(`beside ${current.against.version} in ${current.against.environment}: ${changes(found.images)}`)
  const warned = decided.filter(({ rule }) => rule.action === 'warn')
  if (warned.length > 0) ports.log.warning(warning(warned))
  if (verdict === 'passed') {
    ports.log.info(`passed in ${showMs(found.ms)}: ${closing(asked, plan.rules, now)}`)
    return found
  }
  const blocked = decided.filter(({ rule }) => rule.action === 'fail')
  // Nothing blocks of what could be looked at, and the rest may be looked at tomorrow: that is no verdict.
  const passing = blind.find(({ code }) => code !== 'SCAN_BLOCKED')
  if (passing !== undefined && blocked.length === 0 && blind.every(({ code }) => code !== 'SCAN_BLOCKED')) throw passing
  await annotate(blocked, planned, ports)
  const beside = besides(
    plan.ignoreFile,
    entries,
    blocked.map(({ finding }) => finding),
    now,
  )
  const told = { exceptions, beside }
  throw new LaunchwayError('SCAN_BLOCKED', ...explained(blind, blocked, plan, told, found))
}

/** Shows what blocks at the lines that bring it in. */
async function annotate(blocked: readonly Decided[], planned: readonly PlannedImage[], ports: Ports): Promise<void> {
  const names = new Set(blocked.map(({ image }) => image))
  const of = planned.filter(({ name }) => names.has(name))
  const sources = new Map(await Promise.all(of.map(async (image) => [image.name, await sourcesOf(image, ports)] as const)))
  for (const { place, message } of annotations(blocked, sources)) ports.log.warning(message, place)
}

/** What cannot be judged stands first: what blocks of the others is no more than the rest of it. */
function explained(
  blind: readonly LaunchwayError[],
  blocked: Parameters<typeof explain>[0],
  { ignoreFile = '.trivyignore.yaml' }: ScanPlan,
  told: Parameters<typeof explain>[2],
  scanned: ScanSection,
): [string, { hint: string; part: Partial<Release> }] {
  const problems = [...blind, ...(blocked.length === 0 ? [] : [explain(blocked, ignoreFile, told)])]
  const hint = [...new Set(problems.flatMap((one) => one.hint ?? []))].join('\n')
  return [problems.map(({ message }) => message).join('; '), { hint, part: { scan: scanned } }]
}

/** With what lists beside Trivy's database know of a vulnerability. */
function threatened(images: readonly Compared[], threat: Threat): Compared[] {
  return images.map((image) => ({ ...image, findings: image.findings.map((finding) => ({ ...finding, ...threat(finding.id) })) }))
}

/** As the record keeps it: when a vulnerability became public is for the rules alone. */
function recorded({ findings, ...image }: Compared): ScannedImage {
  return { ...image, findings: findings.map(({ published: _at, ...finding }) => finding) }
}
