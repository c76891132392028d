import { findingName } from '../../../src/core/words.ts'
import type { Finding, ScanSection } from '../../../src/core/release.ts'
import { digest } from './deploy.ts'

/** That the gate blocks, with a fix. */
export const httpx: Finding = {
  ...{ class: 'library', id: 'CVE-2021-41945', severity: 'CRITICAL', status: 'new' },
  ...{ package: 'httpx', installed: '0.22.0', fixed: '0.23.0' },
}
/** The same without one. */
export const zlib: Finding = { class: 'os', id: 'CVE-2023-45853', severity: 'HIGH', package: 'zlib1g', installed: '1.2', status: 'new' }
export const scanned: ScanSection = {
  tool: { name: 'trivy', version: '0.71.2' },
  database: { updated: '2026-11-20T06:00:00.000Z' },
  images: [{ name: 'app', config: digest, findings: [httpx, zlib] }],
  rules: [{ rule: 'HIGH or worse', action: 'fail', passed: false, findings: [httpx, zlib].map((one) => findingName('app', one)) }],
  exceptions: [],
  reports: [],
  verdict: 'failed',
  ms: 900,
}
