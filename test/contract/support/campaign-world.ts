import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'
import type { Traffic } from '../../../lab/traffic.ts'
import { LaunchwayError } from '../../../src/core/error.ts'
import { accessoryOf, begin, breakOff, isWaiting, leftovers, linesOf, quiet, serves, strike, wayOf, withoutAccessory } from './campaign.ts'
import { isToConfirm, type Scenario } from './campaign-scenarios.ts'
import { type FaultKind, faultKinds } from '../../support/fault-kinds.ts'
import { stopOn } from './fault.ts'
import { aborted, confirmed, release } from './lifecycle.ts'
import type { PushedImage } from './release.ts'
import { type SiteHost, siteHost } from './site.ts'

/** How a deploy ends that has met an engine which went, and came back within a minute. */
const toldOfEngine = ['well', 'DEPLOY_ROLLED_BACK', 'PULL_FAILED', 'RELEASE_COMMAND_FAILED']

/** A host with the scenario made ready, again before each case. */
export async function openWorld(suite: string, scenario: Scenario, image: PushedImage) {
  const stop = await stopOn(inject('lab').hosts[suite]?.container ?? '')
  let host = await openHost(suite, scenario)
  let traffic: Traffic | undefined
  let requests = 0
  let cases = 0
  const { ready, does = 'deploy' } = scenario
  const isFirst = scenario.before.length === 0
  const put = (version: string): Promise<unknown> => release(host, image, wayOf(host, image, scenario, version, false))
  const endTraffic = async (): Promise<void> => {
    requests += (await traffic?.stop())?.requests ?? 0
    traffic = undefined
  }
  /** Requests that must all be answered: no fault here touches what serves. */
  const flow = async (version: string): Promise<void> => {
    if (scenario.fixedPort === true || version === '' || traffic !== undefined) return
    // With 50 connections one of them is about to ask at any moment; a closer load would take the machine from what they meet.
    traffic = host.traffic({ pauseMs: 500, seconds: 3000, requests: 10_000_000 })
    await traffic.seen(version)
  }
  const renew = async (): Promise<void> => {
    await endTraffic()
    await host[Symbol.asyncDispose]()
    host = await openHost(suite, scenario)
  }
  for (const version of scenario.before) await put(version)
  let breakAt = 0
  if (ready === 'broken' || ready === 'recorded') {
    await begin(suite, host, image, { ...scenario, meets: [] }, 'one more', 'the program on the host is killed').ended
    breakAt = (await linesOf(host)).indexOf(ready === 'broken' ? 'record start' : 'record done') + 1
  }
  /** What a case begins with, beside what serves. @returns the version that it has brought, if any */
  const prepare = async (version: string): Promise<string> => {
    if (ready === 'no accessory') await withoutAccessory(host)
    if (ready === 'broken' || ready === 'recorded') {
      await breakOff(suite, host, image, stop, `broken ${version}`, breakAt)
      return `broken ${version}`
    }
    if (ready !== 'waits') return ''
    await release(host, image, { ...wayOf(host, image, scenario, version, true), confirm: {} })
    return version
  }
  await prepare('new')
  const undisturbed = begin(suite, host, image, scenario, 'new', 'the program on the host is killed')
  const said = await undisturbed.ended.then(
    () => 'it ended well',
    (error: unknown) => String(error),
  )
  await undisturbed[Symbol.asyncDispose]()
  // What broke off is undone by a program of its own, before that of the deploy; that stops what one left which had been recorded.
  const lines = await linesOf(host, ready === 'broken' ? -2 : -1)
  const missing = scenario.meets.filter((step) => !lines.some((line) => line.split(' ')[0] === step))
  if (missing.length > 0) throw new Error(`${scenario.name} writes no ${missing.join(', ')}: ${lines.join(', ')}; ${said}`)
  // The one more question for the time than there are lines: when the wait began, which is written before the record.
  if (does === 'deploy' && isToConfirm(scenario, host, image)) lines.splice(lines.indexOf('record start'), 0, 'the wait')
  if (does === 'remove') await put('old')
  let [older, old] = ['old', isFirst ? '' : await serves(host, scenario)]
  if (await isWaiting(host)) await confirmed(host)

  return {
    lines,
    requests: () => requests + (traffic?.tally.requests ?? 0),
    /** What was found wrong after the fault. */
    async meet(kind: FaultKind, line: number): Promise<string[]> {
      const found: string[] = []
      cases += 1
      const [next, third] = [`new ${cases}`, `third ${cases}`]
      const interrupts = faultKinds[kind].interrupts || does === 'remove'
      if (isFirst) await renew()
      else if (interrupts) await endTraffic()
      else await flow(old)
      const lost = (): string => JSON.stringify(Object.fromEntries(traffic?.tally.failures ?? []))
      const lostBefore = lost()
      const broken = await prepare(next)
      const named: Record<string, string> = { '': '', old, older, new: next, broken }
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
        const told = does === 'deploy' || does === 'rollback' ? toldOfEngine : [...toldOfEngine, 'COMMAND_FAILED']
        if (kind.startsWith('the engine') && !told.includes(ended ?? '')) found.push(`the client was told ${ended}: ${words}`)
        if (kind === 'the connection is cut' && scenario.mode === undefined && ended !== 'well') found.push(`the client ended: ${words}`)
        const allowed = scenario.after.map((name) => named[name] ?? '')
        // What owns the port has just been started again, where nothing leads past it.
        const within = faultKinds[kind].interrupts ? 60_000 : scenario.fixedPort === true ? 5000 : 0
        const answer = await settled(() => serves(host, scenario), allowed, within)
        if (!allowed.includes(answer)) found.push(`serves "${answer}", not one of "${allowed.join('", "')}"`)
        if (does === 'recreate') {
          const state = await settled(() => accessoryOf(host), ['running'], Math.max(within, 5000))
          if (state !== 'running') found.push(`the accessory is ${state}`)
        }
        const shouldWait = isToConfirm(scenario, host, image) && answer === next && (does !== 'confirm' || ended !== 'well')
        // Whether a confirmation that was killed has come to its end is for its line to say: either is right. And who would clean up
        // goes with the host: what serves then need not be what is recorded, and that alone says who waits. The next deploy finds it.
        const isOpen = (does === 'confirm' && ended !== 'well') || kind === 'the host is rebooted'
        if (!isOpen && (await isWaiting(host)) !== shouldWait)
          found.push(`"${answer}" ${shouldWait ? 'does not wait' : 'waits'} for a confirmation`)
      } catch (error) {
        found.push(String(error))
        await stop.go()
      }
      if (lost() !== lostBefore) found.push(`requests failed: ${lostBefore} before, ${lost()} after`)
      const served = await serves(host, scenario)
      if (!isFirst) await flow(served)
      const lostBetween = lost()
      const error = await nextDeploy(third)
      if (error !== undefined) found.push(`the next deploy failed: ${error}`)
      if ((await serves(host, scenario)) !== third) found.push(`after the next deploy "${await serves(host, scenario)}" serves`)
      if (does === 'recreate' && (await accessoryOf(host)) !== 'running')
        found.push(`after the next deploy the accessory is ${await accessoryOf(host)}`)
      if (lost() !== lostBetween) found.push(`requests failed in the next deploy: ${lost()}`)
      const left = await leftovers(host)
      if (left !== '') found.push(`left over: ${left}`)
      if (interrupts) await endTraffic()
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

  /**
   * It needs nobody. But a release that waits keeps it out on purpose: then it is refused, and somebody says what is to become of that.
   * @returns why it did not go through
   */
  async function nextDeploy(version: string): Promise<string | undefined> {
    try {
      if (await isWaiting(host)) {
        const refused: unknown = await put(version).catch((error: unknown) => error)
        if (!(refused instanceof LaunchwayError) || refused.code !== 'DEPLOY_WAITS')
          return `a release waits, and it was told ${String(refused)}`
        await (does === 'abort' ? aborted(host, { force: true }) : confirmed(host))
      }
      await put(version)
      return undefined
    } catch (error) {
      return error instanceof Error && 'hint' in error ? `${error.message}: ${String(error.hint)}` : String(error)
    }
  }
}

async function openHost(suite: string, { ownBlock = false }: Scenario): Promise<SiteHost> {
  const host = siteHost(suite)
  if (!ownBlock) return host
  const file = `/etc/nginx/conf.d/own.${host.app}.conf`
  const block = `server { listen 80; listen [::]:80; server_name ${host.name}; include /etc/nginx/launchway.d/servers/${host.name}/*.conf; }`
  await host.ask(`echo '${block}' > ${file}; nginx -s reload`)
  return {
    ...host,
    async [Symbol.asyncDispose]() {
      await host.ask(`rm -f ${file}`)
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
