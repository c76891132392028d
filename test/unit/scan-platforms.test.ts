import { describe, expect, it } from 'vitest'
import { eachPlatform, filesOf, joined, seenOnce } from '../../src/scan/platforms.ts'
import type { BuiltImage } from '../../src/core/release.ts'
import { fingerprints, type Found, holdsPackage } from '../../src/tools/trivy-report.ts'
import type { Compared } from '../../src/scan/through.ts'

const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`
const [amd64, arm64] = ['linux/amd64', 'linux/arm64']
const finding = (id: string, of: Partial<Compared['findings'][number]> = {}): Compared['findings'][number] => ({
  ...{ id, class: 'library', severity: 'HIGH', package: 'httpx', installed: '0.22.0', status: 'new' },
  ...of,
})
const part = (platform: string, findings: Compared['findings'], of: Partial<Compared> = {}) => ({
  platform,
  compared: { name: 'app', config: digestOf(platform === amd64 ? 'a' : 'b'), findings, packages: fingerprints([platform]), ...of },
})

describe('what was found for each platform is one image again', () => {
  it.each<[string, Compared['findings'], Compared['findings'], Compared['findings']]>([
    ['what all have stands there once', [finding('A')], [finding('A')], [finding('A')]],
    ['what one of them has names it', [finding('A')], [finding('A'), finding('B')], [finding('A'), finding('B', { platforms: [arm64] })]],
    [
      'what differs in anything is two: none of it is lost to a rule',
      [finding('A', { exempt: true })],
      [finding('A')],
      [finding('A', { exempt: true, platforms: [amd64] }), finding('A', { platforms: [arm64] })],
    ],
    [
      'what is gone from one alone is not gone',
      [finding('A', { status: 'fixed' })],
      [finding('A', { status: 'existing' })],
      [finding('A', { status: 'existing', platforms: [arm64] })],
    ],
    [
      'what is gone from all is gone',
      [finding('A', { status: 'fixed' })],
      [finding('A', { status: 'fixed' })],
      [finding('A', { status: 'fixed' })],
    ],
  ])('%s', (_, one, other, all) => {
    expect(joined([part(amd64, one), part(arm64, other)])[0]?.findings).toEqual(all)
  })

  it('says of each what was looked at, and whether somebody was blind', () => {
    const seen = { path: 'scan/app.packages.json', digest: digestOf('c') }
    const looked = { at: '1 package', notes: ['old'] }
    const [image] = joined([part(amd64, [], { seen, looked }), part(arm64, [], { looked: { ...looked, blind: 'it is blind' } })])
    expect(image).toMatchObject({
      config: digestOf('a'),
      seen,
      looked: { at: 'linux/amd64: 1 package; linux/arm64: 1 package', notes: ['old'], blind: 'it is blind' },
      platforms: { [amd64]: { config: digestOf('a'), seen }, [arm64]: { config: digestOf('b') } },
    })
    const had = holdsPackage(image?.packages ?? '')
    expect([had(amd64), had(arm64), had('another')]).toEqual([true, true, false])
  })

  it('is as it was where there is one platform, and apart from other images', () => {
    const alone = { platform: undefined, compared: part(amd64, [finding('A')], { name: 'web' }).compared }
    expect(joined([alone, part(amd64, []), part(arm64, [])]).map(({ name, platforms }) => [name, Object.keys(platforms ?? {})])).toEqual([
      ['web', []],
      ['app', [amd64, arm64]],
    ])
    expect(joined([alone])).toEqual([alone.compared])
  })

  it('exceptions are counted once', () => {
    const exempt = { reason: 'x', source: 'y' }
    const one: Found = { id: 'A', class: 'library', severity: 'HIGH', package: 'httpx', installed: '0.22.0', exempt }
    expect(
      seenOnce([
        { name: 'app', findings: [one] },
        {
          name: 'app',
          findings: [
            { ...one, layer: 'other' },
            { ...one, installed: '1' },
          ],
        },
      ]),
    ).toMatchObject([{ name: 'app', findings: [{ installed: '0.22.0' }, { installed: '1' }] }])
  })
})

it('each platform is an image of one configuration, with files of its own', () => {
  const image: BuiltImage = {
    name: 'app',
    key: '0f'.repeat(16),
    how: 'built',
    config: { [amd64]: digestOf('a'), [arm64]: digestOf('b') },
    registries: {},
    size: 1,
    layers: 1,
    ms: 0,
  }
  const all = eachPlatform(image)
  expect(all.map(({ platform, image: { config } }) => [platform, config])).toEqual([
    [amd64, { [amd64]: digestOf('a') }],
    [arm64, { [arm64]: digestOf('b') }],
  ])
  expect(all.map(({ platform }) => filesOf(image, platform, Object.keys(image.config)))).toEqual(['app', 'app.linux-arm64'])
  expect(eachPlatform({ ...image, config: { [amd64]: digestOf('a') } })).toEqual([
    { image: { ...image, config: { [amd64]: digestOf('a') } } },
  ])
})
