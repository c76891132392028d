import type { Scanner } from '../core/gates.ts'
import { scannerOf } from '../core/words.ts'
import type { Finding, ScannedImage } from '../core/release.ts'
import { type Found, holdsPackage } from '../tools/trivy-report.ts'

/** An image of the release that runs, as its record has it. */
export type Earlier = Pick<ScannedImage, 'findings' | 'packages'>

/**
 * Tells what is new beside what runs. A vulnerability that became known since then is not new where the package stood in
 * the same version in what runs: the release did not bring it. What only an exception let run was never accepted: once
 * that has ended, it is as new as on its first day. Secrets are always new: what a report shows of two is the same.
 *
 * In the very image that runs, whose packages all ran before, it is the other way round: new is what became known since,
 * and a secret that its record lists at a place is the one that is there.
 * @param earlier undefined where there is nothing to compare with: then all is new
 */
export function compared<T extends Found>(
  findings: readonly T[],
  earlier: Earlier | undefined,
  beside: 'another image' | 'the same image' = 'another image',
): (T & Pick<Finding, 'status'>)[] {
  if (earlier === undefined) return findings.map((finding) => ({ ...finding, status: 'new' }))
  const running = earlier.findings.filter(({ status }) => status !== 'fixed')
  const ran = new Set(running.filter(({ exempt }) => exempt !== true).map(keyOf))
  const exempted = new Set(running.filter(({ exempt }) => exempt === true).map(keyOf))
  const hadPackage = earlier.packages === undefined || beside === 'the same image' ? () => false : holdsPackage(earlier.packages)
  const isThere = (finding: Found): boolean => {
    if (finding.class === 'secret' && beside === 'another image') return false
    const key = keyOf(finding)
    if (ran.has(key)) return true
    if (exempted.has(key)) return finding.exempt !== undefined
    return finding.packageKey !== undefined && hadPackage(finding.packageKey)
  }
  return findings.map((finding) => ({ ...finding, status: isThere(finding) ? 'existing' : 'new' }))
}

/**
 * What runs, and is not in the new image any more. What an exception let pass is no fix, nor is what it lets pass now, nor
 * what nobody has looked for this time.
 */
export function gone(findings: readonly Found[], earlier: Earlier | undefined, scanners: readonly Scanner[]): Finding[] {
  const now = new Set(findings.map(keyOf))
  return (earlier?.findings ?? [])
    .filter(
      (finding) =>
        scanners.includes(scannerOf[finding.class]) && finding.status !== 'fixed' && finding.exempt !== true && !now.has(keyOf(finding)),
    )
    .map(({ base: _of, exploited: _then, epss: _score, ...finding }) => ({ ...finding, status: 'fixed' }))
}

/**
 * Without the version: the same vulnerability in another version of its package is still there. Of a secret with its line,
 * of what is wrong with a variable with its name.
 */
function keyOf(of: Pick<Finding, 'class' | 'id' | 'package' | 'installed'>): string {
  return JSON.stringify([of.class, of.id, of.package, ...(of.class === 'secret' || of.class === 'misconfig' ? [of.installed] : [])])
}
