import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage, Release, ScanSection } from '../core/release.ts'
import { section } from '../core/stages.ts'
import { showMs } from '../core/units.ts'
import { parseVersion, type Report, version } from '../tools/trivy.ts'
import { readyDatabase } from './database.ts'
import { counts, explain, gate, type ScannedImage, sorted } from './gate.ts'
import { checkIgnoreFile } from './ignore.ts'
import { type IgnoreFile, look } from './look.ts'
import { sight } from './plan.ts'

/**
 * Looks for known vulnerabilities in every image that was built, and asks the rules of the plan.
 * @throws LaunchwayError SCAN_BLOCKED with the section as its part, SCAN_DB_UNAVAILABLE, DIGEST_MISMATCH, CONFIG_INVALID,
 *   TOOL_MISSING; BUILD_FAILED when an image is neither in the engine nor in a registry
 */
export async function scan(release: Release, ports: Ports): Promise<ScanSection> {
  const { scan: plan, images: planned } = release.plan
  if (plan === undefined)
    throw new LaunchwayError('RECORD_INVALID', 'the plan does not say what to scan for', { hint: 'Run the plan stage again.' })
  const { images } = section(release, 'build')
  const started = ports.clock.elapsed()
  const ignoreFile = await readIgnoreFile(plan, ports)
  const file = await ports.tools.trivy()
  const trivy = { file, cacheDir: join(ports.tools.folder, 'trivy'), cwd: await ports.files.temporary('trivy') }
  const tool = { name: 'trivy', version: parseVersion(await ports.exec.read(version(trivy))) ?? 'unknown' }
  ports.log.info(`Trivy ${tool.version}, ${file}`)
  const { updated } = await readyDatabase(plan, trivy, release, ports)

  const scanned: ScannedImage[] = []
  for (const image of images) {
    const [reference = ''] = candidates(planned.find(({ name }) => name === image.name) ?? { repositories: [] }, image.key)
    const report = await look(image, reference, { trivy, ignoreFile }, release, ports)
    scanned.push(judge(image, reference, report, ports))
  }
  const { rules, verdict, blocked } = gate(scanned, plan)
  const ms = ports.clock.elapsed() - started
  const found: ScanSection = { tool, database: { updated: updated.toISOString() }, images: scanned, rules, verdict, ms }
  if (verdict === 'passed') {
    ports.log.info(
      `passed in ${showMs(ms)}: ${rules.length === 0 ? 'no rule, so nothing blocks' : rules.map(({ rule }) => `no ${rule}`).join('; ')}`,
    )
    return found
  }
  const { message, hint } = explain(blocked, plan.ignoreFile ?? '.trivyignore.yaml')
  throw new LaunchwayError('SCAN_BLOCKED', message, { hint, part: { scan: found } })
}

async function readIgnoreFile({ ignoreFile: name }: ScanPlan, ports: Ports): Promise<IgnoreFile | undefined> {
  if (name === undefined) return undefined
  const path = join(ports.root, name)
  const body = await ports.files.read(path)
  if (body === undefined) {
    throw new LaunchwayError('CONFIG_INVALID', `${name}, the list of exceptions for the scan, is not there`, {
      hint: 'scan.ignore-file in launchway.yml names it, from the root of the repository. Check it out in this job too.',
    })
  }
  checkIgnoreFile(name, body.toString())
  return { name, path }
}

/** That it is what was built, and that something of it was seen. */
function judge(image: BuiltImage, reference: string, report: Report, ports: Ports): ScannedImage {
  const built = Object.values(image.config)
  const config = built.find((digest) => digest === report.imageId)
  if (config === undefined) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${reference} was scanned, but it is not the image that was built`, {
      hint: `Built: ${built.join(', ')}; scanned: ${report.imageId ?? 'unknown'}.\nAnother run of the same content on this engine may have replaced it: run this one again, from the build, and queue the runs of one branch.`,
    })
  }
  const { kind, says } = sight(report)
  if (kind === 'blind') {
    throw new LaunchwayError('SCAN_BLOCKED', `${image.name} cannot be judged: ${says}`, {
      hint: 'Its package database was removed, so no vulnerability in it can be found. Leave /var/lib/dpkg, /lib/apk/db or /var/lib/rpm in the image.',
    })
  }
  if (kind === 'bare') ports.log.notice(`${image.name}: ${says}`)
  if (report.os?.ended === true)
    ports.log.warning(
      `${image.name}: ${report.os.family} ${report.os.name} gets no security updates any more, so what is found is not all there is`,
    )
  const findings = sorted(report.vulnerabilities.map((found) => ({ ...found, status: 'new' as const })))
  ports.log.info(`${image.name}: ${counts(findings)}${kind === 'seen' ? ` in ${says}` : ''}`)
  return { name: image.name, config, findings }
}
