import { inject } from 'vitest'
import { type Authority, startAuthority } from '../../../lab/acme.ts'
import { docker } from '../../../lab/run.ts'
import type { Nginx, Service } from '../../../src/core/deployment.ts'
import { killerOn, site, type SiteHost, siteHost } from './site.ts'

/** The lab's certificate authority, which hosts trust as they trust those of the world: by their own store. */
export async function openAuthority(trustedBy: readonly string[]): Promise<Authority> {
  const lab = inject('lab')
  const authority = await startAuthority(lab)
  // The one file that all of them read. Debian's own program for it makes the whole store anew, which takes seconds.
  const store = '/etc/ssl/certs/ca-certificates.crt'
  const containers = trustedBy.flatMap((suite) => lab.hosts[suite]?.container ?? [])
  for (const container of containers) {
    await docker('cp', lab.secureRegistry.ca, `${container}:${store}.lab`)
    // A run that was killed has left its own; an account of a run before is unknown to an authority that has just begun.
    const trust = `[ -e ${store}.kept ] || cp ${store} ${store}.kept; cat ${store}.kept ${store}.lab > ${store}; rm -rf /etc/letsencrypt/accounts/acme*`
    await docker('exec', container, 'sh', '-euc', trust)
  }
  return {
    ...authority,
    async [Symbol.asyncDispose]() {
      for (const container of containers) await docker('exec', container, 'sh', '-c', `rm -f ${store}.lab; mv ${store}.kept ${store}`)
      await authority[Symbol.asyncDispose]()
    },
  }
}

/** A host of the lab to which the names of an application lead, with what a test of certificates wants to know of it. */
export interface CertifiedHost extends SiteHost {
  www: string
  /** A service for these names, with a certificate that is asked for. */
  asking(names?: string[], of?: Partial<Nginx>): Partial<Service> & { name: string }
  /** What nginx shows a visitor: the names of the certificate, sorted, and its number. */
  shown(): Promise<{ names: string[]; serial: string }>
  /** How often certbot was called on this host, as its log has it. */
  calls(): Promise<number>
  /** The page as a visitor gets it who trusts the authority's root alone. */
  securely(name: string): Promise<string>
  root(text: string): Promise<string>
  /** The program of the next deploy is killed after a call that fits the pattern. */
  killAt(call: string): Promise<void>
}

export async function certifiedHost(
  suite: string,
  authority: Authority,
  of: { user?: string; killable?: boolean } = {},
): Promise<CertifiedHost> {
  const killer = of.killable === true ? await killerOn(inject('lab').hosts[suite]?.container ?? '') : undefined
  const host = siteHost(suite, {
    ...(of.user === undefined ? {} : { user: of.user }),
    ...(killer === undefined ? {} : { bin: killer.bin }),
  })
  const { name, container } = host
  const www = `www.${name}`
  for (const one of [name, www]) await authority.leads(one, container)
  const root = (text: string): Promise<string> => docker('exec', container, 'sh', '-euc', text)
  const pem = await authority.root()
  await root(`cat > /srv/${host.app}.pem <<'END'\n${pem}\nEND`)
  const live = `/etc/letsencrypt/live/${name}`
  const acme = { email: 'ops@example.org', server: authority.directory }
  return {
    ...host,
    www,
    root,
    asking: (names = [name], more = {}) =>
      site(host, {
        nginx: { serverNames: names, tls: { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` }, acme, ...more },
      }),
    killAt: async (call) => killer?.arm('after', call),
    async shown() {
      const text = await root(
        `openssl s_client -connect 127.0.0.1:443 -servername ${name} < /dev/null 2> /dev/null | openssl x509 -noout -serial -ext subjectAltName`,
      )
      const names = [...text.matchAll(/DNS:([^\s,]+)/g)].map(([, found = '']) => found).toSorted()
      return { names, serial: /serial=(\w+)/.exec(text)?.[1] ?? '' }
    },
    calls: async () => Number(await root("cat /var/log/letsencrypt/* 2> /dev/null | grep -c 'certbot version:' || :")),
    securely: (at) => root(`curl --silent --show-error --cacert /srv/${host.app}.pem --resolve ${at}:443:127.0.0.1 https://${at}/`),
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
      await killer?.[Symbol.asyncDispose]()
      await root(
        `rm -rf /srv/${host.app}.pem /etc/letsencrypt/live/${name} /etc/letsencrypt/archive/${name} /etc/letsencrypt/renewal/${name}.conf`,
      )
    },
  }
}
