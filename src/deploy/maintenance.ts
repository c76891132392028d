import type { Environment } from '../core/deployment.ts'
import { anyCode } from '../core/command.ts'
import { failedAfter, LaunchwayError } from '../core/error.ts'
import { hostPaths } from '../core/names.ts'
import { refuseOnSwarm } from './swarm/index.ts'
import type { Ports } from '../core/ports.ts'
import { hasServices, lookAt, type SeenHost } from './look.ts'
import { homeOf, maintenanceProgram } from './program.ts'

export type Maintenance = 'on' | 'off'

/**
 * Closes an environment for visitors on all its hosts, or opens it again. It outlives deploys and reboots.
 * @throws LaunchwayError HOST_UNFIT where a host has nothing behind nginx, or the account may not say so
 */
export async function maintain(
  app: string,
  environment: Environment,
  wanted: Maintenance,
  ports: Ports,
): Promise<{ host: string; maintenance: Maintenance }[]> {
  refuseOnSwarm('maintenance', environment, 'Have the proxy of the stack answer, or launchway stop SERVICE.')
  if (hasServices(environment) && !environment.services.some(({ nginx }) => nginx !== undefined)) {
    throw new LaunchwayError('CONFIG_INVALID', `no service of ${environment.name} is behind nginx, which shows the page`, {
      hint: 'Give a service a port without publish, and url or nginx.server-name: docs/guide/nginx.md',
    })
  }
  await using stack = new AsyncDisposableStack()
  const hosts: SeenHost[] = []
  for (const host of environment.hosts) hosts.push(stack.use(await lookAt(host, { app, environment }, ports)))
  for (const { host, seen } of hosts) {
    if (seen.as === 'nobody')
      throw new LaunchwayError('HOST_UNFIT', `${host}: the account may not write the state folder, and sudo asks for a password`, {
        hint: `on the host, as root: chown -R USER ${environment.stateRoot}. On no host anything was changed.`,
      })
  }
  const done: string[] = []
  for (const one of hosts) {
    const error = await turn(one, { app, environment }, wanted, ports)
    if (error !== undefined)
      throw done.length === 0
        ? error
        : failedAfter(error, `maintenance is ${wanted} already on ${done.join(', ')}; the same again goes on`, {})
    ports.log.info(`${one.host}: maintenance is ${wanted}`)
    done.push(one.host)
  }
  return done.map((host) => ({ host, maintenance: wanted }))
}

/** @returns why it could not be done */
async function turn(
  { host, remote, seen }: SeenHost,
  of: { app: string; environment: Environment },
  wanted: Maintenance,
  ports: Ports,
): Promise<LaunchwayError | undefined> {
  const home = homeOf(of)
  const program = maintenanceProgram(home, { wanted, by: ports.who })
  const { stdout, stderr } = await remote.sh(program, { sudo: seen.as === 'sudo', timeoutMs: 30_000, accept: anyCode })
  if (stdout.includes(`maintenance ${wanted}`)) return undefined
  if (stdout.includes('maintenance nowhere'))
    return new LaunchwayError('HOST_UNFIT', `${host}: nothing of ${of.app} in ${of.environment.name} is behind nginx there yet`, {
      hint: 'Deploy first: a service with a port, and url or nginx (docs/guide/nginx.md).',
    })
  const { home: folder } = hostPaths(home.stateRoot, home.app, home.environment)
  return new LaunchwayError('HOST_UNFIT', `${host}: maintenance could not be turned ${wanted}: ${folder} cannot be written`, {
    hint: `${stderr.trim()}\nFree room on the disk, or see who owns the folder; then the same again.`.trim(),
  })
}
