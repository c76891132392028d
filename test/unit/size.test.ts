import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { SizedImage, SizeLimits, SizeSection } from '../../src/core/evidence.ts'
import { recordType } from '../../src/core/names.ts'
import type { EngineImage } from '../../src/core/ports.ts'
import { parseRelease, type Release } from '../../src/core/release.ts'
import { sizeParts } from '../../src/report/size.ts'
import { advice, grown, instruction } from '../../src/size/layers.ts'
import { type Before, explained, told, weigh } from '../../src/size/plan.ts'
import { watchSize } from '../../src/size/run.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { digest, record } from './support/deploy.ts'
import { localPorts } from './support/ports.ts'

describe('an instruction', () => {
  test.each([
    ['RUN /bin/sh -c pip install -r requirements.txt # buildkit', 'RUN pip install -r requirements.txt'],
    ['COPY . . # buildkit', 'COPY . .'],
    ['RUN |2 TOKEN=s3cret NAME=a b /bin/sh -c make # buildkit', 'RUN make'],
    ['RUN |1 TOKEN=s3cret /bin/bash -o pipefail -c make | tee log # buildkit', 'RUN make | tee log'],
    ['RUN |1 TOKEN=s3cret make install # buildkit', 'RUN …'],
    ['|1 TOKEN=s3cret /bin/sh -c make', 'RUN make'],
    ['/bin/sh -c apt-get update &&     apt-get install -y gcc', 'RUN apt-get update && apt-get install -y gcc'],
    ['/bin/sh -c #(nop) ADD file:1f2a in / ', 'ADD file:1f2a in /'],
    ['/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'],
    ['', 'imported'],
    [`COPY ${'x'.repeat(300)} /`, `COPY ${'x'.repeat(155)}…`],
  ])('noted as %j is shown as %j', (noted, shown) => {
    expect(instruction(noted)).toBe(shown)
  })

  it('shows nothing of what an argument was set to, whatever that is', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('/bin/sh -c x', 'a /bin/bash -o pipefail -c b', '|2 A=b /bin/sh -c c'),
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 3 }), (values) => {
        const args = values.map((one, index) => `A${index}=${one}`).join(' ')
        expect(instruction(`RUN |${values.length} ${args} /bin/sh -c make # buildkit`)).toBe('RUN make')
      }),
    )
  })
})

const base = { by: 'imported', size: 120e6 }
const pip = { by: 'RUN pip install -r requirements.txt', size: 800e6 }
const copy = { by: 'COPY . .', size: 90e6 }
const before: Before = {
  release: '20261121-101500-4f2a9c1',
  version: '1.4.2',
  environment: 'production',
  size: 800e6,
  layers: [base, { ...pip, size: 680e6 }],
}

describe('what has grown', () => {
  it('is what is new, and the difference of what was there, the largest first', () => {
    expect(grown([base, pip, copy], before.layers ?? [])).toEqual([
      { by: pip.by, size: 120e6 },
      { by: copy.by, size: 90e6 },
    ])
  })

  it('is nothing of the same, of what has shrunk, and of a few bytes', () => {
    expect(
      grown(
        [
          { ...base, size: 1 },
          { ...pip, size: pip.size + 999_999 },
        ],
        [base, pip],
      ),
    ).toEqual([])
  })

  it('counts two layers of the same instruction apart', () => {
    expect(grown([copy, copy], [copy])).toEqual([copy])
  })
})

