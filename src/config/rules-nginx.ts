import { nameOf } from './resolve-nginx.ts'
import type { Breach } from './rules.ts'
import type { EnvironmentConfig } from './schema.ts'
import { serverName } from './schema-nginx.ts'
import type { ServiceConfig } from './schema-service.ts'

/** @param url the address of the environment, to whose name nginx answers where it is given no other */
export function nginxBreaches(path: (string | number)[], { port, publish, nginx }: ServiceConfig, url: string | undefined): Breach[] {
  const at = path.join('.')
  const found: Breach[] = []
  const isLed = publish === undefined && port !== undefined && nginx?.['server-name'] === undefined
  if (isLed && url !== undefined && !serverName.test(nameOf(url))) {
    const why = nameOf(url).startsWith('[')
      ? 'is an IPv6 address; nginx leads by names: give the environment one, or say nginx.server-name'
      : 'is no name that nginx can be given: letters, digits and . _ -'
    found.push({ path: [...path.slice(0, 2), 'url'], message: `${path.slice(0, 2).join('.')}.url: ${nameOf(url)} ${why}` })
  }
  if (isLed && url === undefined) {
    found.push({
      path: [...path, 'port'],
      onKey: true,
      message: `${at}: port needs a way in: url or nginx.server-name, for nginx on the host to lead to it, or publish, for a public port of its own`,
    })
  }
  if (nginx === undefined) return found
  const within = (key: keyof typeof nginx, why: string): void =>
    void found.push({ path: [...path, 'nginx', key], onKey: true, message: `${at}.nginx: ${why}` })
  if (publish !== undefined || port === undefined) {
    const message =
      port === undefined
        ? `${at}: nginx needs port: where the service listens inside its container`
        : `${at}: nginx and publish exclude each other: a published port has no nginx before it`
    found.push({ path: [...path, 'nginx'], onKey: true, message })
  }
  if (nginx['strip-prefix'] !== undefined && nginx.path === undefined) within('strip-prefix', 'strip-prefix needs path: the prefix')
  if (nginx.hsts !== undefined && hasHsts(nginx.headers))
    within('hsts', 'hsts is the header Strict-Transport-Security: it is among headers already')
  if (nginx.server === 'existing') {
    if (nginx.tls !== undefined && nginx.tls !== false) within('tls', 'a server block of yours has its own certificate: leave tls out')
    if (nginx.acme !== undefined) within('acme', 'a server block of yours has its own certificate: leave acme out')
    if (nginx.redirect !== undefined) within('redirect', 'a server block of yours redirects by itself: leave redirect out')
  }
  return found
}

/** What is proven over plain HTTP at the name itself can be proven by the one host that the name leads to, and for no pattern. */
export function acmeBreaches(path: (string | number)[], { nginx }: ServiceConfig, { hosts }: EnvironmentConfig): Breach[] {
  if (nginx?.acme === undefined) return []
  const breaches = [
    ...(nginx.container === undefined
      ? []
      : [
          'acme is for an nginx of the host: certbot there would not reload one in a container. Ask for the certificate by certbot yourself, mount /etc/letsencrypt, and name its files with tls',
        ]),
    ...(nginx.tls === undefined ? [] : ['acme and tls exclude each other: tls names files that are there, or none']),
    ...[nginx['server-name'] ?? []]
      .flat()
      .flatMap((name) =>
        name.includes('*') ? [`acme cannot prove ${name}: ask for that certificate by DNS (certbot), and name its files with tls`] : [],
      ),
    ...((hosts?.length ?? 1) > 1
      ? [
          'acme is for an environment with one host: the name cannot lead to each of them alone. Ask for the certificate by DNS (certbot) on each, and name its files with tls',
        ]
      : []),
  ]
  return breaches.map((why) => ({ path: [...path, 'nginx', 'acme'], onKey: true, message: `${path.join('.')}.nginx: ${why}` }))
}

