import { appendFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { leftovers, linesOf } from './support/campaign.ts'
import { allRunning, lineKiller, load, releasesOn, replaced, runs, some } from './support/carried.ts'
import { ranOn } from './support/host.ts'
import { type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { type SiteHost, siteHost } from './support/site.ts'

/**
 * The program on the host is killed before each line of its journal, in a deploy that leaves containers running and in a
 * rollback that does; then the next deploy must find nothing in its way. LAUNCHWAY_CAMPAIGN=1 takes every line, every
 * other run a sample. LAUNCHWAY_CAMPAIGN_LOG as in host-campaign.test.ts.
 */
const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined
const log = process.env['LAUNCHWAY_CAMPAIGN_LOG']
const suite = process.env['LAUNCHWAY_CAMPAIGN_HOST'] ?? 'trixie'

const machine = inject('lab').hosts[suite]
if (machine === undefined) throw new Error(`the lab has no ${suite}`)
const { container } = machine
let image: PushedImage = { repository: '', digest: '' }
let killer: Awaited<ReturnType<typeof lineKiller>>
/** One after the other they meet the same application, which is as the one before has left it. */
let host: SiteHost
const versions: Record<string, string> = {}

/** The campaign has all six, every other run one behind nginx, one that must not overlap, and one that may. */
const names = isCampaign ? ['web', 'api', 'cache', 'beat', 'worker', 'mailer'] : ['web', 'beat', 'worker']

/** All of them, one in another version from now on. */
function next(name: string, of: string): ReturnType<typeof some> {
  versions[name] = of
  return some(names, host, Object.fromEntries(Object.entries(versions).map(([service, VERSION]) => [service, { env: { VERSION } }])))
}

beforeAll(async () => {
  image = await pushServer(inject('lab').registry.address)
  killer = await lineKiller(container)
  host = siteHost(suite, { bin: killer.bin })
  const { deploy } = releasesOn(host, image)
  await deploy('one', some(names, host), { keep: 2 })
}, 600_000)
afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await killer[Symbol.asyncDispose]()
  await removeImage(image)
})

/**
 * What changes, and the lines of which a sample is taken: what has been done, and is not written down yet. In this order the
 * rollback returns to a release that has another worker, and the same of all else.
 */
const kinds = [
  { what: 'a deploy that replaces a worker', changes: 'worker', sample: ['carry done', 'record done'] },
  { what: 'a rollback that leaves most running', changes: 'worker', isRollback: true, sample: ['carry done'] },
  { what: 'a deploy that replaces what is behind nginx', changes: 'web', sample: ['switch done'] },
]

describe.each(kinds)('$what', ({ changes, sample, isRollback = false }) => {
  test(
    `killed before ${isCampaign ? 'any line of its journal' : 'a line of its journal (a sample)'}: what has not changed is the same as ever, visitors are served, and the next deploy is right`,
    { tags: ['any-fault', 'leftovers', 'traffic'], timeout: 3_000_000 },
    async () => {
      ranOn(suite, 'dash', 'root')
      const { deploy, back } = releasesOn(host, image)
      const keep = { keep: 2 }
      const unique = `${changes}${isRollback ? ' back' : ''}`
      const act = (to: string): Promise<unknown> =>
        isRollback ? back(some(names, host), undefined, keep) : deploy(`${unique} ${to}`, next(changes, `${unique} ${to}`), keep)
      await act('three')
      const lines = await linesOf(host)
      const chosen = lines.flatMap((line, index) => (isCampaign || sample.includes(line) ? [index + 1] : []))
      expect(chosen.length).toBeGreaterThanOrEqual(sample.length)
      const steady = Object.keys(await runs(host)).filter((name) => name !== changes && !(changes === 'web' && name === 'api'))
      const traffic = host.traffic({ ...load, seconds: 3000, requests: 10_000_000 })
      const found: string[] = []
      for (const line of chosen) {
        const at = `${line} (${lines[line - 1]})`
        const before = await runs(host)
        const wrong = (what: string): number => found.push(`${at}: ${what}`)
        await killer.at(line)
        await act(`at ${line}`).catch(() => undefined)
        const running = await allRunning(host)
        const ended = steady.filter((name) => !running.includes(`${name} ${before[name]}`))
        if (ended.length > 0) wrong(`after the kill these no longer run: ${ended.join(', ')}`)
        const moved = (after: Record<string, string>): string => steady.filter((name) => before[name] !== after[name]).join(', ')
        const to = `${unique} after ${line}`
        const error = await deploy(to, next(changes, to), keep).then(
          () => undefined,
          (reason: unknown) => String(reason),
        )
        if (error !== undefined) wrong(`the next deploy failed: ${error}`)
        const after = await runs(host)
        if (moved(after) !== '') wrong(`after the next deploy others run: ${moved(after)}`)
        if (!replaced(before, after).includes(changes)) wrong(`${changes} was not replaced`)
        if ((await host.page()) !== (changes === 'web' ? to : (versions['web'] ?? 'one'))) wrong(`serves ${await host.page()}`)
        const left = await leftovers(host)
        if (left !== '') wrong(`left over: ${left.replaceAll('\n', '; ')}`)
        if (log !== undefined)
          appendFileSync(log, `${suite}, ${changes}${isRollback ? ', rollback' : ''}, ${at}: ${found.at(-1) ?? 'well'}\n`)
      }
      const { failures, requests } = await traffic.stop()
      expect(found).toEqual([])
      expect(Object.fromEntries(failures)).toEqual({})
      expect(requests).toBeGreaterThan(50)
    },
  )
})
