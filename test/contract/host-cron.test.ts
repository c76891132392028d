import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, inject, test } from 'vitest'
import { blockOf, containerOf, crontab, fire, type Job, job, logOf, onHost, shown, stateOf, withCrontab } from './support/crontab.ts'
import { stopOn } from './support/fault.ts'
import { killWhole } from './support/host.ts'
import { failureOf, pathsOf, pushAnother, running, useHosts } from './support/hosts.ts'
import { back, release, type Way } from './support/lifecycle.ts'
import { operated } from './support/operated.ts'
import { worker } from './support/release.ts'

const lab = inject('lab')
const { image, machine } = useHosts()

const says = 'echo "$VERSION says ${TOKEN-nothing}"'
const backup = (cron = '0 3 * * *'): Job => job('backup', cron, says)

/** Of somebody's own, with what a shell or cron would read in it. */
const own = String.raw`# ada's: 100% hers
MAILTO=""

*/5 * * * * /usr/bin/true "50\%" 'a\b' && :

`

describe('scheduled commands', () => {
  // The first waits for a minute to begin: meanwhile the next two do something else, as other accounts.
  test.concurrent('are started at their minute with their secrets: for root, for an account of the group docker, for one that has sudo alone', async ({
    expect,
  }) => {
    await using root = onHost('bookworm', 'root')
    await using member = onHost('trixie', 'deploy')
    // The lines of an account that has sudo alone are root's.
    await using sudoer = onHost('forky', 'root')
    const deploying = [root, member, onHost('forky', 'ops', sudoer)]
    const hosts = [root, member, sudoer]
    const way: Way = {
      version: 'one',
      services: [{ ...backup('* * * * *'), secrets: ['TOKEN'] }],
      secrets: { TOKEN: `it's $HOME 50%` },
    }
    const notes: string[] = []
    const ids: string[] = []
    for (const host of deploying) ids.push((await release(host, image(), { ...way, onInfo: (line) => notes.push(line) })).release)
    expect(notes.filter((line) => line.endsWith("backup: runs at * * * * *, host's time"))).toHaveLength(3)
    const heard = async (): Promise<boolean[]> => {
      const logs = await Promise.all(hosts.map((host, index) => logOf(host, 'backup', ids[index] ?? '')))
      return logs.map((log) => log.startsWith("one says it's $HOME 50%"))
    }
    // Their minute has to come; until then there is nothing to look at.
    await delay(60_000 - (Date.now() % 60_000))
    await expect.poll(heard, { timeout: 90_000, interval: 1000 }).toEqual([true, true, true])
    await expect
      .poll(() => shown(member), { timeout: 10_000 })
      .toMatch(/backup .* at \* \* \* \* \*: last run ended \S+ \S+Z, exit code 0$/m)
    for (const host of deploying) await release(host, image(), { version: 'two', services: [worker] })
    for (const host of hosts) expect(await crontab(host)).not.toContain(host.app)
  })

  test.concurrent('and the way back outlive `docker system prune`: their container is made again, and images have a name for it', async ({
    expect,
  }) => {
    await using host = onHost('trixie', 'root')
    // It takes what is of this test alone: others are on this host.
    const label = `launchway.app=${host.app}`
    const own = await pushAnother(image(), 'pruned', `LABEL ${label}`)
    const other = await pushAnother(image(), 'other', `LABEL ${label}`)
    const networks = [`${host.app}-one`, `${host.app}-two`]
    const way = (version: string): Way => ({
      version,
      keep: 1,
      services: [
        { ...backup(), secrets: ['TOKEN'], networks, labels: { quotes: "it's\n\n" } },
        { ...worker, networks },
      ],
      secrets: { TOKEN: `it's $HOME 50%` },
    })
    for (const network of networks) await host.ask(`docker network create ${network} > /dev/null`)
    const one = await release(host, own, way('one'))
    const two = await release(host, other, way('two'))
    await host.ask(`docker system prune --force --filter label=${label} > /dev/null`)
    expect(await host.ask(`docker ps --all --filter label=${label} --format '{{.Names}}'`)).toBe(containerOf(host, 'worker', two.release))
    expect(await shown(host)).toContain('  backup       has no container any more: somebody has removed it. Its next run makes it again')

    expect(await fire(host, 'backup')).toBe('')
    expect(await logOf(host, 'backup', two.release)).toBe(`two says it's $HOME 50%`)
    const inspected = `docker inspect --format '{{len .NetworkSettings.Networks}} {{json .Config.Labels.quotes}}'`
    expect(await host.ask(`${inspected} ${containerOf(host, 'backup', two.release)}`)).toBe(`2 "it's\\n\\n"`)

    const { journal } = pathsOf(host)
    expect((await back(host)).release).toBe(one.release)
    expect(await running(host)).toEqual([`worker ${one.release}`])
    expect(await host.ask(`grep '"step":"pull","state":"done"' ${journal} | wc -l`)).toBe('2')

    const named = `docker image ls --format '{{.Tag}}' launchway.invalid/kept`
    expect(await host.ask(named)).toContain(own.digest.slice(7))
    for (const version of ['three', 'four']) await release(host, image(), way(version))
    expect(await host.ask(named)).not.toContain(own.digest.slice(7))
    expect(await host.ask(named)).not.toContain(other.digest.slice(7))
    expect(await host.ask(named)).toContain(image().digest.slice(7))
  })

  test.concurrent('have the lines of the release that is live after one that fails, one that is killed, a rollback, and one without any', async ({
    expect,
  }) => {
    await using host = onHost('bookworm', 'deploy')
    await using _ = await withCrontab(host, own)
    // Somebody has deployed another application as root.
    await onHost('bookworm', 'root').ask(`install -d -o deploy ${host.stateRoot} && install -m 644 /dev/null ${host.stateRoot}/host.lock`)

    const first = await release(host, image(), { version: 'one', services: [backup(), worker] })
    const lines = `${own}${blockOf(host, ['0 3 * * *', 'backup'])}`
    expect(await crontab(host)).toBe(lines)
    expect(await stateOf(host, 'backup', first.release)).toBe('created 0')
    expect(await running(host)).toEqual([`worker ${first.release}`])
    expect(await shown(host)).toContain(`backup       a  ${first.release}  at 0 3 * * *: has not run yet`)
    expect(await fire(host, 'backup')).toBe('')
    expect(await stateOf(host, 'backup', first.release)).toBe('exited 0')

    const settled = { kind: 'container' as const, timeoutMs: 10_000, settleMs: 500 }
    const report = job('report', '0 4 * * 1', 'exit 3')
    const crashing = { ...worker, env: { MODE: 'crash' }, health: settled }
    expect(await failureOf(release(host, image(), { version: 'two', services: [backup('1 1 1 1 *'), report, crashing] }))).toMatchObject({
      code: 'DEPLOY_ROLLED_BACK',
    })
    // What the engine refuses is told before anything else is touched.
    const refused = release(host, image(), { version: 'two', services: [{ ...backup('1 1 1 1 *'), memory: 'lots' }, worker] })
    expect((await failureOf(refused)).message).toContain('backup: create failed')
    {
      await using stop = await stopOn(lab.hosts['bookworm']?.container ?? '')
      // Seven lines: the lock, two of the pull, two of the making, two of the schedule.
      await stop.at(host.app, 7)
      const killed = failureOf(release(host, image(), { version: 'three', services: [backup('2 2 2 2 *')] }))
      await stop.reached(killed)
      expect(await crontab(host)).toBe(`${own}${blockOf(host, ['2 2 2 2 *', 'backup'])}`)
      await host.ask(`program=${await stop.program()}; ${killWhole('program')}`)
      await stop.go()
      expect(await killed).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
    }
    // The next attempt undoes that first, and then fails as well.
    await failureOf(release(host, image(), { version: 'four', services: [crashing] }))
    expect(await crontab(host)).toBe(lines)
    expect(await fire(host, 'backup')).toBe('')
    expect(await logOf(host, 'backup', first.release)).toBe('one says nothing\none says nothing')

    const second = await release(host, image(), { version: 'five', services: [backup('30 4 * * *'), report, worker] })
    expect(await crontab(host)).toBe(`${own}${blockOf(host, ['30 4 * * *', 'backup'], ['0 4 * * 1', 'report'])}`)
    expect(await fire(host, 'backup')).toBe('')
    expect(await logOf(host, 'backup', second.release)).toBe('five says nothing')
    expect(await fire(host, 'report')).toBe(
      `launchway: report of ${host.app}.test ended with exit code 3; what it said: docker logs ${containerOf(host, 'report', second.release)}`,
    )
    expect(await shown(host)).toMatch(/report .* at 0 4 \* \* 1: last run ended \S+ \S+Z, exit code 3$/m)

    await back(host)
    expect(await crontab(host)).toBe(lines)
    expect(await fire(host, 'backup')).toBe('')
    expect(await logOf(host, 'backup', first.release)).toBe('one says nothing\none says nothing\none says nothing')

    await release(host, image(), { version: 'six', services: [worker] })
    expect(await crontab(host)).toBe(own)
  })

  test.concurrent('never run twice at once, and have their stop-timeout to end when a new version comes', async ({ expect }) => {
    await using host = onHost('trixie', 'root')
    const slow = (seconds: number, stopTimeoutMs: number): Job =>
      job('slow', '0 3 * * *', `echo begin; sleep ${seconds}; echo end`, { stopTimeoutMs })
    const begun = async (id: string): Promise<void> => {
      await fire(host, 'slow', '> /dev/null 2>&1 < /dev/null &')
      await expect.poll(() => stateOf(host, 'slow', id), { timeout: 30_000 }).toBe('running 0')
    }
    const first = await release(host, image(), { version: 'one', services: [slow(8, 30_000)] })
    await begun(first.release)
    expect(await fire(host, 'slow')).toBe('')
    expect(await shown(host)).toMatch(/slow .* at 0 3 \* \* \*: running since 20\S+ \S+Z$/m)
    const second = await release(host, image(), { version: 'two', services: [slow(1000, 1000)] })
    expect(await stateOf(host, 'slow', first.release)).toBe('exited 0')
    expect(await logOf(host, 'slow', first.release)).toBe('begin\nend')
    await begun(second.release)
    const third = await release(host, image(), { version: 'three', services: [slow(0, 1000)] })
    expect(third.hosts[0]?.stopped).toEqual([containerOf(host, 'slow', second.release)])
    expect(await logOf(host, 'slow', second.release)).toBe('begin')
    const journal = await host.ask(`cat ${pathsOf(host).journal}`)
    expect(journal).toContain('"note":"its run has ended"')
    expect(journal).toContain('"note":"its run is still under way after 1 s"')
    await fire(host, 'slow')
    expect(await logOf(host, 'slow', third.release)).toBe('begin\nend')
  })

  test('move from an account of the group docker to root when root deploys', async () => {
    await using root = onHost('trixie', 'root')
    const member = onHost('trixie', 'deploy', root)
    await root.ask(`install -d -o deploy ${root.stateRoot}`)
    await using _ = await withCrontab(member, own)
    await release(member, image(), { version: 'one', services: [backup()] })
    expect(await crontab(member)).toContain(blockOf(root, ['0 3 * * *', 'backup']))
    const second = await release(root, image(), { version: 'two', services: [backup()] })
    expect([await crontab(member), await crontab(root)]).toEqual([own, expect.stringContaining(blockOf(root, ['0 3 * * *', 'backup']))])
    // From here on the state is root's.
    expect(await fire(root, 'backup')).toBe('')
    expect(await logOf(root, 'backup', second.release)).toBe('two says nothing')
    await release(root, image(), { version: 'three', services: [worker] })
    expect(await crontab(root)).not.toContain(root.app)
  })
})

