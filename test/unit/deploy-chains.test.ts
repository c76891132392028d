import { describe, expect, it } from 'vitest'
import { chainLacks, chainsIn, chainsOf, chainWarnings, type SeenChain } from '../../src/deploy/chains.ts'
import type { Service } from '../../src/core/deployment.ts'
import { environment, service, wanted } from './support/deploy.ts'
import { nginx, server } from './support/nginx.ts'

const path = '/etc/ssl/shop.pem'
const tls = { certificate: path, key: '/etc/ssl/shop.key' }
const secured = (of: Partial<NonNullable<Service['nginx']>> = {}): Service =>
  service({ port: 80, nginx: { serverNames: ['shop.example.org', 'www.example.org'], tls, ...of } })
const chain = (of: Partial<SeenChain> = {}): SeenChain => ({
  path,
  ends: 'later',
  names: ['shop.example.org', '*.example.org'],
  until: new Date('2024-05-06T07:08:09Z'),
  ...of,
})

describe('the certificate of a file', () => {
  it('is read as openssl tells it', () => {
    const facts = [
      [
        'tls',
        path,
        'over',
        'notAfter=May  6 07:08:09 2024 GMT X509v3 Subject Alternative Name:      DNS:shop.example.org, DNS:*.example.org ',
      ],
      ['tls', '/etc/ssl/bare.pem', 'later', 'notAfter=May  6 07:08:09 2034 GMT '],
    ]
    expect(chainsIn(facts)).toEqual([
      chain({ ends: 'over' }),
      { path: '/etc/ssl/bare.pem', ends: 'later', names: [], until: new Date('2034-05-06T07:08:09Z') },
    ])
  })

  it('is looked at once, and not where certbot is asked for it', () => {
    const acme = { email: 'a@example.org' }
    const of = [secured(), secured(), secured({ acme, tls: { certificate: '/a', key: '/b' } }), service()]
    expect(chainsOf(environment(of))).toEqual([path])
  })

  it.each<[string, SeenChain[], string[]]>([
    ['is good', [chain()], []],
    ['could not be read, since the host has no openssl', [], []],
    [
      'has ended',
      [chain({ ends: 'over' })],
      [`${path}, the certificate of shop.example.org www.example.org, ended on 2024-05-06: no browser takes it.`],
    ],
    [
      'ends soon',
      [chain({ ends: 'soon' })],
      [`${path}, the certificate of shop.example.org www.example.org, ends within a week, on 2024-05-06.`],
    ],
    [
      'is for another name',
      [chain({ names: ['shop.example.org'] })],
      [
        `${path}, the certificate of shop.example.org www.example.org, is for shop.example.org, and not for www.example.org: no browser takes it there`,
      ],
    ],
    [
      'is for no name that a browser reads',
      [chain({ names: [] })],
      [
        `${path}, the certificate of shop.example.org www.example.org, is for no name at all (subjectAltName), and not for shop.example.org, www.example.org: no browser takes it there`,
      ],
    ],
  ])('that %s', (_, chains, expected) => {
    const warnings = chainWarnings(environment([secured(), secured()]), nginx({ chains }))
    expect(warnings.map((line) => line.replace(/ Renew it.*/, ''))).toEqual(expected)
  })

  it('that has ended is refused where nobody has had HTTPS yet, and in no rollback', () => {
    const over = { chains: [chain({ ends: 'over' })] }
    const serving = { main: '', includes: [], parts: [], servers: [server({ ports: [443], names: ['shop.example.org'] })] }
    const plain = { ...serving, servers: [server({ ports: [80], names: ['shop.example.org'] })] }
    const lacks = (of: Parameters<typeof nginx>[0], isReturn = false): number =>
      chainLacks(wanted([secured()], { isReturn }), nginx(of)).length
    expect(lacks(over)).toBe(1)
    expect(lacks({ ...over, configuration: plain })).toBe(1)
    expect(lacks({ ...over, configuration: serving })).toBe(0)
    expect(lacks({ chains: [chain({ ends: 'soon' })] })).toBe(0)
    expect(lacks(over, true)).toBe(0)
  })
})
