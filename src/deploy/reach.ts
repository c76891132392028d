import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { look } from './look.ts'
import { refuseWhereOneWaits } from './waiting.ts'

/**
 * Logs in to every host once, beside the build: what a deploy would be refused for, such as a host key that nobody has
 * committed, or a version that waits for its confirmation, is told before a tag moves. Where nothing is built, the deploy
 * itself is as soon.
 * @throws LaunchwayError SSH_UNREACHABLE, SSH_HOST_KEY, DEPLOY_WAITS
 */
export async function reach({ app, id, plan }: Release, { ssh, secret, signal, log }: Ports): Promise<void> {
  const { environment, redeploys } = plan
  if (environment === undefined || redeploys !== undefined) return
  const { hosts, ssh: settings, name, stateRoot } = environment
  await Promise.all(
    hosts.map(async (host) => {
      await using remote = await ssh.connect(host, settings, { key: secret(settings.key), signal })
      log.info(`${remote.host}: lets us in`)
      if (environment.confirm === undefined) return
      refuseWhereOneWaits(host, await look(remote, { app, environment: name, stateRoot }, environment), id, name)
    }),
  )
}
