import { describe, expect, it } from 'vitest'
import { parseObservation } from '../../src/deploy/observation.ts'
import { first } from './support/deploy.ts'
import { nginx, part, ports, server as serverOf } from './support/nginx.ts'

describe('what observe.sh prints of nginx', () => {
  const lines = [
    'uid\t1000',
    'sudo\tyes',
    'port\tweb\t20100\t20101',
    `release\t${first}\t{"version":1}`,
    'nginx\twell',
    'nginx.built\tnginx version: nginx/1.26.3',
    'nginx.built\tconfigure arguments: --with-http_v2_module',
    'nginx.conf\t# configuration file /etc/nginx/nginx.conf:',
    'nginx.conf\thttp { server { listen 80;\tserver_name a; } }',
    'nginx.running\t17',
    'maintenance\tada@laptop, since then',
    'absent\t/tls/c',
    'tls\t/tls/d\tsoon\tnotAfter=May  6 07:08:09 2034 GMT X509v3 Subject Alternative Name:      DNS:a.example.org ',
    'closed\t/root',
    'ipv6\tyes',
    'selinux\tEnforcing',
    'selinux.connect\toff',
    'range\t32768\t60999',
    'open\t0050',
    'claimed\t20100',
    'seen\tyes',
  ]

  it('is read fact by fact', () => {
    const found = parseObservation('a', lines.join('\n'))
    expect(found.root).toBe('sudo')
    expect(found.ports).toEqual(ports)
    expect(found.maintenance).toBe('ada@laptop, since then')
    expect([...found.releases]).toEqual([[first, undefined]])
    expect(found.nginx).toEqual(
      nginx({
        build: { version: '1.26.3', http2: true },
        configuration: {
          main: '/etc/nginx/nginx.conf',
          includes: [],
          parts: [part({ file: '/etc/nginx/nginx.conf' })],
          servers: [serverOf({ file: '/etc/nginx/nginx.conf', names: ['a'], after: 0 })],
        },
        absent: ['/tls/c'],
        chains: [{ path: '/tls/d', ends: 'soon', names: ['a.example.org'], until: new Date('2034-05-06T07:08:09Z') }],
        closed: ['/root'],
        selinux: true,
        mayNotConnect: true,
        taken: new Set([80, 20_100]),
      }),
    )
  })

  it('a broken configuration comes with the words of nginx', () => {
    const text = ['nginx\tbroken', 'nginx.said\tone\ttwo', 'nginx.said\tthree', 'seen\tyes'].join('\n')
    expect(parseObservation('a', text).nginx).toMatchObject({ state: 'broken', said: 'one\ttwo\nthree', running: false })
  })
})
