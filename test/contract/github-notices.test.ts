import { describe, expect, it } from 'vitest'
import { requests, tell as order } from '../../lab/github/client.ts'
import type { LabGitHub } from '../../lab/github/server.ts'
import type { Release } from '../../src/core/release.ts'
import { findingName } from '../../src/core/words.ts'
import { tell } from '../../src/report/index.ts'
import { digest, record } from '../unit/support/deploy.ts'
import { rescanned } from '../unit/support/rescanned.ts'
import { httpx, scanned } from '../unit/support/scanned.ts'
import { ada, api, issues, none, open, page, proposal, Said, said, token } from './support/notices.ts'

/** What people are told on GitHub, with GitHub's client against the lab's GitHub, which takes only what the API takes. */

describe('a pull request', () => {
  it('has one comment, which says what the newest run came to, and leaves those of people alone', async () => {
    const { lab, ports, warnings } = await open()
    await api(lab, 'issues', { title: 'A change' })
    await api(lab, 'issues/1/comments', { body: 'Looks good' })
    await tell(proposal({ outcome: { state: 'done' } }), { ...none, comment: true }, ports)
    await tell(proposal({ outcome: { state: 'failed', message: 'the web is not well' } }), { ...none, comment: true }, ports)
    const [first, second, ...more] = await said(lab, 1)
    expect([first, more]).toEqual(['Looks good', []])
    expect(second).toContain('the web is not well')
    expect(second).toContain(`[This run](${page})`)
    expect(warnings()).toEqual([])
  })

  it('is not written to again where nothing has changed', async () => {
    const { lab, ports } = await open()
    await api(lab, 'issues', { title: 'A change' })
    for (let run = 0; run < 2; run += 1) await tell(proposal(), { ...none, comment: true }, ports)
    expect((await requests(lab)).filter(({ method }) => method === 'PATCH')).toEqual([])
  })

  it('of a fork has no such right: the run goes on, and says which right that is', async () => {
    const { lab, ports, warnings } = await open()
    await api(lab, 'issues', { title: 'A change' })
    await order(lab, 'permissions', { issues: 'read' })
    await tell(proposal(), { ...none, comment: true }, ports)
    expect(warnings().join()).toContain('pull-requests: write')
  })

  it('beyond its hundredth comment still has the one', async () => {
    const { lab, ports } = await open()
    await api(lab, 'issues', { title: 'A change' })
    for (let nth = 0; nth < 101; nth += 1) await api(lab, 'issues/1/comments', { body: `word ${nth}` })
    await tell(proposal({ outcome: { state: 'done' } }), { ...none, comment: true }, ports)
    await tell(proposal({ outcome: { state: 'failed' } }), { ...none, comment: true }, ports)
    const last = Said.parse(await api(lab, 'issues/1/comments?per_page=100&page=2')).map(({ body }) => body)
    expect(last).toEqual(['word 100', expect.stringContaining('failed')])
  })
})

describe('what somebody else wrote with the mark of launchway', () => {
  const mark = '<!-- launchway: addie -->'
  const told = { ...none, comment: true }

  it.each([
    ['a workflow', {}, ada],
    ['a person on GitHub Enterprise', { token: ada, path: '/api/v3' }, token],
    ['a person', { token: ada }, token],
  ])('is no comment of %s, which keeps one of its own beside it', async (_, of, other) => {
    const { lab, ports, warnings } = await open(of)
    await api(lab, 'issues', { title: 'A change' })
    await api(lab, 'issues/1/comments', { body: `${mark}\nAll is well, trust me` }, other)
    for (const state of ['done', 'failed'] as const) await tell(proposal({ outcome: { state } }), told, ports)
    expect(await said(lab, 1)).toEqual([`${mark}\nAll is well, trust me`, expect.stringContaining('failed')])
    expect(warnings()).toEqual([])
  })

  it('is not the issue of an environment either', async () => {
    const { lab, ports } = await open()
    const body = '<!-- launchway: addie in production -->\nNothing to see here'
    await api(lab, 'issues', { title: 'Ours', body, labels: ['launchway-scan'] }, ada)
    await tell(rescan('httpx'), { ...none, issue: true }, ports)
    await tell(rescan(), { ...none, issue: true }, ports)
    expect((await issues(lab)).map((one) => [one.title, one.state])).toEqual([
      ['addie in production: 1 finding blocks', 'closed'],
      ['Ours', 'open'],
    ])
  })

  it('is left alone by a workflow also where GitHub does not say whose token it is', async () => {
    const { lab, ports, warnings } = await open()
    await api(lab, 'issues', { title: 'A change' })
    await api(lab, 'issues/1/comments', { body: mark }, ada)
    for (const state of ['done', 'failed'] as const) {
      await order(lab, 'fail', { path: '/graphql', status: 403 })
      await tell(proposal({ outcome: { state } }), told, ports)
    }
    expect(await said(lab, 1)).toEqual([mark, expect.stringContaining('failed')])
    expect(warnings()).toEqual([])
  })

  it('keeps a comment from being written while GitHub cannot say whose it is, as a second one would stay', async () => {
    const { lab, ports, warnings } = await open({ token: ada })
    await api(lab, 'issues', { title: 'A change' })
    await tell(proposal(), told, ports)
    await order(lab, 'fail', { path: '/graphql', status: 502 })
    await tell(proposal({ outcome: { state: 'failed' } }), told, ports)
    expect(await said(lab, 1)).toHaveLength(1)
    expect(warnings()).toEqual([expect.stringContaining('whose token')])
  })
})