describe('a limit', () => {
  const of = (limits: SizeLimits, beside: Before | undefined = before): SizedImage =>
    weigh({ name: 'app', size: 1010e6, layers: [base, pip, copy] }, limits, beside)

  test.each<[string, SizeLimits, Before | undefined, string[]]>([
    ['that is not there', {}, before, []],
    ['that holds', { warn: { total: 1010e6, growth: 210e6, growthPercent: 26.25 } }, before, []],
    ['of the size', { fail: { total: 1e9 } }, before, ['fail: has 1.0 GB, more than the 1.0 GB of size.fail']],
    ['that warns', { warn: { total: 900e6 } }, before, ['warn: has 1.0 GB, more than the 900 MB of size.warn']],
    [
      'of the growth',
      { fail: { growth: 50e6 } },
      before,
      ['fail: has grown by 210 MB beside 1.4.2 in production, more than the 50 MB of size.fail'],
    ],
    [
      'of the growth in percent',
      { warn: { growthPercent: 10 } },
      before,
      ['warn: has grown by 26.3 % (210 MB) beside 1.4.2 in production, more than the 10 % of size.warn'],
    ],
    ['of the growth where nothing runs', { fail: { growth: 1, growthPercent: 1 } }, undefined, []],
    [
      'that fails, before one that warns',
      { fail: { total: 1e9 }, warn: { total: 1 } },
      before,
      ['fail: has 1.0 GB, more than the 1.0 GB of size.fail'],
    ],
  ])('%s', (_, limits, beside, expected) => {
    expect(
      weigh({ name: 'app', size: 1010e6, layers: [base, pip, copy] }, limits, beside).exceeds.map(
        ({ action, what }) => `${action}: ${what}`,
      ),
    ).toEqual(expected)
  })

  it('is explained by the largest layers, what is new, and what usually helps', () => {
    expect(explained(of({ fail: { total: 1e9 } }))).toBe(
      [
        'Its largest layers:',
        '   800 MB  RUN pip install -r requirements.txt',
        '   120 MB  imported',
        '    90 MB  COPY . .',
        'More than in 1.4.2 in production, which has 800 MB:',
        '   120 MB  RUN pip install -r requirements.txt',
        '    90 MB  COPY . .',
        'RUN pip install -r requirements.txt may keep what pip has fetched: --no-cache-dir, or RUN --mount=type=cache,target=/root/.cache/pip.',
        'COPY . . brings all that .dockerignore does not name: .git, node_modules, virtual environments, test data.',
      ].join('\n'),
    )
  })

  it('or none: the size is told in a line, and beside what runs', () => {
    expect(told(of({}))).toBe(
      'app: 1.0 GB, 210 MB more than 1.4.2 in production; its largest layer is 800 MB, RUN pip install -r requirements.txt',
    )
    expect(told(weigh({ name: 'app', size: 800e6, layers: [base] }, {}, before))).toBe('app: 800 MB, as large as 1.4.2 in production')
    expect(told(weigh({ name: 'app', size: 1e6, layers: [] }, {}, undefined))).toBe('app: 1.0 MB')
  })

  it('stands in the summary with the layer that is new', () => {
    const [line, layers] = sizeParts({ images: [of({ fail: { growthPercent: 10 } })], verdict: 'failed' })
    expect(line).toContain(
      'app: 1.0 GB; 210 MB more beside `1.4.2` in production; most of it is new: 120 MB, `RUN pip install -r requirements.txt`',
    )
    expect(line).toContain('**too large**: it has grown by 26.3 % (210 MB)')
    expect(layers).toContain('<summary>Layers</summary>')
    expect(sizeParts({ images: [weigh({ name: 'app', size: 5e6, layers: [base] }, {}, undefined)], verdict: 'passed' })).toEqual([])
  })
})

describe('what usually helps', () => {
  test.each([
    ['COPY --chown=app . /srv', '.dockerignore'],
    ['COPY ./ /srv/', '.dockerignore'],
    ['RUN apt-get update && apt-get install -y build-essential', 'build in a first stage'],
    ['RUN apt-get update && apt-get install -y --no-install-recommends vim', '/var/lib/apt/lists'],
    ['RUN chown -R app /srv', 'a second time'],
    ['RUN npm ci', '--omit=dev'],
    ['RUN curl -O https://example.org/model.bin', 'fetches files'],
  ])('with %s says %s', (by, hint) => {
    expect(advice([base, { by, size: 60e6 }]).join('\n')).toContain(hint)
  })

  test.each([
    ['RUN apt-get update && apt-get install -y vim && rm -rf /var/lib/apt/lists/*', 60e6],
    ['RUN pip install --no-cache-dir flask', 60e6],
    ['RUN npm ci --omit=dev', 60e6],
    ['COPY dist /srv', 60e6],
    ['COPY . .', 49e6],
  ])('says nothing of %s with %d bytes', (by, size) => {
    expect(advice([base, { by, size }])).toEqual([])
  })

  it('names the base where that alone is large', () => {
    expect(advice([{ by: 'ADD file:1 in /', size: 900e6 }])).toEqual([
      'The lowest layer is the base image: a slim variant of it, or a smaller system, makes the most of a difference.',
    ])
  })
})

