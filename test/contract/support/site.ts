import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { call, docker } from '../../../lab/run.ts'
import { type Load, traffic, type Traffic } from '../../../lab/traffic.ts'
import type { Service } from '../../../src/core/deployment.ts'
import { rollback, type Returned } from '../../../src/deploy/rollback.ts'
import { environmentName, type HostUnderTest, killWhole, labHost, newStateRoot, outermost } from './host.ts'
import { portsFor, releaseFor, type PushedImage, type Wish } from './release.ts'

/** The campaign asks without a pause; every other run leaves the tests beside it most of the machine: with 50 connections some requests are under way all the time. */
export const pauseMs = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? 200 : 0

/** A host of the lab with an application behind its nginx. */
export interface SiteHost extends HostUnderTest {
  container: string
  name: string
  /** The file that nginx reads. */
  conf: string
  /** Through nginx, from this machine. */
  traffic(load?: Partial<Load>): Traffic
  /** What nginx answers to that name, followed through a redirect to HTTPS. */
  page(name?: string): Promise<string>
}

/** @param of `on` an account of that host, in whose name it is not for this to say what the test runs on */
export function siteHost(
  suite: string,
  of: { user?: string; stateRoot?: string; bin?: string; app?: string; on?: HostUnderTest } = {},
): SiteHost {
  const machine = inject('lab').hosts[suite]
  if (machine === undefined) throw new Error(`the lab has no ${suite}`)
  const { container } = machine
  const host = of.on ?? labHost(container, of.user ?? 'root', 0, of.stateRoot ?? newStateRoot(), of.bin, of.app)
  const name = `${host.app}.example.org`
  const begun: Traffic[] = []
  const page = async (at = name): Promise<string> => {
    const words = ['--insecure', '--location', '--resolve', `${at}:80:127.0.0.1`, '--resolve', `${at}:443:127.0.0.1`]
    return docker('exec', container, 'curl', '--silent', '--max-time', '5', ...words, `http://${at}/`)
  }
  return {
    ...host,
    container,
    name,
    conf: `/etc/nginx/conf.d/launchway.${host.app}.${environmentName}.web.conf`,
    page,
    answer: () => page(),
    traffic(load = {}) {
      const one = traffic({ port: machine.ports[load.ca === undefined ? '80' : '443'] ?? 0, serverName: name, pauseMs, ...load })
      begun.push(one)
      return one
    },
    async [Symbol.asyncDispose]() {
      // That of a test that has failed goes on, beside the next one.
      const ending = begun.map((one) => one.stop())
      // As root, whoever deploys: programs that still run first, then what they made.
      const clean = `
        for pid in ${host.stateRoot}/${host.app}/*/attempts/*/pid; do [ ! -e "$pid" ] || kill -9 "-$(cat "$pid")" || :; done
        for one in $(docker ps --all --quiet --filter label=launchway.app=${host.app}); do docker rm --force --volumes "$one"; done
        rm -rf ${host.stateRoot} /etc/nginx/conf.d/launchway.${host.app}.* /etc/nginx/launchway.d/servers/*/${host.app}.*
        rm -rf /etc/nginx/conf.d/launchway-server.*${host.app}.example.org.conf /etc/nginx/launchway.d/servers/*${host.app}.example.org
        nginx -s reload || lab-service nginx restart`
      await docker('exec', container, 'sh', '-c', clean)
      await Promise.all(ending)
    },
  }
}

/** A service that nginx leads to. */
export function site(host: SiteHost, more: Partial<Service> = {}): Partial<Service> & { name: string } {
  return {
    name: 'web',
    port: 8000,
    nginx: { serverNames: [host.name] },
    health: { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 20_000, settleMs: 0 },
    ...more,
  }
}

/** Rolls back as the product does; it is given where the hosts are, and no image. */
export function rollBack(host: HostUnderTest, services: Wish['services'], wish: Partial<Wish> = {}): Promise<Returned> {
  const whole: Wish = { version: 'as configured now', ...(services === undefined ? {} : { services }), ...wish }
  const nowhere: PushedImage = { repository: 'registry.invalid/nothing', digest: `sha256:${'0'.repeat(64)}` }
  const { plan } = releaseFor(host, nowhere, whole)
  if (plan.environment === undefined) throw new Error('no environment')
  return rollback(
    host.app,
    plan.environment,
    portsFor(() => host.remote(), whole),
  )
}

/** A file of nginx's configuration, until the end of the test. */
export async function configured(host: SiteHost, path: string, text: string): Promise<AsyncDisposable> {
  await host.ask(`cat > ${path} <<'END'\n${text}\nEND\nnginx -s reload || :`)
  return { [Symbol.asyncDispose]: async () => void (await host.ask(`rm -f ${path}; nginx -s reload`)) }
}

/** A certificate of its own on the host: for the host's name, or another one; good for so many days, or over since. */
export async function certified(
  host: SiteHost,
  { days = 30, name = host.name }: { days?: number; name?: string } = {},
): Promise<{ certificate: string; key: string; text: string } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-tls-'))
  const [certificate, key] = [`/etc/ssl/${host.app}.crt`, `/etc/ssl/${host.app}.key`]
  const [request, own, made] = ['request', 'key', 'crt'].map((file) => join(folder, file)) as [string, string, string]
  try {
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', own]
    await call('openssl', ['req', ...pair, ...subject, '-out', request])
    // Of the two this one makes certificates that have ended.
    const signed = ['-signkey', own, '-days', String(days), '-copy_extensions', 'copy']
    await call('openssl', ['x509', '-req', '-in', request, ...signed, '-out', made])
    await docker('cp', join(folder, 'crt'), `${host.container}:${certificate}`)
    await docker('cp', join(folder, 'key'), `${host.container}:${key}`)
    const text = readFileSync(join(folder, 'crt'), 'utf8')
    return { certificate, key, text, [Symbol.asyncDispose]: async () => void (await host.ask(`rm -f ${certificate} ${key}`)) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const killable = ['mv', 'curl', 'cat', 'docker', 'nginx']

/**
 * Programs of a lab host in whose place a wrapper stands, that ends the apply program with SIGKILL before or after a
 * call that fits a pattern of the shell's: `mv *slot.b`. It does so once.
 */
export async function killerOn(
  container: string,
): Promise<{ bin: string; arm(when: 'before' | 'after', call: string): Promise<void> } & AsyncDisposable> {
  const inside = (text: string, ...words: string[]): Promise<string> => docker('exec', container, 'sh', '-euc', text, 'sh', ...words)
  const bin = await inside('bin=$(mktemp -d /tmp/launchway-bin-XXXXXX) && chmod 755 "$bin" && echo "$bin"')
  for (const program of killable) {
    const wrapper = `#!/bin/sh
real=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin; command -v ${program})
[ -e ${bin}/at ] || exec $real "$@"
read -r when pattern < ${bin}/at
case "${program} $*" in $pattern) ;; *) exec $real "$@" ;; esac
${outermost('apply', '*apply.sh*')}
[ -n "$apply" ] || exec $real "$@"
rm ${bin}/at
[ "$when" = before ] || $real "$@" > /dev/null
${killWhole('apply')}
exit 1
`
    await inside(`printf '%s' "$2" > "$1"; chmod 755 "$1"`, `${bin}/${program}`, wrapper)
  }
  return {
    bin,
    arm: async (when, call) => void (await inside(`printf '%s %s\\n' "$2" "$3" > "$1"`, `${bin}/at`, when, call)),
    [Symbol.asyncDispose]: async () => void (await inside(`rm -r ${bin}`)),
  }
}
