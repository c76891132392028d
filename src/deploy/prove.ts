import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { DeploySection } from '../core/release.ts'
import { type Fleet, goBackTogether, notAllBack, serving, whyItStays } from './fleet.ts'
import { askOutside } from './outside.ts'

/**
 * Asks the release as the public does, and has the hosts go back when it does not answer as it should.
 * @throws LaunchwayError DEPLOY_ROLLED_BACK; PROBE_FAILED where the release stays, since there is no way back;
 * ROLLBACK_FAILED where some hosts did not go back
 */
export async function prove(fleet: Fleet, done: DeploySection, ports: Ports): Promise<void> {
  const { probe } = fleet.environment
  if (probe === undefined) return
  const evidence = await askOutside(probe, ports)
  if (evidence === undefined) return
  const what = `${probe.url} does not answer as it should`
  const stays = whyItStays(fleet, done)
  if (stays !== undefined)
    throw new LaunchwayError('PROBE_FAILED', `${what}, and the new version stays: ${stays}`, { hint: evidence, part: { deploy: done } })
  ports.log.warning(`${what}: the hosts go back`)
  const went = await goBackTogether(fleet, done, ports)
  if (went.failures.length > 0) throw notAllBack(`${what}, and not all hosts went back`, evidence, went, done)
  throw new LaunchwayError('DEPLOY_ROLLED_BACK', `${what}; ${serving(went, () => '')}`, { hint: evidence })
}
