import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage, PlannedImage, Release, ScannedImage, ScanSection } from '../core/release.ts'
import type { Asked } from '../core/scan-rule.ts'
import { isRescan, section } from '../core/stages.ts'
import { fingerprints, type Found, type Report } from '../tools/trivy-report.ts'
import { type Base, baseOf } from './base.ts'
import type { Current } from './current.ts'
import { compared, gone } from './diff.ts'
import { counts, open, sorted } from './gate.ts'
import { keepLayers } from './layers.ts'
import { type Glass, look, type Looked, type Subject, subjectsOf } from './look.ts'
import { weighed } from './newer.ts'
import { eachPlatform, filesOf, joined, type Part, platformsOf, seenOnce } from './platforms.ts'
import { cannotSee, type Others, othersOf } from './others.ts'
import { shortOf, sight } from './plan.ts'
import { keepPackages, writeReports } from './reports.ts'
import { removeLayouts } from './together.ts'

/** An image with what was found in it, beside what runs. */
export type Compared = Omit<ScannedImage, 'findings'> & { findings: Asked[] }

export interface Through {
  images: Compared[]
  /** As Trivy has it. */
  seen: { name: string; findings: readonly Found[] }[]
  /** Why some cannot be judged. */
  blind: LaunchwayError[]
  reports: ScanSection['reports']
}

/**
 * Has Trivy look at every image: those that were built, and in a rescan what runs beside them; writes the reports of each while it looks at the next.
 * @param current what the environment runs, where that is known
 */
export async function lookThrough(release: Release, current: Current | undefined, glass: Glass, ports: Ports): Promise<Through> {
  const { images: planned } = release.plan
  const { plan, trivy, layers } = glass
  const through: Pick<Through, 'seen' | 'blind'> = { seen: [], blind: [] }
  const writing: ReturnType<typeof writeReports>[] = []
  const planOf = ({ name }: BuiltImage): PlannedImage | undefined => planned.find((one) => one.name === name)
  const nameOf = (image: BuiltImage): string => candidates(planOf(image) ?? { repositories: [] }, image.key)[0] ?? ''
  const others = await othersOf(release, ports)
  through.blind.push(...others.unseen)
  const { images } = section(release, 'build')
  const subjects = [...(await subjectsOf(images.flatMap(eachPlatform), nameOf, glass, release, ports)), ...others.subjects]
  const parts: Part[] = []
  try {
    for (const [index, subject] of subjects.entries()) {
      const { image, platform } = subject
      const { name } = image
      const looked = await lookUnless(subject, others, through, glass, release, ports)
      // The disk is needed for the next one.
      await removeLayouts([subject], subjects.slice(index + 1), ports)
      if (looked === undefined) continue
      if (looked.blind !== undefined && plan.unknownSystem === 'fail') through.blind.push(looked.blind)
      through.seen.push({ name, findings: looked.report.findings })
      const other = others.references.get(name)
      const files = filesOf(image, platform, platformsOf(images, name))
      parts.push({
        compared: await compareImage({ subject, files, looked, of: planOf(image), other, current }, glass, release, ports),
        platform,
      })
      if (other !== undefined) continue
      // While Trivy looks at the next one. What fails is told at the end.
      writing.push(writeReports({ name, files }, looked, { ...plan, app: release.app }, trivy, ports))
      writing.at(-1)?.catch(() => undefined)
    }
  } finally {
    await Promise.allSettled(writing)
    await keepLayers(layers, trivy, ports)
    await removeLayouts(subjects, [], ports)
  }
  return { ...through, images: joined(parts), seen: seenOnce(through.seen), reports: (await Promise.all(writing)).flat() }
}

/** That one cannot be looked at which others make says nothing of the rest. */
async function lookUnless(
  subject: Subject,
  { references }: Others,
  { blind }: Pick<Through, 'blind'>,
  glass: Glass,
  release: Release,
  ports: Ports,
): Promise<Looked | undefined> {
  const { name } = subject.image
  const other = references.get(name)
  try {
    return await look(subject, glass, release, ports)
  } catch (error) {
    if (other === undefined) throw error
    blind.push(cannotSee(name, other, error, ports))
    return undefined
  }
}

