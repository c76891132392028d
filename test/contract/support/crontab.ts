import { inject } from 'vitest'
import type { Service } from '../../../src/core/deployment.ts'
import { showStatus, status } from '../../../src/deploy/status.ts'
import { environmentName, type HostUnderTest, labHost } from './host.ts'
import { pathsOf } from './hosts.ts'
import { environmentOf, portsOf } from './lifecycle.ts'

/** Crontabs on hosts of the lab, and what their lines start. */

export type Job = Partial<Service> & { name: string; cron: string }

/** A scheduled command as the record has it. */
export function job(name: string, cron: string, script: string, more: Omit<Partial<Service>, 'cron' | 'name'> = {}): Job {
  return { name, cron, restart: 'no', command: ['/bin/sh', '-c', script], ...more }
}

export function onHost(suite: string, user: string, like?: HostUnderTest): HostUnderTest {
  const container = inject('lab').hosts[suite]?.container ?? ''
  const host = like === undefined ? labHost(container, user, 0) : labHost(container, user, 0, like.stateRoot, '', like.app)
  return {
    ...host,
    async [Symbol.asyncDispose]() {
      // What a test that failed has left there; every application has a name of its own.
      await host.ask(`crontab -l 2> /dev/null | grep -q '${host.app}' && crontab -l | grep -v '${host.app}' | crontab - || :`)
      await host[Symbol.asyncDispose]()
    },
  }
}

export async function crontab(host: HostUnderTest): Promise<string> {
  return Buffer.from(await host.ask('crontab -l 2> /dev/null | base64'), 'base64').toString()
}

/** Gives the account of a host a crontab, byte for byte, until the end of the block. */
export async function withCrontab(host: HostUnderTest, table: string): Promise<AsyncDisposable> {
  await host.ask(`base64 -d <<'END' | crontab -\n${Buffer.from(table).toString('base64')}\nEND`)
  return { [Symbol.asyncDispose]: async () => void (await host.ask('crontab -r 2> /dev/null || :')) }
}

/** What launchway writes. */
export function blockOf(host: HostUnderTest, ...lines: [times: string, service: string][]): string {
  const id = `${host.app}.${environmentName}`
  const { job: program } = pathsOf(host)
  const rows = lines.map(([times, service]) => `${times} test ! -e ${program} || /bin/sh ${program} ${id} ${service}`)
  return [`# begin launchway ${id}: each deploy writes these lines anew`, ...rows, `# end launchway ${id}`, ''].join('\n')
}

/** Does what cron does at the time of a line, with next to nothing in the environment, and answers what it would send by mail. */
export function fire(host: HostUnderTest, service: string, after = '|| :'): Promise<string> {
  return host.ask(`
    line=$(crontab -l | grep ' ${host.app}.${environmentName} ${service}$' | cut -d ' ' -f 6-)
    env -i HOME=/ PATH=/usr/bin:/bin /bin/sh -c "\${line:-echo no line of ${service}}" 2>&1 ${after}`)
}

export const containerOf = (host: HostUnderTest, service: string, release: string): string =>
  `${host.app}.${environmentName}.${service}.${release}`

/** What a release's container has said so far, in all of its runs. */
export const logOf = (host: HostUnderTest, service: string, release: string): Promise<string> =>
  host.ask(`docker logs ${containerOf(host, service, release)} 2>&1`)

export const stateOf = (host: HostUnderTest, service: string, release: string): Promise<string> =>
  host.ask(`docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' ${containerOf(host, service, release)}`)

/** As `launchway status` has it. */
export async function shown(host: HostUnderTest): Promise<string> {
  return showStatus(await status(host.app, environmentOf(host), portsOf(host, {})), environmentName)
}
