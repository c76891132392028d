import { describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { findingName } from '../../src/core/words.ts'
import { tell, tellNoLook } from '../../src/report/index.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeLog } from '../fakes/log.ts'
import { type FakeNotices, fakeNotices } from '../fakes/notices.ts'
import { rescanned } from './support/rescanned.ts'
import { httpx, scanned } from './support/scanned.ts'

/** What the issue of an environment says of a rescan that came to no verdict. */

const asked = { comment: false, issue: true, codeScanning: false }
const look = { app: 'addie', environment: 'production' }
const noDatabase = { code: 'SCAN_DB_UNAVAILABLE', message: 'the vulnerability database cannot be had' } as const
const pruned = { code: 'VERSION_UNKNOWN', message: 'no image of master is left' } as const

function outside(day = '2026-11-23'): { ports: Ports; notices: FakeNotices; abort: AbortController } {
  const [notices, abort] = [fakeNotices(), new AbortController()]
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is told reaches no more of the outside
  const ports = {
    notices,
    log: fakeLog(),
    clock: fakeClock(new Date(`${day}T04:17:00Z`)),
    signal: abort.signal,
    who: 'https://github.example.org/team/app/actions/runs/7',
  } as unknown as Ports
  return { ports, notices, abort }
}

/** A look that found these packages wanting. */
function verdict(...packages: string[]): Release {
  const findings = packages.map((name) => findingName('app', { ...httpx, package: name }))
  return rescanned({
    scan: {
      ...scanned,
      verdict: findings.length > 0 ? 'failed' : 'passed',
      rules: [{ rule: 'CRITICAL', action: 'fail', passed: findings.length === 0, findings }],
    },
  })
}

/** A look that failed before it came to one. */
const failed = (failure: { code: 'SCAN_DB_UNAVAILABLE'; message: string } = noDatabase): Release =>
  rescanned({ outcome: { state: 'failed', stage: 'scan', ...failure } })

describe('a rescan that comes to no verdict', () => {
  it.each([
    ['while it scans', (ports: Ports) => tell(failed(), asked, ports)],
    ['before there is a plan', (ports: Ports) => tellNoLook(look, noDatabase, ports)],
  ])('%s opens an issue: that nothing is known is not that nothing blocks', async (_, run) => {
    const { ports, notices } = outside()
    await run(ports)
    expect(notices.issues).toMatchObject([{ title: 'addie in production: the rescan failed', state: 'open', said: [] }])
    expect(notices.issues[0]?.body).toContain('`SCAN_DB_UNAVAILABLE`: the vulnerability database cannot be had')
    expect(notices.issues[0]?.body).toContain(`[This run](${ports.who})`)
  })

  it('is told once, with the day it began, for as long as the reason is the same', async () => {
    const { ports, notices } = outside()
    await tell(failed(), asked, ports)
    const later = { ...ports, clock: fakeClock(new Date('2026-11-25T04:17:00Z')) }
    await tell(failed({ ...noDatabase, message: 'the database is 5 days old' }), asked, later)
    expect(notices.issues[0]?.body).toMatch(/since 2026-11-23.*5 days old/s)
    expect(notices.issues[0]?.said).toEqual([])
    await tellNoLook(look, pruned, later)
    expect(notices.issues[0]?.said).toEqual([expect.stringMatching(/^The rescan failed: `VERSION_UNKNOWN`: no image of master is left/)])
    expect(notices.issues[0]?.body).toContain('since 2026-11-25')
    expect(notices.issues).toHaveLength(1)
  })

  it('leaves what the last look said in its place, and does not forget what it knew', async () => {
    const { ports, notices } = outside()
    await tell(verdict('httpx'), asked, ports)
    const before = notices.issues[0]?.body ?? ''
    for (let day = 0; day < 3; day += 1) await tell(failed(), asked, ports)
    expect(notices.issues).toMatchObject([{ title: 'addie in production: 1 finding blocks (the last rescan failed)' }])
    expect(notices.issues[0]?.body.split(before)).toHaveLength(2)
    expect(notices.issues[0]?.said).toEqual([expect.stringContaining('The rescan failed: `SCAN_DB_UNAVAILABLE`')])

    await tell(verdict('httpx', 'jinja2'), asked, ports)
    expect(notices.issues).toMatchObject([
      { title: 'addie in production: 2 findings block', body: expect.not.stringContaining('UNAVAILABLE') },
    ])
    expect(notices.issues[0]?.said.at(-1)).toMatch(/^The rescan works again\.\n\nNew since this was last written: .*jinja2(?!.*httpx)/)
  })

  it('that works again and finds what it found before says that, and no more', async () => {
    const { ports, notices } = outside()
    for (const release of [verdict('httpx'), failed(), verdict('httpx')]) await tell(release, asked, ports)
    expect(notices.issues[0]?.said).toEqual([expect.stringContaining('failed'), 'The rescan works again.'])
  })

  it('that works again and finds what nobody knew of yet names it', async () => {
    const { ports, notices } = outside()
    for (const release of [failed(), verdict('httpx')]) await tell(release, asked, ports)
    expect(notices.issues).toMatchObject([{ title: 'addie in production: 1 finding blocks' }])
    expect(notices.issues[0]?.said).toEqual([expect.stringMatching(/^The rescan works again\.\n\nNew .*httpx/)])
  })

  it.each([
    ['nothing had been found', [], 'The rescan works again, and nothing blocks: '],
    ['something blocked', ['httpx'], 'The rescan works again. Nothing blocks any more: '],
  ])('that works again and finds nothing closes the issue, where %s', async (_, found, word) => {
    const { ports, notices } = outside()
    if (found.length > 0) await tell(verdict(...found), asked, ports)
    for (const release of [failed(), verdict()]) await tell(release, asked, ports)
    expect(notices.issues.map(({ state, said }) => [state, said.at(-1)])).toEqual([['closed', expect.stringContaining(word)]])
  })

  it('because somebody cancelled it says nothing', async () => {
    const { ports, notices, abort } = outside()
    abort.abort(new Error('cancelled by SIGTERM'))
    await tell(failed(), asked, ports)
    await tellNoLook(look, pruned, ports)
    expect(notices.issues).toEqual([])
  })
})