describe('operating', () => {
  test('stops and starts a command, shows its log, runs another in its place, and removes it', async () => {
    await using there = await operated(image, [['trixie', 'deploy']], { services: [backup(), worker] })
    const [host] = there.machines
    const [address] = there.addresses
    if (host === undefined) throw new Error('no host')
    await using _ = await withCrontab(host, own)
    there.configure({ backup: { cron: '@daily', command: ['x'] }, worker: {} })
    const id = await there.deploy('one')
    const lines = `${own}${blockOf(host, ['0 3 * * *', 'backup'])}`
    await fire(host, 'backup')
    expect(await there.launchway(['logs', 'backup'])).toMatchObject({ code: 0, out: 'backup | one says nothing\n' })
    expect(await there.launchway(['stop', 'backup'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${address}: stopped backup\n`),
    })
    expect(await crontab(host)).toBe(own)
    const status = await there.launchway(['status'])
    expect(status.out).toMatch(/backup .* stopped, else at 0 3 \* \* \* \(launchway start backup -e test\): last run ended .* exit code 0/)
    expect(await there.launchway(['start'])).toMatchObject({ code: 0, out: `${address}: started backup\n` })
    expect(await crontab(host)).toBe(lines)

    expect(await there.launchway(['exec', 'backup', '--', 'true'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('launchway exec --new backup -- COMMAND'),
    })
    expect(await there.launchway(['exec', '--new', 'backup', '--', 'sh', '-c', 'echo "$VERSION"'])).toMatchObject({ code: 0, out: 'one\n' })

    const removed = await there.launchway(['remove', 'backup', '--yes'])
    expect(removed).toMatchObject({ code: 0, out: expect.stringContaining(`${address}: removed crontab line of backup\n`) })
    expect(await crontab(host)).toBe(own)
    expect(await running(host)).toEqual([`worker ${id}`])
    await there.deploy('two')
    expect(await crontab(host)).toBe(lines)
    expect(await there.launchway(['remove', '--yes'])).toMatchObject({ code: 0 })
    expect(await crontab(host)).toBe(own)
    expect(await host.ask(`ls ${pathsOf(host).home}`)).not.toMatch(/job|cron/)
  })
})

describe('a host that could not run it', () => {
  test('without crontab: said before anything is touched', async () => {
    const host = await machine()
    const error = await failureOf(release(host, image(), { version: 'one', services: [backup(), worker] }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('crontab is not installed') })
    expect(error.hint).toContain('backup has cron. As root on the host: apt install cron')
    expect(await host.containers()).toEqual([])
  })

  test('without a daemon, though a container has one, and for an account that may not', async () => {
    await using host = onHost('trixie', 'deploy')
    const root = onHost('trixie', 'root')
    const inContainer = "printf '#!/bin/sh\\nsleep 1000\\n' > /crond; chmod +x /crond; exec /crond"
    await release(host, image(), { version: 'one', services: [{ ...worker, command: ['/bin/sh', '-c', inContainer] }] })
    const before = await host.containers()
    try {
      await root.ask('lab-service cron stop; echo deploy > /etc/cron.deny')
      const error = await failureOf(release(host, image(), { version: 'two', services: [backup()] }))
      expect(error).toMatchObject({ code: 'HOST_UNFIT' })
      expect(error.message).toContain('no cron daemon runs; the account may not use crontab')
      expect(error.hint).toContain('It said: You (deploy) are not allowed')
    } finally {
      await root.ask('rm -f /etc/cron.deny; lab-service cron start')
    }
    expect(await host.containers()).toEqual(before)
  })
})