/** Each path is below that of the service, and apart from the others: a file of one must not hide that of another. */
export function assetBreaches(path: (string | number)[], { port, publish, nginx, assets }: ServiceConfig): Breach[] {
  if (assets === undefined) return []
  const at = path.join('.')
  if (port === undefined || publish !== undefined) {
    const message = `${at}: assets needs nginx before the service, which gives the files: port, and no publish`
    return [{ path: [...path, 'assets'], onKey: true, message }]
  }
  const paths = [assets].flat().map((one) => one.path)
  const prefix = nginx?.path
  return paths.flatMap((one, index) => {
    const place = [...path, 'assets', ...(Array.isArray(assets) ? [index] : []), 'path']
    const before = paths.slice(0, index).find((other) => isWithin(one, other) || isWithin(other, one))
    if (prefix !== undefined && !one.startsWith(`${prefix}/`))
      return [{ path: place, message: `${at}: visitors reach the service below ${prefix} alone: the path of assets is ${prefix}${one}` }]
    if (before === undefined) return []
    return [{ path: place, message: `${at}: the paths of assets are apart from each other: ${one} and ${before} are not` }]
  })
}

function isWithin(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`)
}

function hasHsts(headers: Record<string, string> = {}): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'strict-transport-security')
}

/** A host has one way in: what is led to by two of nginx could not be switched in one moment. */
export function oneNginx(name: string, environment: EnvironmentConfig): Breach[] {
  const behind = Object.entries(environment.services ?? {}).filter(([, { port, publish }]) => port !== undefined && publish === undefined)
  const [first, ...others] = behind.map(([service, { nginx }]) => ({ service, container: nginx?.container }))
  return others.flatMap(({ service, container }) => {
    if (first === undefined || container === first.container) return []
    const path = ['environments', name, 'services', service]
    const words = (of: string | undefined): string => (of === undefined ? 'a program of the host' : `in the container ${of}`)
    return [
      {
        path: container === undefined ? path : [...path, 'nginx', 'container'],
        message: `${path.join('.')}: nginx is ${words(container)} here, and ${words(first.container)} for ${first.service}: nginx.container must be the same for all services of an environment`,
      },
    ]
  })
}

/** Services that share a server of nginx share all of its names, and each has a path of its own there. */
export function sharedServers(name: string, environment: EnvironmentConfig): Breach[] {
  const byUrl = environment.url === undefined ? [] : [nameOf(environment.url)]
  const seen: { service: string; names: string[]; path: string | undefined; settings: string }[] = []
  return Object.entries(environment.services ?? {}).flatMap(([service, { port, publish, nginx }]) => {
    if (port === undefined || publish !== undefined) return []
    const one = {
      service,
      names: [nginx?.['server-name'] ?? byUrl].flat().map((each) => each.toLowerCase()),
      path: nginx?.path,
      settings: JSON.stringify([nginx?.server ?? 'launchway', nginx?.tls, nginx?.redirect ?? true, nginx?.acme]),
    }
    const others = seen.filter((other) => other.names.some((each) => one.names.includes(each)))
    seen.push(one)
    return others.slice(0, 1).flatMap((other) => {
      const taken = other.names.find((each) => one.names.includes(each))
      const path = ['environments', name, 'services', service]
      const at = path.join('.')
      const same = others.find((each) => each.path === one.path)
      if (same !== undefined) {
        const what = `${taken}${one.path ?? ''}`
        const message = `${at}: nginx leads ${what} to ${same.service} already; give one of them another nginx.server-name or nginx.path`
        return [{ path, message }]
      }
      if (other.names.toSorted().join(' ') !== one.names.toSorted().join(' '))
        return [{ path, message: `${at}: shares ${taken} with ${other.service}: nginx.server-name must be the same for both` }]
      if (other.settings === one.settings) return []
      return [
        {
          path,
          message: `${at}: shares ${taken} with ${other.service}: server, tls, acme and redirect of nginx must be the same for both`,
        },
      ]
    })
  })
}
