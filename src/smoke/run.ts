import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, SmokeSection } from '../core/release.ts'

export function smoke(release: Release, ports: Ports): Promise<SmokeSection> {
  ports.log.debug(release.id)
  return Promise.reject(new LaunchwayError('NOT_YET', 'smoke'))
}
