import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { baseFinder, type Bases, heldBases } from '../../src/build/bases.ts'
import type { EngineImage, Ports, Registries } from '../../src/core/ports.ts'
import type { PlannedImage } from '../../src/core/release.ts'
import { imagesOf } from '../../src/tools/dockerfile.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeLog } from '../fakes/log.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { record } from './support/deploy.ts'

const platforms = { target: 'linux/arm64', build: 'linux/amd64' }

describe('the images that a build may use', () => {
  it.each<[string, string, { target?: string; args?: Record<string, string> }, (string | undefined)[]]>([
    ['under its stage', 'FROM a\n', {}, ['a']],
    [
      'that files are taken from',
      'FROM a\nCOPY --chown=1 --from=b:2 /x /\nRUN --mount=type=bind,from=c,target=/c x\n',
      {},
      ['a', 'b:2', 'c'],
    ],
    [
      'under stages that files are taken from',
      'FROM a AS one\nFROM b AS two\nFROM c\nCOPY --from=one / /\nCOPY --from=1 / /\n',
      {},
      ['c', 'a', 'b'],
    ],
    ['not of stages that it does not need', 'FROM a AS one\nFROM b AS two\nFROM one\n', {}, ['a']],
    ['of the stage that is built', 'FROM a AS one\nFROM b\n', { target: 'ONE' }, ['a']],
    ['of a stage of the name of its image', 'FROM a AS a\nFROM a\n', {}, ['a']],
    [
      'with the platforms',
      'FROM --platform=$BUILDPLATFORM x-$BUILDARCH AS b\nFROM a-$TARGETARCH\nCOPY --from=b / /\n',
      {},
      ['a-arm64', 'x-amd64'],
    ],
    ['with arguments', 'ARG T=1\nFROM a:$T\n', { args: { T: '2' } }, ['a:2']],
    ['none for scratch', 'FROM scratch\n', {}, []],
    ['not known where a variable is not', 'FROM $X\n', {}, [undefined]],
    ['the one that reads it', '# syntax=docker/dockerfile:1\n# escape=\\\nFROM scratch\n', {}, ['docker/dockerfile:1']],
    ['none that a later comment names', '# what\n# syntax=docker/dockerfile:1\nFROM scratch\n', {}, []],
    ['the reader that an argument names', 'FROM scratch\n', { args: { BUILDKIT_SYNTAX: 'x/y' } }, ['x/y']],
    ['none of a here-document', 'FROM a\nCOPY <<E /x\nFROM b\nCOPY --from=c / /\nE\n', {}, ['a']],
  ])('%s', (_, text, { target, args = {} }, expected) => {
    const { images } = imagesOf(text, { args, ...(target === undefined ? {} : { target }) }, platforms)
    expect(images.map(({ reference }) => reference)).toEqual(expected)
  })

  it('stand in a line', () => {
    const { images } = imagesOf('# x\nFROM a \\\n  AS b\nRUN x\nCOPY --from=c \\\n / /\n', { args: {} }, platforms)
    expect(images.map(({ line }) => line)).toEqual([2, 5])
  })
})

