import { describe, expect, test } from 'vitest'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import type { Nginx } from '../../src/core/deployment.ts'
import { configOf, problems } from './support/config.ts'

const one = (nginx: string, url = 'https://shop.example.org'): string =>
  `image: a/b\nenvironments:\n  p: { host: h, url: "${url}", port: 80, nginx: ${nginx} }\n`
const two = (first: string, second: string): string =>
  `image: a/b\nenvironments:\n  p: { host: h, url: "https://shop.example.org", services: { web: { port: 80, nginx: ${first} }, api: { port: 81, nginx: ${second} } } }\n`

const acme = (more = ''): string => `{ acme: { email: ops@example.org, agree-terms: true${more === '' ? '' : `, ${more}`} } }`

describe('what is said of nginx', () => {
  const live = '/etc/letsencrypt/live/shop.example.org'
  const tls = { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` }

  test.each<[string, string, Partial<Nginx>]>([
    ['{}', 'https://shop.example.org', { tls }],
    [
      '{ redirect: false, path: /api, strip-prefix: true }',
      'https://shop.example.org',
      { tls, redirect: false, path: '/api', stripPrefix: true },
    ],
    ['{ tls: false }', 'http://shop.example.org', {}],
    ['{ server: existing, tls: false }', 'https://shop.example.org', { existing: { https: false, port: 80 }, behindTls: true }],
    [
      '{ server: existing, tls: false }',
      'https://shop.example.org:8443',
      { existing: { https: false, port: 80 }, behindTls: true, urlPort: 8443 },
    ],
    ['{ server-name: admin.internal, tls: false }', 'https://shop.example.org', { serverNames: ['admin.internal'] }],
    ['{}', 'https://Shop.example.org.', { tls }],
    [
      '{ tls: false, hsts: true }',
      'https://shop.example.org',
      { behindTls: true, headers: { 'Strict-Transport-Security': 'max-age=31536000' } },
    ],
    [
      '{ hsts: max-age=60, headers: { X-A: b } }',
      'http://shop.example.org',
      { headers: { 'X-A': 'b', 'Strict-Transport-Security': 'max-age=60' } },
    ],
    ['{ hsts: false }', 'http://shop.example.org', {}],
    ['{ body-size: 20m, timeout: 10m, errors: json }', 'http://shop.example.org', { bodySize: '20m', timeoutMs: 600_000, errors: 'json' }],
    ['{ maintenance-page: /srv/soon.html }', 'http://shop.example.org', { maintenancePage: '/srv/soon.html' }],
    ['{ container: proxy-nginx-1 }', 'http://shop.example.org', { container: 'proxy-nginx-1' }],
    ['{ acme: { email: ops@example.org, agree-terms: true } }', 'https://shop.example.org', { tls, acme: { email: 'ops@example.org' } }],
    [
      '{ acme: { email: ops@example.org, agree-terms: true, server: "https://ca.example.org/dir" }, redirect: false }',
      'http://shop.example.org',
      { tls, acme: { email: 'ops@example.org', server: 'https://ca.example.org/dir' }, redirect: false },
    ],
    ['{ server: existing }', 'https://shop.example.org', { existing: { https: true, port: 443 } }],
    ['{ server: existing }', 'http://shop.example.org', { existing: { https: false, port: 80 } }],
    ['{ server: existing }', 'https://shop.example.org:8443', { existing: { https: true, port: 8443 }, urlPort: 8443 }],
  ])('%s at %s', (nginx, url, expected) => {
    const environment = resolveEnvironment(configOf(one(nginx, url)), 'p', undefined)
    expect(environment?.services[0]?.nginx).toEqual({ serverNames: ['shop.example.org'], ...expected })
  })

  test.each<[string, string, string]>([
    ['a variable as a name', one('{}', 'https://$hostname'), 'environments.p.url: $hostname is no name that nginx can be given'],
    ['a name that ends a line of nginx', one('{}', 'http://a;b.example'), 'a;b.example is no name that nginx can be given'],
    ['an IPv6 address', two('{}', '{ path: /a }').replace('shop.example.org', '[2001:db8::1]'), '[2001:db8::1] is an IPv6 address'],
    ['a name with a dot at its end', one('{ server-name: shop.example.org. }'), 'must be the name of a server'],
    ['a value that nginx would take apart', one('{ headers: { X-A: "$host" } }'), 'must have neither $'],
    ['a line break in a header', one('{ headers: { X-A: "a\\nb" } }'), 'must have neither $'],
    ['a name that is none', one('{ headers: { "X A": b } }'), 'must be the name of a header'],
    ['a path that ends in /', one('{ path: /api/ }'), 'must be a path such as /api'],
    ['all of the server as a path', one('{ path: / }'), 'must be a path such as /api'],
    ['a path with what nginx would read', one('{ path: "/a;b" }'), 'must be a path such as /api'],
    ['a path out of it', one('{ path: /a/../b }'), 'must be a path such as /api'],
    ['a size with a unit of its own', one('{ body-size: 20MB }'), 'must be a size such as 20m'],
    ['a file of the repository', one('{ maintenance-page: pages/soon.html }'), 'must be a path on the host'],
    ['an option as a container', one('{ container: --privileged }'), 'must be the name of a container'],
    ['a container with what a shell would read', one('{ container: "a b" }'), 'must be the name of a container'],
    ['strip-prefix without path', one('{ strip-prefix: true }'), 'strip-prefix needs path'],
    ['hsts twice', one('{ hsts: true, headers: { strict-transport-security: x } }'), 'it is among headers already'],
    ['a certificate for a server of the user', one('{ server: existing, tls: { certificate: /c, key: /k } }'), 'leave tls out'],
    ['a redirect in a server of the user', one('{ server: existing, redirect: false }'), 'leave redirect out'],
    ['a certificate asked for without a word on the terms', one('{ acme: { email: ops@example.org } }'), 'acme.agree-terms: must be true'],
    ['terms that are not agreed to', one('{ acme: { email: ops@example.org, agree-terms: false } }'), 'acme.agree-terms: must be true'],
    ['an account without an address', one('{ acme: { agree-terms: true } }'), 'acme.email'],
    ['an address that is an option', one('{ acme: { email: -x@example.org, agree-terms: true } }'), 'must be an address'],
    ['an authority without TLS', one(acme('server: "http://ca.example.org/dir"')), 'must be the https URL of a directory'],
    [
      'a certificate asked for beside files',
      one(`{ tls: { certificate: /c, key: /k }, ${acme().slice(1)}`),
      'acme and tls exclude each other',
    ],
    ['a certificate for a pattern', one(`{ server-name: "*.example.org", ${acme().slice(1)}`), 'acme cannot prove *.example.org'],
    ['a certificate for a server of the user', one(`{ server: existing, ${acme().slice(1)}`), 'leave acme out'],
    [
      'a certificate for several hosts',
      one(acme()).replace('host: h', 'hosts: [h, i]'),
      'environments.p.nginx: acme is for an environment with one host',
    ],
    ['a certificate asked for by one of two', two('{}', `{ path: /a, ${acme().slice(1)}`), 'server, tls, acme and redirect'],
    ['one path of two services', two('{ path: /a }', '{ path: /a }'), 'nginx leads shop.example.org/a to web already'],
    ['one name of two services', two('{}', '{}'), 'nginx leads shop.example.org to web already'],
    [
      'a part of the names',
      two('{}', '{ path: /a, server-name: [shop.example.org, b.example.org] }'),
      'nginx.server-name must be the same for both',
    ],
    [
      'two kinds of server',
      two('{}', '{ path: /a, server: existing }'),
      'server, tls, acme and redirect of nginx must be the same for both',
    ],
    ['HTTPS for one of two', two('{}', '{ path: /a, tls: false }'), 'server, tls, acme and redirect of nginx must be the same for both'],
  ])('%s is refused', (_, text, expected) => {
    expect(problems(text).join('\n')).toContain(expected)
  })

  test.each<[string, string, string, string]>([
    [
      'another',
      '{ container: edge }',
      '{ path: /a, container: proxy }',
      'nginx is in the container proxy here, and in the container edge for web',
    ],
    ['one', '{}', '{ path: /a, container: proxy }', 'nginx is in the container proxy here, and a program of the host for web'],
    ['none', '{ container: edge }', '{ path: /a }', 'nginx is a program of the host here, and in the container edge for web'],
  ])('%s container of a second service is refused, at its place', (_, first, second, expected) => {
    const text = two(first, second)
    const at = second.includes('container') ? text.indexOf('proxy }') : text.indexOf('{ port: 81')
    const column = at - text.lastIndexOf('\n', at)
    expect(problems(text)).toEqual([
      `launchway.yml:3:${column}: environments.p.services.api: ${expected}: nginx.container must be the same for all services of an environment`,
    ])
  })

  test('services that nginx does not lead to say no container', () => {
    const text = two('{ container: edge }', '{ path: /a, container: edge }').replace(
      ' } } }\n',
      ' }, db: { port: 90, publish: 90 }, worker: {} } }\n',
    )
    expect(() => configOf(text)).not.toThrow()
  })

  test('a name of its own does for an address that nginx leads nobody by, and so does a port of its own', () => {
    expect(() => configOf(one('{ server-name: shop.example.org }', 'http://[2001:db8::1]'))).not.toThrow()
    expect(() => configOf(one('{}', 'http://[2001:db8::1]').replace('nginx: {}', 'publish: 80'))).not.toThrow()
  })

  test('services share a name by path', () => {
    expect(() => configOf(two('{}', '{ path: /api }'))).not.toThrow()
  })
})
