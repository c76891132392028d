import { keysOf } from '../../src/core/objects.ts'
import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Scenario, scenarios } from './support/campaign-scenarios.ts'
import { openWorld } from './support/campaign-world.ts'
import { ranOn } from './support/host.ts'
import { type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import type { Case } from '../support/campaign-page.ts'
import { type FaultKind, faultKinds } from '../support/fault-kinds.ts'

/**
 * Every fault before every line of the journal. The lines are read off an undisturbed run, so a new step joins by
 * itself. LAUNCHWAY_CAMPAIGN=1 takes them all, on LAUNCHWAY_CAMPAIGN_HOST or each host; every other run takes a sample.
 * It takes hours: LAUNCHWAY_CAMPAIGN_LOG names a file that gets a line for each case as it ends.
 */
const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined
const only = process.env['LAUNCHWAY_CAMPAIGN_HOST']
const log = process.env['LAUNCHWAY_CAMPAIGN_LOG']
const hosts = isCampaign ? (only === undefined ? ['bookworm', 'trixie', 'forky'] : [only]) : ['trixie']

let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(inject('lab').registry.address)
})
afterAll(() => removeImage(image))

/** What is tried: also where the sources are other ones by the time a case has ended. */
const commit = execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8' }).trim()

/** LAUNCHWAY_CAMPAIGN_AT, a pattern, repeats some of the lines alone. */
function linesFor(kind: FaultKind, { sample }: Scenario, lines: readonly string[]): number[] {
  const wanted = isCampaign ? undefined : sample?.[kind]
  const at = new RegExp(process.env['LAUNCHWAY_CAMPAIGN_AT'] ?? '')
  const found = lines.flatMap((line, index) => ((wanted === undefined ? at.test(line) : line === wanted) ? [index + 1] : []))
  // Of the two probes, the one as everybody asks.
  return wanted === undefined ? found : found.slice(-1)
}

const taken = isCampaign ? scenarios : scenarios.filter(({ sample }) => sample !== undefined)

describe.each(hosts)('on %s', (suite) => {
  // By `%s`, since `$name` is cut off after forty characters.
  describe.each(taken.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
    let world: Awaited<ReturnType<typeof openWorld>> | undefined
    afterAll(() => world?.[Symbol.asyncDispose](), 60_000)
    test.each(keysOf(faultKinds).filter((kind) => isCampaign || scenario.sample?.[kind] !== undefined))(
      `when %s before ${isCampaign ? 'any line of the journal' : 'a line of the journal (a sample)'}: a version serves, and the next deploy finds nothing in its way`,
      { tags: ['any-fault', 'leftovers'], timeout: 3_000_000 },
      async (kind) => {
        ranOn(suite, 'dash', 'root')
        world ??= await openWorld(suite, scenario, image)
        const found: string[] = []
        const lines = linesFor(kind, scenario, world.lines)
        for (const line of lines) {
          const at = `${line} (${world.lines[line - 1]})`
          const wrong = await world.meet(kind, line)
          found.push(...wrong.map((what) => `${at}: ${what}`))
          const [of, date] = [world.lines.length, new Date().toISOString().slice(0, 10)]
          const met: Case = { host: suite, scenario: scenario.name, fault: kind, line, of, at, wrong, date, commit }
          if (log !== undefined) appendFileSync(log, `${JSON.stringify(met)}\n`)
        }
        process.stdout.write(
          `${suite}, ${scenario.name}, ${kind}: ${lines.length} cases, ${found.length} findings, ${world.requests()} requests so far\n`,
        )
        expect(lines.length).toBeGreaterThan(0)
        expect(found).toEqual([])
      },
    )
  })
})
