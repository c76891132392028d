import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { tools } from '../../lab/paths.ts'
import { call } from '../../lab/run.ts'
import { metadata, publishDatabase, publishFiles } from '../../lab/vulnerabilities/publish.ts'
import { rows } from '../../lab/vulnerabilities/rows.ts'
import { databaseWriter } from '../../lab/vulnerabilities/stamp.ts'
import type { Release } from '../../src/core/release.ts'
import { keepRecord, markCurrent, upload } from '../../src/push/index.ts'
import { commit, type Ended, git, open, scratch } from './support/doors.ts'
import { type BuiltHere, imageWith, openOne, toScan } from './support/scanned.ts'

/**
 * What becomes of the issue of an environment from one day to the next: the action as a schedule starts it, with the real
 * Trivy, the registry's record of what runs, and GitHub's client.
 */

const { github, registry } = inject('lab')
const name = `rescan-${process.pid}`
const hour = 3_600_000
/** The mirror that launchway.yml names. */
const mirror = `${registry.address}/${name}-db:2`
/** Nobody listens there. */
const down = '127.0.0.1:9/trivy-db:2'

let [bad, mended]: BuiltHere[] = []
let tree = ''
let days = 0

const Issues = z.array(
  z.object({ number: z.number(), title: z.string(), body: z.string(), state: z.string(), labels: z.array(z.object({ name: z.string() })) }),
)
const Said = z.array(z.object({ body: z.string() }))
const api = async (path: string): Promise<unknown> =>
  (await fetch(`${github.url}/repos/team/${name}/${path}`, { headers: { authorization: `Bearer ${github.token}` } })).json()
const issues = async (): Promise<z.infer<typeof Issues>> => Issues.parse(await api('issues?state=all'))
const lastSaid = async (issue: number): Promise<string | undefined> => Said.parse(await api(`issues/${issue}/comments`)).at(-1)?.body

/** A database of everything but what is wrong with httpx, which nobody knew of yet. */
async function publishEarlier(): Promise<void> {
  const folder = mkdtempSync(join(scratch, 'earlier-'))
  await call(join(tools, databaseWriter()), [folder], { stdin: JSON.stringify(rows.filter(({ Package }) => Package !== 'httpx')) })
  const updated = new Date(Date.now() - 30 * hour)
  await publishFiles(mirror, { 'trivy.db': readFileSync(join(folder, 'trivy.db')), 'metadata.json': metadata(updated) })
}

/** Production runs this image from now on, by the record in the registry. @returns the digest of its manifest there */
async function live(image: BuiltHere): Promise<string> {
  await using own = await openOne()
  const release: Release = { ...toScan(image, { rules: [] }), app: name }
  const images = await upload(release, own.ports)
  const pushed = { ...release, build: { builder: 'test', images } }
  await keepRecord(pushed, own.ports)
  await markCurrent({ ...pushed, deploy: { environment: 'production', hosts: [], ms: 1 } }, own.ports)
  return images[0]?.registries[image.repository]?.digest ?? ''
}

/** The rescan of a day, on a runner that keeps Trivy's database from one to the next. */
function rescan(of: { database?: string; cache?: string } = {}): Ended {
  writeFileSync(join(tree, 'launchway.yml'), config(of.database ?? mirror))
  days += 1
  const temp = join(scratch, `day-${days}`)
  mkdirSync(temp)
  for (const file of ['output', 'summary']) writeFileSync(join(temp, file), '')
  writeFileSync(join(temp, 'event.json'), JSON.stringify({ schedule: '17 4 * * *' }))
  return open('main', ['run'], tree, {
    RUNNER_TEMP: temp,
    XDG_CACHE_HOME: join(scratch, of.cache ?? 'cache'),
    GITHUB_ACTIONS: 'true',
    GITHUB_OUTPUT: join(temp, 'output'),
    GITHUB_STEP_SUMMARY: join(temp, 'summary'),
    GITHUB_EVENT_PATH: join(temp, 'event.json'),
    GITHUB_EVENT_NAME: 'schedule',
    GITHUB_REF: 'refs/heads/master',
    GITHUB_SHA: 'b'.repeat(40),
    GITHUB_API_URL: github.url,
    GITHUB_SERVER_URL: 'https://github.example.org',
    GITHUB_REPOSITORY: `team/${name}`,
    GITHUB_RUN_ID: String(days),
    'INPUT_GITHUB-TOKEN': github.token,
    INPUT_ENVIRONMENT: 'production',
    INPUT_ISSUE: 'true',
  })
}

