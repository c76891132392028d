import { keysOf } from '../../src/core/objects.ts'
import { appendFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Traffic } from '../../lab/traffic.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { begin, leftovers, linesOf, quiet, type Scenario, scenarios, serves, servicesOf, strike } from './support/campaign.ts'
import { type FaultKind, faultKinds, stopOn } from './support/fault.ts'
import { ranOn } from './support/host.ts'
import { deployTo, type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { siteHost } from './support/site.ts'

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

/** Of the lines of an update, those that the sample takes for a kind: what is done, and not yet written down. */
const sampled: Record<FaultKind, string> = {
  'the connection is cut': 'switch done',
  'the runner is killed': 'switch done',
  'the program on the host is killed': 'record done',
  // After the proof, before the containers are kept: it is there that they had ended, and nobody looked.
  'the engine is restarted': 'probe done web',
  'the engine is gone, and comes back later': 'stop done web',
  'the host is rebooted': 'record done',
}

/** How a deploy ends that has met an engine which went, and came back within a minute. */
const toldOfEngine = ['well', 'DEPLOY_ROLLED_BACK', 'PULL_FAILED', 'RELEASE_COMMAND_FAILED']

/** LAUNCHWAY_CAMPAIGN_AT, a pattern, repeats some of the lines alone. */
function linesFor(kind: FaultKind, lines: readonly string[]): number[] {
  const wanted = isCampaign ? undefined : sampled[kind]
  const at = new RegExp(process.env['LAUNCHWAY_CAMPAIGN_AT'] ?? '')
  const found = lines.flatMap((line, index) => ((wanted === undefined ? at.test(line) : line === wanted) ? [index + 1] : []))
  // Of the two probes, the one as everybody asks.
  return wanted === undefined ? found : found.slice(-1)
}

const taken = isCampaign ? scenarios : scenarios.filter(({ name }) => name.startsWith('an update behind nginx'))

describe.each(hosts)('on %s', (suite) => {
  describe.each(taken)('$name', (scenario) => {
    let world: Awaited<ReturnType<typeof openWorld>> | undefined
    afterAll(() => world?.[Symbol.asyncDispose](), 60_000)
    test.each(keysOf(faultKinds))(
      `when %s before ${isCampaign ? 'any line of the journal' : 'a line of the journal (a sample)'}: a version serves, and the next deploy finds nothing in its way`,
      { tags: ['any-fault', 'leftovers'], timeout: 3_000_000 },
      async (kind) => {
        ranOn(suite, 'dash', 'root')
        world ??= await openWorld(suite, scenario)
        const found: string[] = []
        const lines = linesFor(kind, world.lines)
        for (const line of lines) {
          const at = `${line} (${world.lines[line - 1]})`
          const wrong = await world.meet(kind, line)
          found.push(...wrong.map((what) => `${at}: ${what}`))
          if (log !== undefined) appendFileSync(log, `${suite}, ${scenario.name}, ${kind}, ${at}: ${wrong.join('; ') || 'well'}\n`)
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

/** A host with the scenario made ready, again before each case. */
async function openWorld(suite: string, scenario: Scenario) {
  const stop = await stopOn(inject('lab').hosts[suite]?.container ?? '')
  let host = siteHost(suite)
  let traffic: Traffic | undefined
  let requests = 0
  let cases = 0
  const isFirst = scenario.before.length === 0
  const put = (version: string): Promise<unknown> =>
    deployTo(host, image, { version, services: servicesOf(host, scenario, false), keep: 2 })
  const endTraffic = async (): Promise<void> => {
    requests += (await traffic?.stop())?.requests ?? 0
    traffic = undefined
  }
  /** Requests that must all be answered: no fault here touches what serves. */
  const flow = async (version: string): Promise<void> => {
    if (scenario.fixedPort === true || isFirst || traffic !== undefined) return
    traffic = host.traffic({ pauseMs: isCampaign ? 50 : 200, seconds: 3000, requests: 10_000_000 })
    await traffic.seen(version)
  }
  const renew = async (): Promise<void> => {
    await endTraffic()
    await host[Symbol.asyncDispose]()
    host = siteHost(suite)
  }
  for (const version of scenario.before) await put(version)
  const undisturbed = begin(suite, host, image, scenario, 'new', 'the program on the host is killed')
  await undisturbed.ended.catch(() => undefined)
  const lines = await linesOf(host)
  let [older, old] = ['old', scenario.isRollback === true ? 'older' : scenario.mode === undefined ? 'new' : 'old']

  return {
    lines,
    requests: () => requests + (traffic?.tally.requests ?? 0),
    /** What was found wrong after the fault. */
    async meet(kind: FaultKind, line: number): Promise<string[]> {
      const found: string[] = []
      cases += 1
      const [next, third] = [`new ${cases}`, `third ${cases}`]
      if (isFirst) await renew()
      else if (faultKinds[kind].interrupts) await endTraffic()
      else await flow(old)
      const named: Record<string, string> = { '': '', old, older, new: next }
      const lost = (): string => JSON.stringify(Object.fromEntries(traffic?.tally.failures ?? []))
      const lostBefore = lost()
      await stop.at(host.app, line)
      try {
        await using client = begin(suite, host, image, scenario, next, kind)
        await stop.reached(client.ended)
        await strike(kind, host, stop, client)
        const [ended, words] = await client.ended.then(
          () => ['well', ''],
          (error: unknown) => [error instanceof LaunchwayError ? error.code : 'no error of ours', String(error)],
        )
        await quiet(host)
        // Who is told to act at once finds the old version serving: that would be a false alarm.
        if (kind.startsWith('the engine') && !toldOfEngine.includes(ended ?? '')) found.push(`the client was told ${ended}: ${words}`)
        if (kind === 'the connection is cut' && scenario.mode === undefined && ended !== 'well') found.push(`the client ended: ${words}`)
        const allowed = scenario.after.map((name) => named[name] ?? '')
        // What owns the port has just been started again, where nothing leads past it.
        const within = faultKinds[kind].interrupts ? 60_000 : scenario.fixedPort === true ? 5000 : 0
        const answer = await settled(() => serves(host, scenario), allowed, within)
        if (!allowed.includes(answer)) found.push(`serves "${answer}", not one of "${allowed.join('", "')}"`)
      } catch (error) {
        found.push(String(error))
        await stop.go()
      }
      if (lost() !== lostBefore) found.push(`requests failed: ${lostBefore} before, ${lost()} after`)
      const served = await serves(host, scenario)
      if (!isFirst) await flow(served)
      const lostBetween = lost()
      const error = await put(third).then(
        () => undefined,
        (reason: unknown) => (reason instanceof Error && 'hint' in reason ? `${reason.message}: ${String(reason.hint)}` : String(reason)),
      )
      if (error !== undefined) found.push(`the next deploy failed: ${error}`)
      if ((await serves(host, scenario)) !== third) found.push(`after the next deploy "${await serves(host, scenario)}" serves`)
      if (lost() !== lostBetween) found.push(`requests failed in the next deploy: ${lost()}`)
      const left = await leftovers(host)
      if (left !== '') found.push(`left over: ${left}`)
      if (faultKinds[kind].interrupts) await endTraffic()
      if (found.length > 0) {
        process.stdout.write(`${suite}, ${scenario.name}, ${kind}, before line ${line} (${lines[line - 1]}): ${found.join('; ')}\n`)
        await renew()
        for (const version of scenario.before) await put(version)
        ;[older, old] = ['older', 'old']
      } else [older, old] = [served, third]
      return found
    },
    async [Symbol.asyncDispose]() {
      await endTraffic()
      await stop[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
    },
  }
}

/** What is answered, as soon as it is one of those, at the latest after so many milliseconds. */
async function settled(ask: () => Promise<string>, allowed: readonly string[], withinMs: number): Promise<string> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (allowed.includes(answer) || performance.now() >= deadline) return answer
    await delay(200)
  }
}
