import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildFailure } from '../../src/build/failure.ts'
import { keysOf } from '../../src/build/keys.ts'
import { requireStage } from '../../src/build/stages.ts'
import type { PlannedImage } from '../../src/core/release.ts'
import { refusal } from './support/config.ts'
import { record } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const image: PlannedImage = { name: 'web', context: 'web', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] }

describe('a Dockerfile without a stage is refused', () => {
  test.each<[string, string, string, object]>([
    ['of no byte', '', 'is empty', {}],
    ['of comments', '# syntax=docker/dockerfile:1\n\n# nothing yet\n', 'is empty', {}],
    // That of Docker 26 ends the engine.
    ['of nothing but ARG', '# one\nARG X=1\narg Y\n', 'has no FROM line', { line: 2 }],
    ['of a later frontend', '# syntax=docker.io/docker/dockerfile:1.7-labs@sha256:a\nARG X\n', 'has no FROM line', { line: 2 }],
  ])('%s', (_, text, says, place) => {
    const { code, message, hint, place: at } = refusal(() => requireStage(image, text))
    expect([code, message, at]).toEqual([
      'BUILD_FAILED',
      `web/Dockerfile, of which web is built, ${says}`,
      { file: 'web/Dockerfile', ...place },
    ])
    expect(hint).toMatch(/^FROM says/)
  })

  test.each<[string, string, Record<string, string>]>([
    ['has one', 'ARG X=1\nFROM scratch\n', {}],
    ['has a slip, which BuildKit says with its line', 'FORM scratch\n', {}],
    ['begins with another instruction, which it says too', 'RUN true\nFROM scratch\n', {}],
    ['is of another language', '# syntax=example.org/mocker\n# nothing\n', {}],
    ['is of another language by an argument', '', { BUILDKIT_SYNTAX: 'example.org/mocker' }],
    ['is of another language, whose name begins alike', '# syntax=docker/dockerfiles\n', {}],
  ])('and not where it %s', (_, text, args) => {
    expect(() => requireStage({ ...image, args }, text)).not.toThrow()
  })

  test('before an engine or a registry is asked for anything', async () => {
    const root = temporaryFolder()
    mkdirSync(join(root, 'web'))
    writeFileSync(join(root, 'web/Dockerfile'), 'ARG X\n')
    const workshop = { platform: Promise.resolve('linux/amd64'), usesEngine: async () => true }
    await expect(keysOf([image], workshop, record(), localPorts(root).ports)).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      place: { file: 'web/Dockerfile', line: 1 },
    })
  })
})

describe('a stage that is not there is told with those that are', () => {
  async function told(target: string, text: string): Promise<{ message: string; hint: string | undefined; place: object | undefined }> {
    const root = temporaryFolder()
    for (const folder of ['web', 'api']) mkdirSync(join(root, folder))
    writeFileSync(join(root, 'api/Dockerfile'), `FROM scratch AS ${target}\n`)
    writeFileSync(join(root, 'web/Dockerfile'), text)
    // As the BuildKit of an engine 26.1 prints it.
    const said = { failed: [], warnings: [], text: [`ERROR: failed to solve: target stage "${target}" could not be found`] }
    const sources = [{ ...image, context: 'api', target }, image, { ...image, target }]
    return buildFailure(said, sources, { driver: 'docker', logins: new Map() }, localPorts(root).ports)
  }

  test.each<[string, string, string, RegExp]>([
    ['by name and line', 'prod', '# x\nFROM a AS build\nFROM b\nFROM build as Web\n', /^It has build \(line 2\), web \(line 4\)$/m],
    ['and the one that was meant', 'prod', 'FROM a AS prd\n', /^It has prd \(line 1\); did you mean prd\?$/m],
    ['where none has a name', 'prod', 'FROM a\nFROM b\n', /^No stage of it has a name$/m],
    [
      'the first of many',
      'prod',
      Array.from({ length: 20 }, (_, n) => `FROM a AS s${n}\n`).join(''),
      /^It has s0 \(line 1\), .*, s11 \(line 12\), 8 more$/m,
    ],
  ])('%s', async (_, target, text, says) => {
    const { message, hint, place } = await told(target, text)
    expect([message, place]).toEqual(['the build failed: the Dockerfile has no stage prod', { file: 'web/Dockerfile' }])
    expect(hint).toMatch(says)
    expect(hint).toMatch(/images\.<name>\.target/)
  })

  test('and not of a Dockerfile that has it after all: nobody knows which it is', async () => {
    const { place, hint } = await told('prod', 'FROM a AS Prod\n')
    expect([place, hint?.includes('It has')]).toEqual([undefined, false])
  })
})
