import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ReportKind, ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import { trackedOf } from '../tools/git.ts'

const endings: Record<ReportKind, string> = {
  sarif: 'sarif',
  table: 'txt',
  cyclonedx: 'cdx.json',
  spdx: 'spdx.json',
  json: 'json',
}

/** By which a file is known as one that an earlier scan has written: only such a one is replaced. */
const marks: Record<ReportKind, RegExp> = {
  sarif: /"Trivy Vulnerability Scanner"/,
  table: /^\s*(?:Report Summary|$)/,
  cyclonedx: /"bomFormat": ?"CycloneDX"[^]*"group": ?"aquasecurity"/,
  spdx: /"Tool: trivy-/,
  json: /"SchemaVersion"[^]*"ArtifactName"/,
}

/** Where a report is written, from the root of the repository. */
export function reportPath(image: string, kind: ReportKind, { reportsFolder }: Pick<ScanPlan, 'reportsFolder'>): string {
  return join(reportsFolder, `${image}.${endings[kind]}`)
}

/**
 * A folder for reports may be one that has other things in it.
 * @throws LaunchwayError CONFIG_INVALID before anything is looked at
 */
export async function refuseOverwriting(images: readonly string[], plan: ScanPlan, { exec, files, root }: Ports): Promise<void> {
  const wanted = images.flatMap((image) => plan.reports.map((kind) => ({ kind, path: reportPath(image, kind, plan) })))
  const looked = await Promise.all(wanted.map(async (one) => ({ ...one, found: await files.look(join(root, one.path)) })))
  const there = looked.filter(({ found }) => found !== undefined)
  if (there.length === 0) return
  const listed = await exec
    .read(
      trackedOf(
        there.map(({ path }) => path),
        root,
      ),
    )
    .catch(() => '')
  const tracked = new Set(listed.split('\n'))
  for (const { path, kind, found } of there) {
    const isOurs = async (): Promise<boolean> => found?.kind === 'file' && marks[kind].test(String(await files.read(join(root, path))))
    const why = tracked.has(path) ? 'git tracks it' : (await isOurs()) ? undefined : 'no scan has written it'
    if (why === undefined) continue
    throw new LaunchwayError('CONFIG_INVALID', `${path} is to be a report of the scan, and is there already: ${why}`, {
      hint: `Name a folder for reports alone: scan.reports-folder in launchway.yml, which is ${plan.reportsFolder}. A report that was committed: git rm --cached ${path}`,
    })
  }
}
