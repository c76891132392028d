import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { DeploySection, Registry } from '../core/release.ts'
import { askOutside } from './outside.ts'
import { lookToChange } from './recovered.ts'
import { returnTo } from './returning.ts'

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
  const { probe, noReturn } = environment
  if (probe === undefined) return
  const evidence = await askOutside(probe, ports)
  if (evidence === undefined) return
  const without = done.hosts.filter(({ previous }) => previous === undefined).map(({ host }) => host)
  const stays = noReturn ?? (without.length > 0 ? `this deploy replaced no version on ${without.join(', ')}` : undefined)
  if (stays !== undefined) {
    throw new LaunchwayError('PROBE_FAILED', `${probe.url} does not answer as it should, and the new version stays: ${stays}`, {
      hint: evidence,
      part: { deploy: done },
    })
  }
  ports.log.warning(`${probe.url} does not answer as it should: the hosts go back`)
  const returned = new Set<string>()
  const failures: string[] = []
  // The last that switched goes back first.
  for (const { host, previous = '' } of done.hosts.toReversed()) {
    try {
      await using seen = await lookToChange(host, { app, environment }, ports)
      const target = seen.seen.releases.get(previous)
      if (target === undefined)
        throw new LaunchwayError('VERSION_UNKNOWN', `release ${previous} was kept without what it takes to return to it`)
      await returnTo(target, seen, environment, { force: false, registries }, ports)
      returned.add(target.label)
    } catch (error) {
      if (!(error instanceof LaunchwayError) || error.code === 'CANCELLED') throw error
      failures.push(`${host}: ${error.code}: ${error.message}\n${error.hint ?? ''}`.trim())
    }
  }
  if (failures.length > 0) {
    throw new LaunchwayError('ROLLBACK_FAILED', `${probe.url} does not answer as it should, and not all hosts could go back`, {
      hint: [evidence, ...failures, '`launchway status` shows what runs where; `launchway rollback` tries again.'].join('\n'),
      part: { deploy: done },
    })
  }
  throw new LaunchwayError('DEPLOY_ROLLED_BACK', `${probe.url} does not answer as it should; ${[...returned].join(', ')} serves again`, {
    hint: evidence,
  })
}
