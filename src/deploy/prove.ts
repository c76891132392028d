import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { DeploySection, Registry } from '../core/release.ts'
import { goBackTogether, tryAgain, whyItStays } from './fleet.ts'
import { askOutside } from './outside.ts'

/**
 * Asks the release as the public does, and has the hosts go back when it does not answer as it should.
 * @throws LaunchwayError DEPLOY_ROLLED_BACK; PROBE_FAILED where the release stays, since there is no way back
 */
export async function prove(
  app: string,
  environment: Environment,
  done: DeploySection,
  registries: readonly Registry[],
  ports: Ports,
): Promise<void> {
  const { probe } = environment
  if (probe === undefined) return
  const evidence = await askOutside(probe, ports)
  if (evidence === undefined) return
  const stays = whyItStays(environment, done)
  if (stays !== undefined) {
    throw new LaunchwayError('PROBE_FAILED', `${probe.url} does not answer as it should, and the new version stays: ${stays}`, {
      hint: evidence,
      part: { deploy: done },
    })
  }
  ports.log.warning(`${probe.url} does not answer as it should: the hosts go back`)
  const { versions, failures } = await goBackTogether({ app, environment, registries }, done, ports)
  if (failures.length > 0) {
    throw new LaunchwayError('ROLLBACK_FAILED', `${probe.url} does not answer as it should, and not all hosts could go back`, {
      hint: [evidence, ...failures, tryAgain].join('\n'),
      part: { deploy: done },
    })
  }
  throw new LaunchwayError('DEPLOY_ROLLED_BACK', `${probe.url} does not answer as it should; ${versions.join(', ')} serves again`, {
    hint: evidence,
  })
}
