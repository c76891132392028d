import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Scanner, ScanPlan } from '../core/gates.ts'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage, PlannedImage, Release, ScannedImage, ScanSection } from '../core/release.ts'
import type { Asked } from '../core/scan-rule.ts'
import { isRescan, section } from '../core/stages.ts'
import { showMs } from '../core/units.ts'
import { fingerprints, type Found, type Report } from '../tools/trivy-report.ts'
import { type Base, baseOf } from './base.ts'
import { type Current, currentOf } from './current.ts'
import { readyDatabase } from './database.ts'
import { compared, gone } from './diff.ts'
import { announcement, type Entry, exceptionsOf, readExceptions, refuseEnded, stateOf } from './exceptions.ts'
import { changes, closing, counts, type Decided, explain, gate, open, sorted, warning } from './gate.ts'
import { currentJava } from './java.ts'
import { versioned } from './kept.ts'
import { keepLayers, openLayers } from './layers.ts'
import { type Glass, look, type Looked, subjectsOf } from './look.ts'
import { weighed } from './newer.ts'
import { othersOf, unseen } from './others.ts'
import { refuseOverwriting } from './overwritten.ts'
import { shortOf, sight } from './plan.ts'
import { keepPackages, writeReports } from './reports.ts'
import { readThreat, type Threat } from './threat.ts'
import { removeLayouts } from './together.ts'
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
    planned.map(({ name }) => name),
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

  const images: Compared[] = []
  const seen: { name: string; findings: readonly Found[] }[] = []
  const writing: ReturnType<typeof writeReports>[] = []
  const blind: LaunchwayError[] = []
  const glass = { trivy, database, layers, plan, ...documents }
  const planOf = ({ name }: BuiltImage): PlannedImage | undefined => planned.find((one) => one.name === name)
  const nameOf = (image: BuiltImage): string => candidates(planOf(image) ?? { repositories: [] }, image.key)[0] ?? ''
  const others = await othersOf(release, ports)
  blind.push(...others.unseen)
  const subjects = [...(await subjectsOf(section(release, 'build').images, nameOf, glass, ports)), ...others.subjects]
  try {
    for (const [index, subject] of subjects.entries()) {
      const { image } = subject
      const of = planOf(image)
      const other = others.references.get(image.name)
      const seenNow = await look(subject, glass, release, ports).catch((error: unknown) => {
        if (other === undefined) throw error
        blind.push(unseen(image.name, other, error, ports))
      })
      if (seenNow === undefined) continue
      const { report, text, isKept, blind: blinded } = seenNow
      // The disk is needed for the next one.
      await removeLayouts([subject], subjects.slice(index + 1), ports)
      const config = judge(image, subject.source.reference, report)
      const looked = lookedAt(image.name, seenNow, plan, ports)
      if (blinded !== undefined && plan.unknownSystem === 'fail') blind.push(blinded)
      const base =
        of === undefined ? undefined : await baseOf(of, report, { registries: release.plan.registries, offline: plan.offline }, ports)
      const one = compareImage(
        { name: image.name, config, report, base, other },
        current === undefined || other !== undefined
          ? undefined
          : { ...current, beside: isRescan(release.plan) ? 'the same image' : 'another image' },
        blinded === undefined ? plan.scanners : plan.scanners.filter((one) => one !== 'vuln'),
      )
      ports.log.info(`${image.name}: ${counts(open(one.findings))}${says(report)}${isKept ? ', known from an earlier look' : ''}`)
      seen.push({ name: image.name, findings: report.findings })
      const kept = await keepPackages(image.name, text, release, ports)
      const seenAs = kept === undefined ? {} : { seen: kept }
      images.push({
        ...one,
        ...seenAs,
        ...(looked === undefined ? {} : { looked }),
        ...(base === undefined ? {} : { base: await weighed(base, one.findings, glass, release, ports) }),
      })
      if (other !== undefined) continue
      // While Trivy looks at the next one. What fails is told at the end.
      writing.push(writeReports(image.name, { text, report }, { ...plan, app: release.app }, trivy, ports))
      writing.at(-1)?.catch(() => undefined)
    }
  } finally {
    await Promise.allSettled(writing)
    await keepLayers(layers, trivy, ports)
    await removeLayouts(subjects, [], ports)
  }
  const reports = (await Promise.all(writing)).flat()
  const asked = threatened(images, threat)
  const { rules, decided, ...judged } = gate(asked, plan.rules, now)
  const verdict = blind.length > 0 ? 'failed' : judged.verdict
  refuseEnded(plan.ignoreFile, entries, seen, now)
  const exceptions = exceptionsOf(plan.ignoreFile, entries, seen, now).filter(
    ({ id, state, findings }) => findings.length > 0 || (state === 'ended' && decided.some(({ finding }) => finding.id === id)),
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
  await annotate(blocked, planned, ports)
  throw new LaunchwayError('SCAN_BLOCKED', ...explained(blind, blocked, plan, exceptions, found))
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
  exceptions: ScanSection['exceptions'],
  scanned: ScanSection,
): [string, { hint: string; part: Partial<Release> }] {
  const problems = [...blind, ...(blocked.length === 0 ? [] : [explain(blocked, ignoreFile, exceptions)])]
  const hint = [...new Set(problems.flatMap((one) => one.hint ?? []))].join('\n')
  return [problems.map(({ message }) => message).join('; '), { hint, part: { scan: scanned } }]
}

