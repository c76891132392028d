import { hash } from 'node:crypto'
import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, ScannedImage, ScanSection } from '../core/release.ts'
import { readable } from '../tools/image-configuration.ts'
import { fitSarif, suppress, withUris } from '../tools/sarif.ts'
import { type Conversion, convert, type Trivy, trivyCodes } from '../tools/trivy.ts'
import { packagesOnly, unfiltered } from '../tools/trivy-rewritten.ts'
import type { Looked } from './look.ts'
import { reportPath } from './overwritten.ts'
import { scanFailed } from './trivy-errors.ts'

type Written = ScanSection['reports'][number]

/**
 * Writes the files that the plan asks for, all made from the one report: everything that was found, whatever a rule or
 * an exception says of it.
 */
export async function writeReports(
  { name: image, files }: { name: string; files: string },
  { text: whole, report }: Pick<Looked, 'text' | 'report'>,
  plan: ScanPlan & Pick<Release, 'app'>,
  trivy: Trivy,
  ports: Ports,
): Promise<Written[]> {
  const { reports, scanners } = plan
  if (reports.length === 0) return []
  const folder = await ports.files.temporary('reports')
  const [from, text] = [join(folder, 'report.json'), readable(whole)]
  await ports.files.write(from, unfiltered(text))
  return Promise.all(
    [...new Set(reports)].map(async (kind) => {
      const path = reportPath(files, kind, plan)
      const asked = { kind, from, to: join(folder, `made.${kind}`), scanners, text, report }
      const { body, note } = await bodyOf({ app: plan.app, image: files }, asked, trivy, ports)
      await ports.files.write(join(ports.root, path), body)
      ports.log.info(`${image}: ${path}${note === undefined ? '' : `; ${note}`}`)
      return { image, kind, path, ...(note === undefined ? {} : { note }) }
    }),
  )
}

type Asked = Conversion & Pick<Looked, 'text' | 'report'>

async function bodyOf(
  { app, image }: { app: string; image: string },
  asked: Asked,
  trivy: Trivy,
  ports: Ports,
): Promise<{ body: string | Buffer; note?: string | undefined }> {
  if (asked.kind !== 'sarif') return { body: await converted(image, asked, trivy, ports) }
  const made = await markedSarif(image, asked, trivy, ports)
  // Two applications of one repository may have an image of one name: code scanning keeps what is newest of each category.
  const fitted = fitSarif(made.toString(), `launchway/${app}/${image}`)
  if (fitted !== undefined) return { body: fitted.text, note: fitted.note }
  throw new LaunchwayError('COMMAND_FAILED', `what Trivy wrote about ${image} as SARIF is none`, {
    hint: 'Another version of Trivy is in PATH than launchway is tested with; without one there, it fetches its own.',
  })
}

async function converted(image: string, asked: Conversion, trivy: Trivy, ports: Ports): Promise<Buffer> {
  const ended = await ports.exec.run(convert(trivy, asked), { signal: ports.signal, accept: trivyCodes })
  const made = ended.code === 0 ? await ports.files.read(asked.to) : undefined
  if (made === undefined) throw scanFailed(image, {}, ended)
  return made
}

/** SARIF with what exceptions let pass marked as such: what it lacks when they are left out of the report. */
async function markedSarif(image: string, { text, report, ...asked }: Asked, trivy: Trivy, ports: Ports): Promise<Buffer> {
  const of = async (name: string, body: string): Promise<Buffer> => {
    const [from, to] = [`${asked.from}.${name}`, `${asked.to}.${name}`]
    await ports.files.write(from, withUris(body))
    return converted(image, { ...asked, from, to }, trivy, ports)
  }
  const exempt = report.findings.filter((finding) => finding.exempt !== undefined)
  if (exempt.length === 0) return of('all', text)
  const [all, left] = await Promise.all([of('all', unfiltered(text)), of('left', text)])
  return Buffer.from(suppress(all.toString(), left.toString(), exempt))
}

/**
 * Keeps what an image consists of beside the record: once all gates have passed, and the registry does not have it yet,
 * it becomes the image's SBOM.
 * @param files what files about it are called
 */
export async function keepPackages(
  files: string,
  text: string,
  { plan }: Pick<Release, 'plan'>,
  ports: Ports,
): Promise<ScannedImage['seen']> {
  const isWanted = (plan.evidence?.sbom ?? []).length > 0 && plan.stages.push.run
  // Who looks for no vulnerabilities is shown no packages.
  if (!isWanted || plan.scan?.scanners.includes('vuln') !== true) return undefined
  const body = packagesOnly(text)
  const path = join('scan', `${files}.packages.json`)
  await ports.files.write(join(ports.evidence, path), body)
  return { path, digest: `sha256:${hash('sha256', body)}` }
}