describe('an image that is not on this machine, since it runs already', () => {
  const key = 'a'.repeat(32)
  const built = { name: 'app', key, how: 'promoted' as const, config: {}, registries: {}, size: 800e6, layers: 2, ms: 0 }
  const of = (own: string): Release => {
    const { plan } = record()
    const images = [
      { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['registry.example.org/addie'] },
    ]
    return record({ plan: { ...plan, images, against: 'production' }, build: { builder: 'b', images: [{ ...built, key: own }] } })
  }

  /** Beside what the environment runs. */
  async function watched(release: Release, running: Release, images: Record<string, EngineImage> = {}): Promise<SizeSection> {
    const registry = fakeRegistries()
    const opened = await registry.repository('registry.example.org/addie', { host: 'registry.example.org', plainHttp: false })
    const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 }
    const kept = await opened.attach(subject, recordType, Buffer.from(JSON.stringify(running)))
    const manifest = await opened.manifest(kept.digest)
    await opened.putManifest('launchway-env-production', kept.mediaType, manifest?.body ?? Buffer.from(''))
    return watchSize(release, { ...localPorts('/nowhere').ports, registry, engine: fakeEngine(images) })
  }
  /** As an image that was taken, and whose size nobody has told. */
  const untold = (release: Release, limits: SizeLimits = {}): Release => ({
    ...release,
    plan: { ...release.plan, images: release.plan.images.map((image) => ({ ...image, size: limits })) },
    build: { builder: 'none', images: [{ ...built, size: 300e6, compressed: true }] },
  })

  it.each([
    [key, [base, pip], 'has the layers of what runs'],
    ['0'.repeat(32), [], 'has none, where it is another'],
  ])('%s', async (own, layers) => {
    const sized = weigh({ name: 'app', size: 800e6, layers: [base, pip] }, {}, undefined)
    const running = { ...of(key), size: { images: [sized], verdict: 'passed' as const } }
    const section = await watched(of(own), running)
    expect(section.images[0]).toMatchObject({ layers, before: { version: 'master', environment: 'production', size: 800e6 } })
    expect(parseRelease(JSON.stringify({ ...of(own), size: section }), 'it').size).toEqual(section)
  })

  it('and whose size nobody has told, is compared with no limit and with nothing', async () => {
    const now = untold(of(key), { warn: { total: 1, growth: 1 } })
    const section = await watched(now, { ...of(key), build: { builder: 'b', images: [{ ...built, size: 1 }] } })
    expect(section.images).toMatchObject([{ size: 300e6, compressed: true, exceeds: [] }])
    expect(section.images[0]).not.toHaveProperty('before')
    expect(section.images.map(told)).toEqual(['app: 300 MB compressed, in the registry; what it takes in an engine was never told'])
    expect(parseRelease(JSON.stringify({ ...now, size: section }), 'it').size).toEqual(section)
  })

  it('nothing is compared with one that runs and whose size nobody has told', async () => {
    expect((await watched(of(key), untold(of(key)))).images[0]).not.toHaveProperty('before')
  })

  it('has the size that the engine knows, where that has it all the same', async () => {
    const config = digest
    const images = [{ ...built, size: 300e6, compressed: true as const, config: { 'linux/amd64': config } }]
    const candidate = `registry.example.org/addie:launchway-${key}`
    const here = { [candidate]: { id: config, platform: 'linux/amd64', size: 900e6, layers: 2, repoDigests: [] } }
    const section = await watched({ ...of(key), build: { builder: 'none', images } }, of(key), here)
    expect(section.images.map(told)).toEqual(['app: 900 MB, 100 MB more than master in production'])
  })
})