const config = (database: string): string => `app: ${name}
image: ${bad?.repository ?? ''}
branches: { master: production }
scan: { databases: ['${database}'] }
environments:
  production: { host: h, port: 1, publish: 80 }
`

beforeAll(async () => {
  ;[bad, mended] = await Promise.all([imageWith(['httpx', '0.22.0']), imageWith(['httpx', '0.23.0'])])
  tree = mkdtempSync(join(scratch, 'tree-'))
  git(tree, 'init', '-q', '-b', 'master')
  writeFileSync(join(tree, 'launchway.yml'), config(mirror))
  commit(tree)
  await publishEarlier()
})

describe('what production runs, from day to day', () => {
  let digest = ''

  it('is of no interest while nothing blocks', async () => {
    await live(required(bad))
    const ended = rescan()
    expect(ended.code, ended.out + ended.err).toBe(0)
    expect(await issues()).toEqual([])
  })

  it('has an issue when a newer database knows what is wrong with it', async () => {
    await publishDatabase(mirror, new Date())
    const ended = rescan()
    expect(ended.code, ended.out + ended.err).toBe(3)
    const [issue, ...others] = await issues()
    expect(others).toEqual([])
    expect(issue).toMatchObject({
      title: `${name} in production: 1 finding blocks`,
      state: 'open',
      labels: [{ name: 'launchway-scan' }],
      body: expect.stringContaining('CVE-2021-41945'),
    })
    expect(issue?.body).toContain('[This run](https://github.example.org/team/')
  })

  it('still has it, and that it could not be looked at is said there', async () => {
    const ended = rescan({ database: down, cache: 'empty' })
    expect(ended.out).toContain('SCAN_DB_UNAVAILABLE')
    const [issue, ...others] = await issues()
    expect(others).toEqual([])
    expect(issue).toMatchObject({ title: `${name} in production: 1 finding blocks (the last rescan failed)`, state: 'open' })
    expect(issue?.body).toContain('CVE-2021-41945')
    expect(await lastSaid(1)).toMatch(/^The rescan failed: `SCAN\\?_DB/)
  })

  it('has none any more when the fix is live', async () => {
    digest = await live(required(mended))
    const ended = rescan()
    expect(ended.code, ended.out + ended.err).toBe(0)
    expect((await issues()).map(({ state }) => state)).toEqual(['closed'])
    expect(await lastSaid(1)).toContain('The rescan works again. Nothing blocks any more')
  })

  it('has a new one when its images are gone from the registry, and nobody could tell', async () => {
    const { repository } = required(mended)
    const [host = '', ...path] = repository.split('/')
    const removed = await fetch(`http://${host}/v2/${path.join('/')}/manifests/${digest}`, { method: 'DELETE' })
    expect(removed.status).toBe(202)
    const ended = rescan()
    expect(ended.out).toContain('VERSION_UNKNOWN')
    const [newest, ...others] = await issues()
    expect(others.map(({ state }) => state)).toEqual(['closed'])
    expect(newest).toMatchObject({
      title: `${name} in production: the rescan failed`,
      state: 'open',
      body: expect.stringContaining('VERSION_UNKNOWN'),
    })
  })

  it('and closes it as soon as it can be looked at again', async () => {
    await live(required(mended))
    const ended = rescan()
    expect(ended.code, ended.out + ended.err).toBe(0)
    expect((await issues()).map(({ state }) => state)).toEqual(['closed', 'closed'])
    expect(await lastSaid(2)).toContain('The rescan works again, and nothing blocks')
  })
})

function required(image: BuiltHere | undefined): BuiltHere {
  if (image === undefined) throw new Error('no image was made')
  return image
}
