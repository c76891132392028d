import { describe, expect, it } from 'vitest'
import { dockerfileCases } from './support/dockerfile-cases.ts'
import { findingsIn, told } from './support/doctor.ts'

async function found(dockerfile: string, more: Readonly<Record<string, string>> = {}) {
  return (await findingsIn({ Dockerfile: dockerfile, ...more })).filter(({ rule }) => rule === 'dockerfile-instruction')
}

describe('a word in a Dockerfile that is no instruction', () => {
  it.each(dockerfileCases)('%s', async (_, dockerfile, wrong) => {
    const [first] = await found(dockerfile)
    const [line, word] = wrong ?? []
    const where = wrong === undefined ? undefined : { file: 'Dockerfile', line }
    expect([first?.where, first?.what.split(' ')[0]]).toEqual([where, word])
  })

  it('is told with what was probably meant', async () => {
    const all = await found('FORM python:3\nCOPPY a b\nRUN apt-get install\n  curl\n  git\nONBUILD RUNN x\n')
    expect(all.map(told)).toEqual([
      'error dockerfile-instruction Dockerfile:1: FORM is no instruction: FROM was probably meant',
      'error dockerfile-instruction Dockerfile:2: COPPY is no instruction: COPY was probably meant',
      // Of lines that belong to the one above, the first says it.
      'error dockerfile-instruction Dockerfile:4: CURL is no instruction',
      'error dockerfile-instruction Dockerfile:6: RUNN is no instruction: RUN was probably meant',
    ])
    expect(all.map(({ fix }) => fix.split(/[.:]/)[0])).toEqual(['Write FROM', 'Write COPY', 'Mend the word', 'Write RUN'])
  })

  it('in a stage that is left behind ends the build all the same', async () => {
    const config = 'images: { app: { target: last, repositories: [ghcr.io/team/app] } }\nbranches: { main: {} }\n'
    const dockerfile = 'FROM scratch AS first\nRUNN x\nFROM scratch AS last\n'
    expect(await found(dockerfile, { 'launchway.yml': config })).toHaveLength(1)
  })

  it.each([
    ['docker/dockerfile:1', 1],
    ['docker.io/docker/dockerfile-upstream:master', 1],
    ['mirror.example.org/docker/dockerfile:1.7-labs', 1],
    ['docker/dockerfile@sha256:0123', 1],
    ['earthly/dockerfile:1', 0],
    ['ghcr.io/team/my-docker/dockerfiles:1', 0],
  ])('is of the language of %s: %i', async (syntax, many) => {
    expect(await found(`# syntax=${syntax}\nFROM scratch\nHELLO x\n`)).toHaveLength(many)
    const config = `images: { app: { args: { BUILDKIT_SYNTAX: '${syntax}' }, repositories: [ghcr.io/team/app] } }\nbranches: { main: {} }\n`
    expect(await found('FROM scratch\nHELLO x\n', { 'launchway.yml': config })).toHaveLength(many)
  })

  it.each([
    ['// syntax=team/language\nhello\n'],
    ['#!/usr/bin/env build\n# syntax=team/language\nhello\n'],
    ['{ "syntax": "team/language" }\n'],
  ])('%j is in another language, and nothing is said of it', async (dockerfile) => {
    expect(await found(dockerfile)).toEqual([])
  })
})