const image: PlannedImage = {
  name: 'app',
  context: 'web',
  dockerfile: 'Dockerfile',
  platforms: [],
  args: {},
  repositories: ['docker.io/apw247/flask_addie', 'ghcr.io/team/app'],
}
const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`
const [made, pulled] = [digestOf('a'), digestOf('b')]
const engineImage = (repoDigests: string[]): EngineImage => ({ id: made, platform: 'linux/amd64', size: 1, layers: 1, repoDigests })

async function registryWith(...names: string[]): Promise<{ registry: Registries; digest: string }> {
  const registry = fakeRegistries()
  let digest = ''
  for (const name of names) {
    const [, repository = '', tag = ''] = /^(.+):([^:/]+)$/.exec(name) ?? []
    const opened = await registry.repository(repository, { host: '', plainHttp: false })
    const config = await opened.putBlob(Buffer.from('{}'))
    digest = (await opened.putManifest(tag, 'm', Buffer.from(JSON.stringify({ config, layers: [] })))).digest
  }
  return { registry, digest }
}

async function found(
  dockerfile: string,
  {
    engine = {},
    registry = fakeRegistries(),
    uses = true,
  }: { engine?: Record<string, EngineImage>; registry?: Registries; uses?: boolean } = {},
): Promise<Bases> {
  const reached = { engine: fakeEngine(engine), registry, log: fakeLog(), clock: systemClock, signal: new AbortController().signal }
  const { plan } = record()
  const release = record({ plan: { ...plan, images: [image] } })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
  const ports = reached as unknown as Ports
  return baseFinder(release, { platform: Promise.resolve('linux/amd64'), usesEngine: async () => uses }, ports)(image, dockerfile)
}

const away: Registries = { credentials: async () => undefined, repository: () => Promise.reject(new Error('it does not answer')) }

describe('what an image is that a Dockerfile names', () => {
  it('is what its registry says now, and the build takes exactly that', async () => {
    const { registry, digest } = await registryWith('python:3')
    const engine = { 'python:3': engineImage([`python@${pulled}`]) }
    const expected = {
      is: { 'docker.io/library/python:3': digest },
      pins: { 'python:3': `docker-image://docker.io/library/python@${digest}` },
    }
    expect(await found('FROM docker.io/library/python:3\n', { registry, engine })).toMatchObject({ ...expected, unknown: undefined })
    expect((await found('FROM ghcr.io/a/b\n', await registryWith('ghcr.io/a/b:latest'))).pins).toEqual({
      'ghcr.io/a/b': `docker-image://ghcr.io/a/b@${digest}`,
    })
  })

  it('is its digest where it is named by that: nobody is asked', async () => {
    expect(await found(`FROM python:3@${pulled}\n`, { registry: away })).toEqual({
      is: { [`python:3@${pulled}`]: pulled },
      pins: {},
      unknown: undefined,
    })
  })

  it('is what was made on this machine, before its registry is asked, as docker has it', async () => {
    const { registry, digest } = await registryWith('python:3')
    const engine = { 'python:3': engineImage([`other@${pulled}`]) }
    expect(await found('FROM python:3\n', { registry, engine })).toEqual({ is: { 'python:3': made }, pins: {}, unknown: undefined })
    expect((await found('FROM python:3\n', { registry, engine, uses: false })).is).toEqual({ 'python:3': digest })
  })

  it('is what was pulled earlier, where its registry does not answer', async () => {
    const engine = { 'python:3': engineImage([`python@${pulled}`]) }
    expect(await found('FROM python:3\n', { registry: away, engine })).toEqual({ is: { 'python:3': pulled }, pins: {}, unknown: undefined })
  })

  it.each<[string, string, Parameters<typeof found>[1], RegExp]>([
    ['where nobody says it', 'FROM python:3\n', { registry: away }, /neither its registry nor this engine says what python:3 is/],
    [
      'of another builder, where its registry does not say it',
      'FROM python:3\n',
      { uses: false, engine: { 'python:3': engineImage([]) } },
      /neither/,
    ],
    ['with a variable that nobody knows', '\nFROM $X\n', {}, /line 2 of its Dockerfile names \$X/],
  ])('is not known %s', async (_, dockerfile, around, why) => {
    expect((await found(dockerfile, around)).unknown).toMatch(why)
  })

  it('is not known where a stage has its name: BuildKit would take the one for the other', async () => {
    expect(await found('FROM python AS python\n', await registryWith('python:latest'))).toMatchObject({
      pins: {},
      unknown: expect.stringContaining('give the stage another name'),
    })
  })
})

describe('an image that would be built on itself', () => {
  it.each<[string, string, Parameters<typeof found>[1]]>([
    ['by its name', 'FROM apw247/flask_addie\n', {}],
    ['by another of its names', 'FROM scratch\nCOPY --from=ghcr.io/team/app:1 / /\n', {}],
    ['made here without its owner', 'FROM flask_addie\n', { engine: { flask_addie: engineImage([]) } }],
  ])('is refused: %s', async (_, dockerfile, around) => {
    await expect(found(dockerfile, around)).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      place: { file: 'web/Dockerfile', line: expect.any(Number) },
      hint: expect.stringContaining('-base:1'),
    })
  })

  it.each<[string, string, Parameters<typeof found>[1]]>([
    ['of the same last word, from a registry', 'FROM flask_addie\n', { engine: { flask_addie: engineImage([`flask_addie@${pulled}`]) } }],
    ['with a digest', `FROM apw247/flask_addie@${pulled}\n`, {}],
    ['of another registry', 'FROM ghcr.io/apw247/flask_addie\n', {}],
  ])('is another one: %s', async (_, dockerfile, around) => {
    expect(await found(dockerfile, around)).toHaveProperty('pins', {})
  })
})

describe('the digests that a build was held to', () => {
  const held = async (dockerfile: string, of: Parameters<typeof found>[1], args: Record<string, string> = {}): Promise<object> => {
    const { is, pins } = await found(dockerfile, of)
    return Object.fromEntries(heldBases({ image: { args }, inputs: { bases: { ...is, '': 'a release' }, dockerfile }, pins }))
  }

  it('are those that registries have told, by the names in the Dockerfile', async () => {
    const { registry, digest } = await registryWith('python:3', 'ghcr.io/a/b:1')
    expect(await held('FROM python:3\nCOPY --from=ghcr.io/a/b:1 / /\n', { registry })).toEqual({
      'python:3': digest,
      'ghcr.io/a/b:1': digest,
    })
  })

  it('are those that are written there', async () => {
    expect(await held(`FROM python:3@${pulled}\n`, { registry: away })).toEqual({ [`python:3@${pulled}`]: pulled })
  })

  it('are none of what this machine had, which has no such digest or may be another by then', async () => {
    expect(await held('FROM python:3\n', { engine: { 'python:3': engineImage([`other@${pulled}`]) } })).toEqual({})
    expect(await held('FROM python:3\n', { registry: away, engine: { 'python:3': engineImage([`python@${pulled}`]) } })).toEqual({})
  })

  it('are none of what reads the Dockerfile, which BuildKit finds by itself, unless it is named by its digest', async () => {
    const { registry, digest } = await registryWith('docker/dockerfile:1', 'python:3')
    expect(await held('# syntax=docker/dockerfile:1\nFROM python:3\n', { registry })).toEqual({ 'python:3': digest })
    const named = `docker/dockerfile:1@${pulled}`
    expect(await held(`# syntax=${named}\nFROM python:3\n`, { registry })).toEqual({ 'python:3': digest, [named]: pulled })
  })
})
