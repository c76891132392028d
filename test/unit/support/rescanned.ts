import { resolveScan } from '../../../src/config/scan.ts'
import { byKey } from '../../../src/core/objects.ts'
import type { Release } from '../../../src/core/release.ts'
import { stageNames } from '../../../src/core/stages.ts'
import { configOf } from './config.ts'
import { record } from './deploy.ts'

/** The record of a look at what production runs, as `planRescan` makes it: no environment to deploy to, nothing to build. */
export function rescanned(of: Partial<Release>): Release {
  const { plan, ...rest } = record()
  const scan = resolveScan(configOf('image: app\n'), {})
  if (typeof scan === 'string') throw new Error(scan)
  const stages = byKey(stageNames, (name) => ({ run: name === 'scan', reason: 'a rescan' }))
  return { ...rest, plan: { ...plan, event: 'schedule', stages, scan: { ...scan, against: 'production' } }, ...of }
}