it('a push writes no comment, whatever it is asked', async () => {
  const { lab, ports } = await open()
  await tell(record(), { ...none, comment: true, issue: true }, ports)
  expect(await requests(lab)).toEqual([])
})

/** What a schedule has found in production: what blocks, by package. */
function rescan(...packages: string[]): Release {
  const findings = packages.map((name) => ({ ...httpx, package: name }))
  const names = findings.map((finding) => findingName('app', finding))
  const failed = names.length > 0
  return rescanned({
    outcome: failed ? { state: 'failed', code: 'SCAN_BLOCKED', message: 'blocked', stage: 'scan' } : { state: 'done' },
    scan: {
      ...scanned,
      images: [{ name: 'app', config: digest, findings }],
      verdict: failed ? 'failed' : 'passed',
      rules: [{ rule: 'severity HIGH', action: 'fail', passed: !failed, findings: names }],
    },
  })
}

describe('what an environment runs and the rules block', () => {
  it('is one issue, told again when more blocks, and closed when nothing does', async () => {
    const { lab, ports, warnings } = await open()
    await tell(rescan('httpx'), { ...none, issue: true }, ports)
    await tell(rescan('httpx'), { ...none, issue: true }, ports)
    await tell(rescan('httpx', 'jinja2'), { ...none, issue: true }, ports)
    const [open1, ...others] = await issues(lab)
    expect(others).toEqual([])
    expect(open1).toMatchObject({ state: 'open', title: 'addie in production: 2 findings block' })
    expect(await said(lab, 1)).toEqual([expect.stringMatching(/^New since this was last written: .*jinja2(?!.*httpx)/)])

    await tell(rescan(), { ...none, issue: true }, ports)
    expect((await issues(lab)).map(({ state }) => state)).toEqual(['closed'])
    expect((await said(lab, 1)).at(-1)).toContain('Nothing blocks any more')
    expect(warnings()).toEqual([])
  })

  const many = (count: number): string[] => Array.from({ length: count }, (_, nth) => `a-package-with-a-name-${nth}`)
  const told = { ...none, issue: true }
  const bodies = async (lab: LabGitHub): Promise<string[]> => (await issues(lab)).map(({ body }) => body)

  it.each([200, 5000])('and has not changed, is not told again: of %i findings none is new', async (count) => {
    const { lab, ports, warnings } = await open()
    await tell(rescan(...many(count)), told, ports)
    // Another run, which has found the same.
    await tell(rescan(...many(count)), told, { ...ports, who: page.replace('/7', '/8') })
    expect(await said(lab, 1)).toEqual([])
    expect((await requests(lab)).filter(({ method }) => method === 'PATCH')).toEqual([])
    await tell(rescan(...many(count), 'jinja2'), told, ports)
    expect(await said(lab, 1)).toEqual([expect.stringMatching(/^New since this was last written: [^;]*jinja2[^;]*$/)])
    expect(warnings()).toEqual([])
  })

  it('and is too much to be compared, says so, and nothing false', async () => {
    const { lab, ports, warnings } = await open()
    for (const count of [7000, 7001, 200]) await tell(rescan(...many(count)), told, ports)
    expect(await said(lab, 1)).toEqual([])
    expect(await bodies(lab)).not.toEqual([expect.stringContaining('too many')])
    await tell(rescan(...many(7000)), told, ports)
    expect(await bodies(lab)).toEqual([expect.stringMatching(/7000 findings block: too many .* cannot tell which are new/)])
    expect(await said(lab, 1)).toEqual([expect.stringMatching(/^New since this was last written: .* and 6780 more\.$/)])
    expect(warnings()).toEqual([])
  })

  it('is a new issue when it comes back', async () => {
    const { lab, ports } = await open()
    for (const found of [['httpx'], [], ['httpx']]) await tell(rescan(...found), { ...none, issue: true }, ports)
    expect((await issues(lab)).map(({ state }) => state)).toEqual(['open', 'closed'])
  })

  it('leaves an issue that somebody else wrote alone', async () => {
    const { lab, ports } = await open()
    await api(lab, 'issues', { title: 'Ours', body: 'by hand', labels: ['launchway-scan'] })
    await tell(rescan(), { ...none, issue: true }, ports)
    expect((await issues(lab)).map(({ state }) => state)).toEqual(['open'])
  })
})
