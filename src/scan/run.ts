import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, ScanSection } from '../core/release.ts'

export function scan(release: Release, ports: Ports): Promise<ScanSection> {
  ports.log.debug(release.id)
  return Promise.reject(new LaunchwayError('NOT_YET', 'scan'))
}