interface Seen {
  name: string
  config: string
  report: Report
  base: Base | undefined
  /** What one is called that others make. */
  other: string | undefined
}

type Compared = Omit<ScannedImage, 'findings'> & { findings: Asked[] }

/** What an image holds, beside what runs, and apart by what it stands on. @param scanners whose silence says something */
function compareImage(
  { name, config, report, base, other }: Seen,
  current: (Current & { beside: Parameters<typeof compared>[2] }) | undefined,
  scanners: readonly Scanner[],
): Compared {
  const earlier = current?.images.get(name)
  const below = base === undefined ? undefined : new Set(report.layers.slice(0, base.layers))
  const here = compared(report.findings, earlier, current?.beside).map(({ exempt, packageKey: _key, layer, ...finding }) => ({
    ...finding,
    ...(exempt === undefined ? {} : { exempt: true as const }),
    ...(other !== undefined ? { base: true } : below === undefined || layer === undefined ? {} : { base: below.has(layer) }),
  }))
  return {
    name,
    config,
    ...(other === undefined ? {} : { others: other }),
    findings: [...sorted(here), ...gone(report.findings, earlier, scanners)],
    packages: fingerprints(report.packageKeys),
  }
}

/** With what lists beside Trivy's database know of a vulnerability. */
function threatened(images: readonly Compared[], threat: Threat): Compared[] {
  return images.map((image) => ({ ...image, findings: image.findings.map((finding) => ({ ...finding, ...threat(finding.id) })) }))
}

/** As the record keeps it: when a vulnerability became public is for the rules alone. */
function recorded({ findings, ...image }: Compared): ScannedImage {
  return { ...image, findings: findings.map(({ published: _at, ...finding }) => finding) }
}

/** What the repository says of findings: the list of exceptions and VEX documents. */
async function readDocuments(
  { ignoreFile, strictExceptions, vex }: ScanPlan,
  now: number,
  ports: Ports,
): Promise<Pick<Glass, 'exceptions' | 'vex'> & { entries: Entry[] }> {
  const documents = await Promise.all(vex.map(async (name) => ({ path: join(ports.root, name), body: await needed(name, 'vex', ports) })))
  if (ignoreFile === undefined) return { exceptions: undefined, vex: documents, entries: [] }
  const text = (await needed(ignoreFile, 'ignore-file', ports)).toString()
  const entries = readExceptions(ignoreFile, text, strictExceptions)
  const soon = announcement(entries, now)
  if (soon !== undefined) ports.log.warning(soon.message, { file: ignoreFile, line: soon.line })
  const ended = entries.map((entry) => stateOf(entry, now) === 'ended')
  return { exceptions: { path: join(ports.root, ignoreFile), state: JSON.stringify([text, ended]) }, vex: documents, entries }
}

const documentNames = {
  'ignore-file': 'the list of exceptions for the scan',
  vex: 'a VEX document',
  kev: 'the list of vulnerabilities that are known to be exploited',
  epss: 'the list of EPSS scores',
}
const howToHave: Partial<Record<keyof typeof documentNames, string>> = {
  kev: 'Fetch it in a step before: docs/guide/scan.md#what-is-exploited has the lines.',
  epss: 'Fetch it in a step before: docs/guide/scan.md#what-is-exploited has the lines.',
}

async function needed(name: string, key: keyof typeof documentNames, ports: Ports): Promise<Buffer> {
  const body = await ports.files.read(join(ports.root, name))
  if (body !== undefined) return body
  throw new LaunchwayError('CONFIG_INVALID', `${name}, ${documentNames[key]}, is not there`, {
    hint: `scan.${key} in launchway.yml names it, from the root of the repository. ${howToHave[key] ?? 'Check it out in this job too.'}`,
  })
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
