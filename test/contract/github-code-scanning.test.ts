import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tell as order } from '../../lab/github/client.ts'
import type { LabGitHub } from '../../lab/github/server.ts'
import type { Release } from '../../src/core/release.ts'
import { tell } from '../../src/report/index.ts'
import { record } from '../unit/support/deploy.ts'
import { scanned } from '../unit/support/scanned.ts'
import { none, open, proposal } from './support/notices.ts'

/** What code scanning is given, and what becomes of it. */

const State = z.object({ repositories: z.record(z.string(), z.object({ sarifs: z.array(z.looseObject({})) })) })

/** What code scanning was given, oldest first. */
async function uploads(lab: LabGitHub): Promise<object[]> {
  const { repositories } = State.parse(await (await fetch(`${lab.url}/lab/state`)).json())
  return Object.values(repositories).flatMap(({ sarifs }) => sarifs)
}

describe('code scanning', () => {
  const sarif = { version: '2.1.0', runs: [{ tool: { driver: { name: 'Trivy' } }, results: [] }] }

  it('gets the results for the commit and the ref of the run', async () => {
    const { lab, folder, ports, warnings } = await open()
    writeFileSync(join(folder, 'app.sarif'), JSON.stringify(sarif))
    const scan = { ...scanned, reports: [{ image: 'app', kind: 'sarif' as const, path: 'app.sarif' }] }
    const release = { ...record(), scan }
    await tell(release, { ...none, codeScanning: true }, ports)
    expect(await uploads(lab)).toMatchObject([{ commit_sha: release.plan.sha, ref: release.plan.ref, document: sarif, errors: null }])
    expect(warnings()).toEqual([])
  })

  it('of a pull request gets them for its head, which is what people look at: GitHub takes no other commit for a merge', async () => {
    const { lab, folder, ports, warnings } = await open()
    writeFileSync(join(folder, 'app.sarif'), JSON.stringify(sarif))
    const release = proposal({ scan: { ...scanned, reports: [{ image: 'app', kind: 'sarif', path: 'app.sarif' }] } })
    await tell(release, { ...none, codeScanning: true }, ports)
    expect(warnings()).toEqual([])
    expect(await uploads(lab)).toMatchObject([{ commit_sha: release.plan.sha, ref: 'refs/pull/1/head' }])
  })

  /** What a scan of these images wrote, each what it may be. */
  function written(folder: string, files: Readonly<Record<string, unknown>>): Release {
    for (const [image, body] of Object.entries(files)) writeFileSync(join(folder, `${image}.sarif`), JSON.stringify(body))
    const reports = Object.keys(files).map((image) => ({ image, kind: 'sarif' as const, path: `${image}.sarif` }))
    return { ...record(), scan: { ...scanned, reports } }
  }

  it('has not got them when GitHub could not use them: its own words are a warning', async () => {
    const { lab, folder, ports, warnings } = await open()
    await order(lab, 'processing', { asks: 2 })
    await tell(written(folder, { app: { ...sarif, version: '1.0' }, web: sarif }), { ...none, codeScanning: true }, ports)
    expect(warnings()).toEqual([expect.stringMatching(/^GitHub could not use app\.sarif: .*2\.1\.0/s)])
  })

  it('is asked again what became of them where it could not say: they are there all the same', async () => {
    const { lab, folder, ports, warnings } = await open()
    await order(lab, 'fail', { path: '/repos/{owner}/{repo}/code-scanning/sarifs/{sarif_id}', status: 502 })
    await tell(written(folder, { app: { ...sarif, version: '1.0' } }), { ...none, codeScanning: true }, ports)
    expect(warnings()).toEqual([expect.stringMatching(/^GitHub could not use app\.sarif: /)])
    await order(lab, 'fail', { path: '/repos/{owner}/{repo}/code-scanning/sarifs/{sarif_id}', status: 403, times: 1000 })
    await tell(written(folder, { app: sarif }), { ...none, codeScanning: true }, ports)
    expect(warnings()).toHaveLength(1)
  })

  it('may take its time: the run goes on, and only who looks closely is told', async () => {
    const { lab, folder, ports, log } = await open()
    await order(lab, 'processing', { asks: 1000 })
    await tell(written(folder, { app: sarif }), { ...none, codeScanning: true }, ports)
    expect(log.said('warning')).toEqual([])
    expect(log.said('debug').join()).toContain('app.sarif')
    expect(ports.clock.elapsed()).toBeLessThanOrEqual(20_000)
  })

  it('gets what it takes of several images, also after it refused one', async () => {
    const { lab, folder, ports, warnings } = await open()
    await order(lab, 'fail', { method: 'POST', path: '/repos/{owner}/{repo}/code-scanning/sarifs', status: 413 })
    await tell(written(folder, { app: sarif, web: sarif, job: sarif }), { ...none, codeScanning: true }, ports)
    expect(await uploads(lab)).toHaveLength(2)
    expect(warnings()).toEqual([expect.stringContaining('GitHub refused to take app.sarif for code scanning')])
  })

  it('is told of where the configuration makes no such results', async () => {
    const { ports, warnings } = await open()
    await tell({ ...record(), scan: scanned }, { ...none, codeScanning: true }, ports)
    expect(warnings()).toEqual([expect.stringContaining('reports: [sarif]')])
  })
})
