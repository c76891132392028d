import { describe, expect, it } from 'vitest'
import { resolveImages } from '../../src/config/resolve-image.ts'
import { normalPlatform, platformOf, wrongPlatform } from '../../src/core/platform.ts'
import { configOf, problems } from './support/config.ts'

describe('a platform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['x86-64', 'linux/amd64'],
    ['Linux/AMD64', 'linux/amd64'],
    [' linux/amd64 ', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/i386', 'linux/386'],
    ['arm64', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['arm', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['linux/s390x', 'linux/s390x'],
  ])('written %s is %s', (written, normal) => {
    expect([normalPlatform(written), wrongPlatform(written)]).toEqual([normal, undefined])
    expect(normalPlatform(normal)).toBe(normal)
  })

  it.each([
    ['linux/amd46', 'did you mean "linux/amd64"?'],
    ['amd46', 'did you mean "linux/amd64"?'],
    ['linux/arm46', 'did you mean "linux/arm64"?'],
    ['linux/arm/v9', 'did you mean "linux/arm/v7"?'],
    ['linux', 'such as linux/amd64'],
    ['local', 'such as linux/amd64'],
    ['windows/amd64', 'such as linux/amd64'],
    ['linux/amd64/v2/x', 'no platform'],
    ['linux/amd64,linux/arm64', 'no platform'],
    ['', 'such as linux/amd64'],
  ])('is none: %j', (written, says) => {
    expect(wrongPlatform(written)).toContain(says)
  })

  it.each([
    [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'linux/arm64'],
    [{ os: 'linux', architecture: 'arm', variant: 'v6' }, 'linux/arm/v6'],
    [{ os: 'linux', architecture: 'amd64' }, 'linux/amd64'],
    [{ os: 'linux', architecture: 'amd64', variant: null }, 'linux/amd64'],
  ])('as a configuration has it: %j is %s', (said, normal) => {
    expect(platformOf(said)).toBe(normal)
  })
})

describe('platforms of an image in launchway.yml', () => {
  it.each([
    [
      'linux/amd64, linux/amd46',
      '1:64: images.app.platforms: "linux/amd46" is no platform that is known here; did you mean "linux/amd64"?',
    ],
    [
      'windows/amd64',
      '1:51: images.app.platforms: "windows/amd64" is no platform that is known here; such as linux/amd64, linux/arm64, linux/arm/v7',
    ],
    ['linux/arm64, linux/arm64', '1:64: images.app.platforms: linux/arm64 is there twice'],
    ['linux/arm64, linux/amd64, aarch64', '1:77: images.app.platforms: aarch64 is linux/arm64, which is there twice'],
  ])('platforms: [%s]', (platforms, says) => {
    expect(problems(`images: { app: { repositories: [a/b], platforms: [${platforms}] } }\n`)).toEqual([`launchway.yml:${says}`])
  })

  it('are those of what it is built on, where that says any', () => {
    const images = (base: string): string =>
      `images: { base: { ${base} }, app: { contexts: { b: "target:base" }, platforms: [amd64, arm64], repositories: [a/b] } }\n`
    expect(problems(images('platforms: [x86_64, linux/arm/v7]'))).toEqual([
      expect.stringContaining(
        'images.app.platforms: images.base, which it is built on, is not for arm64: add it there, or leave platforms out there',
      ),
    ])
    for (const all of ['platforms: [aarch64, x86_64]', 'context: base']) expect(() => configOf(images(all))).not.toThrow()
  })

  it('platforms have one name each, however they are written', () => {
    const written = configOf('images: { app: { repositories: [a/b], platforms: [x86_64, linux/arm64/v8, linux/arm] } }\n')
    expect(resolveImages(written)[0]?.platforms).toEqual(['linux/amd64', 'linux/arm64', 'linux/arm/v7'])
  })
})