interface Seen {
  subject: Subject
  /** What files about it are called. */
  files: string
  looked: Looked
  /** Undefined where others make it. */
  of: PlannedImage | undefined
  /** What one is called that others make. */
  other: string | undefined
  current: Current | undefined
}

/** What an image holds, beside what runs, and apart by what it stands on. */
async function compareImage(
  { subject, files, looked, of, other, current }: Seen,
  glass: Glass,
  release: Release,
  ports: Ports,
): Promise<Compared> {
  const { plan } = glass
  const { image, called, source, platform } = subject
  const { name } = image
  const { report, text, isKept, blind } = looked
  const config = judge(image, source.reference, report)
  const seenOf = lookedAt(called, looked, plan, ports)
  const from = of === undefined || platform === undefined ? of : { ...of, platforms: [platform] }
  const base =
    from === undefined ? undefined : await baseOf(from, report, { registries: release.plan.registries, offline: plan.offline }, ports)
  const beside = isRescan(release.plan) ? 'the same image' : 'another image'
  const earlier = other === undefined ? current?.images.get(name) : undefined
  // Whose silence says something.
  const scanners = blind === undefined ? plan.scanners : plan.scanners.filter((one) => one !== 'vuln')
  const findings = [...sorted(foundIn(report, earlier, beside, base, other)), ...gone(report.findings, earlier, scanners)]
  ports.log.info(`${called}: ${counts(open(findings))}${says(report)}${isKept ? ', known from an earlier look' : ''}`)
  const kept = await keepPackages(files, text, release, ports)
  return {
    name,
    config,
    ...(other === undefined ? {} : { others: other }),
    findings,
    packages: fingerprints(report.packageKeys),
    ...(kept === undefined ? {} : { seen: kept }),
    ...(seenOf === undefined ? {} : { looked: seenOf }),
    ...(base === undefined ? {} : { base: await weighed(base, findings, glass, release, ports) }),
  }
}

function foundIn(
  report: Report,
  earlier: Parameters<typeof compared>[1],
  beside: Parameters<typeof compared>[2],
  base: Base | undefined,
  other: string | undefined,
): Asked[] {
  const below = base === undefined ? undefined : new Set(report.layers.slice(0, base.layers))
  return compared(report.findings, earlier, beside).map(({ exempt, packageKey: _key, layer, ...finding }) => ({
    ...finding,
    ...(exempt === undefined ? {} : { exempt: true as const }),
    ...(other !== undefined ? { base: true } : below === undefined || layer === undefined ? {} : { base: below.has(layer) }),
  }))
}

/** The digest of its configuration: that it is what was built. */
function judge(image: BuiltImage, reference: string, report: Report): string {
  const built = Object.values(image.config)
  const config = built.find((digest) => digest === report.imageId)
  if (config === undefined) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${reference} was scanned, but it is not the image that was built`, {
      hint: `Built: ${built.join(', ')}; scanned: ${report.imageId ?? 'unknown'}.\nAnother run of the same content on this engine may have replaced it: run this one again, from the build, and queue the runs of one branch.`,
    })
  }
  return config
}

/** How much of an image was seen, told and kept. */
function lookedAt(
  image: string,
  { report, isUncertain, blind }: Looked,
  { scanners, unknownSystem }: ScanPlan,
  ports: Ports,
): ScannedImage['looked'] {
  // Who looks for no vulnerabilities is shown no packages.
  if (!scanners.includes('vuln')) return undefined
  const { kind, says: at } = sight(report)
  if (kind === 'bare' && blind === undefined) ports.log.notice(`${image}: ${at}`)
  const notes = [shortOf(report, isUncertain)].filter((note) => note !== undefined)
  for (const note of notes) ports.log.warning(`${image}: ${note}`)
  if (blind !== undefined && unknownSystem === 'warn')
    ports.log.warning(`${blind.message}. What else is in it decides (scan.unknown-system: warn)`)
  return { at, notes, ...(blind === undefined ? {} : { blind: blind.message }) }
}

function says(report: Report): string {
  const { kind, says: seen } = sight(report)
  return kind === 'seen' ? ` in ${seen}` : ''
}
