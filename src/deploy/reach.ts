import { abreast } from '../core/abreast.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { lookAt } from './look.ts'
import { refuseBeforehand } from './plan.ts'
import { repositoriesOf } from './run.ts'
import { atOnce } from './turns.ts'

/**
 * Looks at every host once, beside the build: what a deploy would be refused for, such as a host key that nobody has
 * committed, a lock, a version that waits for its confirmation, or an nginx whose configuration is broken, is told before
 * a tag moves. How large the images are is not known yet. Where nothing is built, the deploy itself is as soon.
 * @throws LaunchwayError SSH_UNREACHABLE, SSH_HOST_KEY, DEPLOY_LOCKED, DEPLOY_WAITS, HOST_UNFIT
 */
export async function reach(release: Release, ports: Ports): Promise<void> {
  const { app, id, plan } = release
  const { environment, redeploys } = plan
  if (environment === undefined || redeploys !== undefined) return
  const repositories = repositoriesOf(release)
  if (environment.swarm !== undefined) {
    const { lookThroughAny, refuseUnfitSwarm } = await import('./swarm/index.ts')
    const target = { app, environment, swarm: environment.swarm }
    await using through = await lookThroughAny(target, ports)
    if (through.cluster.lockedBy === undefined && through.seen.lockedBy === undefined)
      refuseUnfitSwarm(target, through, new Map(), repositories)
    return
  }
  const wanted = { app, release: id, environment, isReturn: false, images: new Map(), repositories, logins: new Map() }
  const { hosts } = environment
  await abreast(atOnce(hosts.length), hosts, ports.signal, async (host) => {
    await using one = await lookAt(host, wanted, ports)
    refuseBeforehand(wanted, one.seen, host)
  })
}
