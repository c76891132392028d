import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JournalLine } from '../../src/core/journal.ts'
import { parseRelease, Release } from '../../src/core/release.ts'
import { section } from '../../src/core/stages.ts'
import { startRelease } from '../../src/plan/index.ts'
import { any } from './support/any.ts'
import { refusal, systemText } from './support/config.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'
import { runs } from './support/runs.ts'

const secrets = {
  SSH_KEY: 'canary-ssh',
  REGISTRY_PASSWORD: 'canary-registry',
  GITHUB_TOKEN: 'canary-github',
  TEAM_TOKEN: 'canary-team',
  DATABASE_URL: 'canary-database',
}

const withSecrets = `${systemText.replace('publish: 80 }', 'publish: 80, secrets: [DATABASE_URL] }')}
registries: { ghcr.io: { username: ada, password: TEAM_TOKEN } }
`

async function started(config: string): Promise<Release> {
  const root = temporaryFolder()
  writeFileSync(join(root, 'launchway.yml'), config)
  const trigger = { event: 'push', sha: '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234', ref: 'refs/heads/master' } as const
  return startRelease('launchway.yml', trigger, localPorts(root, secrets).ports)
}

/** The record with another health check of its first service. */
function withHealth({ plan, ...release }: Release, health: object): object {
  const { environment } = plan
  const [service] = environment?.services ?? []
  return { ...release, plan: { ...plan, environment: { ...environment, services: [{ ...service, health }] } } }
}

describe('a release record', () => {
  test('is read as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(any(Release), (release) => {
        expect(parseRelease(JSON.stringify(release, null, 2), 'release.json')).toEqual(release)
      }),
      { numRuns: runs(8) },
    )
  })

  test('as the plan makes it, is one', async () => {
    const release = await started(systemText)
    expect(parseRelease(JSON.stringify(release), 'release.json')).toEqual(release)
    expect(release.id).toMatch(/^\d{8}-\d{6}-4f2a9c1$/)
    expect(release).toMatchObject({ app: 'app', outcome: { state: 'running' } })
  })

  test('names secrets, and holds none', async () => {
    const text = JSON.stringify(await started(withSecrets))
    for (const name of ['SSH_KEY', 'TEAM_TOKEN', 'DATABASE_URL']) expect(text).toContain(`"${name}"`)
    expect(text).not.toContain('canary')
  })

  test.each<[string, (release: Release) => object]>([
    ['on the top', (release) => ({ ...release, password: 'x' })],
    ['in the plan', (release) => ({ ...release, plan: { ...release.plan, password: 'x' } })],
    [
      'in a registry',
      (release) => ({ ...release, plan: { ...release.plan, registries: release.plan.registries.map((one) => ({ ...one, token: 'x' })) } }),
    ],
    ['in a health check', (release) => withHealth(release, { kind: 'container', timeoutMs: 60_000, settleMs: 1_000, password: 'x' })],
    ['in two places', (release) => ({ ...release, password: 'x', outcome: { ...release.outcome, token: 'x', password: {} } })],
  ])('is never written with what it has no place for, and read all the same, without it: %s', async (_, change) => {
    const release = await started(systemText)
    const more = change(release)
    expect(Release.safeParse(more).error?.message).toMatch(/Unrecognized key/)
    expect(parseRelease(JSON.stringify(more), 'release.json')).toEqual(release)
  })

  test('that lacks something is refused, whatever it has beside', async () => {
    const { app: _, ...rest } = await started(systemText)
    const error = refusal(() => parseRelease(JSON.stringify({ ...rest, more: 1 }), 'release.json'))
    expect(error).toMatchObject({ code: 'RECORD_INVALID', message: 'release.json is not a release record of version 1' })
    expect(error.hint).toContain('app')
    expect(error.hint).not.toContain('more')
  })

  test.each([
    [
      'a later version',
      '{"version":2,"stages":[]}',
      'release.json is a release record of version 2; this launchway reads version 1',
      'use the same version in every job',
    ],
    [
      'a version that never was',
      '{"version":0.5}',
      'release.json is a release record of version 0.5; this launchway reads version 1',
      'use the same version',
    ],
    ['no version', '{}', 'release.json is not a release record of version 1', 'version'],
    ['a version that is no number', '{"version":"1"}', 'release.json is not a release record of version 1', 'version'],
    ['something else', 'null', 'release.json is not a release record of version 1', 'expected object'],
    ['a file cut short', '{"version":1,', 'release.json is not JSON', 'Run the plan stage again'],
    ['an empty file', '', 'release.json is not JSON', 'Run the plan stage again'],
  ])('of %s is refused with what to do', (_, text, message, hint) => {
    const error = refusal(() => parseRelease(text, 'release.json'))
    expect(error).toMatchObject({ code: 'RECORD_INVALID', message })
    expect(error.hint).toContain(hint)
  })

  test('says which stage is missing', async () => {
    const release = await started(systemText)
    const error = refusal(() => section(release, 'build'))
    expect(error).toMatchObject({
      code: 'RECORD_INVALID',
      message: 'the release record has no build section',
      hint: 'Run the build stage first, with the same record.',
    })
  })
})

describe('a line of the journal', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(any(JournalLine), (line) => {
        expect(JournalLine.parse(JSON.parse(JSON.stringify(line)))).toEqual(line)
      }),
    )
  })

  test('may say more than this version knows; a later version is not read', () => {
    const line = { v: 1, at: 1, release: '20261121-101500-4f2a9c1', attempt: 'a', step: 'end', state: 'done' }
    expect(JournalLine.parse({ ...line, more: true })).toEqual(line)
    for (const wrong of [{ v: 2 }, { release: '../x' }]) expect(JournalLine.safeParse({ ...line, ...wrong }).success).toBe(false)
  })
})
