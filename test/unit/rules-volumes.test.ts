import { describe, expect, test } from 'vitest'
import { configOf, problems } from './support/config.ts'

describe('a volume of a host', () => {
  const two = (one: string, other: string): string => `image: a/b\nenvironments: { p: { ${one} }, q: { ${other} } }`
  const data = 'services: { a: {} }, accessories: { db: { image: x, volumes: ["data:/var/lib/x"] } }'

  test.each<[string, string, string, string, string]>([
    ['two accessories', `host: h, ${data}`, `host: deploy@H:22, ${data}`, 'p.accessories.db', 'data'],
    [
      'an accessory and a service, whichever path they have it at',
      `hosts: [g, h], ${data}`,
      'host: h, services: { a: {}, b: { volumes: ["data:/x:nocopy"] } }',
      'p.accessories.db',
      'data',
    ],
    ['the only services', 'host: h, volumes: ["up:/x"]', 'host: h, volumes: ["/tmp:/y", "up:/z"]', 'p', 'up'],
    ['one that does not share it', `host: h, shared-volumes: [data], ${data}`, `host: h, ${data}`, 'p.accessories.db', 'data'],
  ])('is written by one environment: %s', (_, one, other, first, volume) => {
    expect(problems(two(one, other))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^launchway\\.yml:\\d+:\\d+: the volume ${volume} is that of environments\\.${first} as well, .* call this one q-${volume};`,
        ),
      ),
    ])
  })

  test.each([
    ['on other hosts', `host: h, ${data}`, `host: g, ${data}`],
    ['that one of them only reads', `host: h, ${data}`, 'host: h, volumes: ["data:/x:ro"]'],
    ['with other names', `host: h, ${data}`, `host: h, ${data.replace('data', 'q-data')}`],
    ['that is a folder', 'host: h, volumes: ["/srv/x:/x"]', 'host: h, volumes: ["/srv/x:/x"]'],
    ['that both share', `host: h, shared-volumes: [data], ${data}`, `host: h, shared-volumes: [data], ${data}`],
    ['which is called after the project', 'host: h, compose: compose.yaml', `host: h, ${data}`],
  ])('two may have one %s', (_, one, other) => {
    expect(Object.keys(configOf(two(one, other)).environments ?? {})).toEqual(['p', 'q'])
  })
})
