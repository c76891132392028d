import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { localProbe } from '../../src/adapters/probe.ts'
import { docker } from '../../lab/run.ts'
import { type Lifecycle } from '../../src/core/lifecycle.ts'
import type { Ports } from '../../src/core/ports.ts'
import { parseRelease } from '../../src/core/release.ts'
import { abort, confirm } from '../../src/deploy/confirm.ts'
import { rollback, type RollbackWish } from '../../src/deploy/rollback.ts'
import { deploy } from '../../src/deploy/run.ts'
import { type Hooks, type HostUnderTest, journalOf, killer, type Toolbox, which } from './support/host.ts'
import { failureOf, pathsOf, running, stepsOf, useHosts } from './support/hosts.ts'
import { portsFor, type PushedImage, releaseFor, type Wish, web, worker } from './support/release.ts'

const { image, machine } = useHosts()

interface Way extends Partial<Wish>, Lifecycle {
  version: string
}

const lifecycleKeys = ['beforeSwitch', 'confirm', 'noReturn', 'probe'] as const

function releaseOf(host: HostUnderTest, of: PushedImage, way: Way): ReturnType<typeof releaseFor> {
  const record = releaseFor(host, of, way)
  const said = Object.fromEntries(lifecycleKeys.flatMap((key) => (way[key] === undefined ? [] : [[key, way[key]]])))
  return parseRelease(
    JSON.stringify({ ...record, plan: { ...record.plan, environment: { ...record.plan.environment, ...said } } }),
    'the record of the test',
  )
}

function portsOf(host: HostUnderTest, way: Partial<Way>, hooks: Hooks = {}): Ports {
  return { ...portsFor(() => host.remote(hooks), { version: '', ...way }), probe: localProbe }
}

async function release(host: HostUnderTest, way: Way, hooks: Hooks = {}) {
  const record = releaseOf(host, image(), way)
  return { ...(await deploy(record, portsOf(host, way, hooks))), release: record.id }
}

function environmentOf(host: HostUnderTest) {
  const { environment } = releaseOf(host, image(), { version: 'as configured now' }).plan
  if (environment === undefined) throw new Error('no environment')
  return environment
}

const confirmed = (host: HostUnderTest) => confirm(host.app, environmentOf(host), portsOf(host, {}))
const aborted = (host: HostUnderTest, wish: RollbackWish = {}) => abort(host.app, environmentOf(host), portsOf(host, {}), wish)
const back = (host: HostUnderTest, wish: RollbackWish = {}) => rollback(host.app, environmentOf(host), portsOf(host, {}), wish)

const sh = (script: string, timeoutMs = 60_000): NonNullable<Lifecycle['beforeSwitch']>[number] => ({
  service: 'web',
  command: ['sh', '-c', script],
  timeoutMs,
})

const toolboxes: Toolbox[] = [
  { name: 'dash and GNU tools', shell: 'dash', probe: 'curl' },
  { name: 'busybox alone', shell: 'busybox', probe: 'wget' },
]

describe.each(toolboxes)('the command before the switch, on a host with $name', (toolbox) => {
  test('runs once in the new image with what the service has, while the old version serves, and its words are shown and kept', async () => {
    const host = await machine(toolbox)
    const network = `${host.app}-data`
    const services = [
      web(host, {
        secrets: ['KEY'],
        user: '0:8',
        volumes: [`${host.app}:/data`],
        networks: [`${host.app}-front`, network],
        env: { NAME: "it's" },
      }),
    ]
    onTestFinished(async () => void (await docker('volume', 'rm', '--force', host.app)))
    await release(host, { version: 'one', services, secrets: { KEY: 'first' } })
    const said: string[] = []
    const script = 'echo "$VERSION $KEY $NAME $(id -u):$(id -g)"; ls -d /data; ip addr | grep -c "inet .*eth"; ls /proc/self/fd | tail -n 1'
    const during: string[] = []
    await release(
      host,
      {
        version: 'two',
        services,
        secrets: { KEY: 'a"b\n$c' },
        beforeSwitch: [sh(script), sh('echo second')],
        onInfo: (line) => said.push(line),
      },
      {
        onLine: (line) => {
          if (line.includes('"step":"before-switch"')) during.push(line)
          if (line.includes('"step":"stop","state":"start"')) during.push('stop')
        },
      },
    )
    const words = said.flatMap((line) => /^host: before-switch web \| (.*)$/.exec(line)?.[1] ?? [])
    expect(words.slice(0, 5)).toEqual(['two a"b', "$c it's 0:8", '/data', '2', expect.any(String)])
    expect(words.at(-1)).toBe('second')
    expect(during.indexOf('stop')).toBe(during.length - 1)
    expect(await host.answer()).toBe('two')
    expect((await host.containers()).map(({ service }) => service)).toEqual(['web', 'web'])
    const kept = await host.ask(`cat '${pathsOf(host).home}'/releases/*/before-switch.log`)
    expect(kept).toContain("$c it's 0:8")
    const folder = join(pathsOf(host).home, 'releases')
    const logs = readdirSync(folder)
      .map((id) => join(folder, id, 'before-switch.log'))
      .filter((file) => existsSync(file))
    expect(logs.map((file) => statSync(file).mode & 0o777)).toEqual([0o600])
  })

  test('that fails is RELEASE_COMMAND_FAILED with its last words: nothing was stopped, started or left behind', async () => {
    const host = await machine(toolbox)
    const { release: first } = await release(host, { version: 'one' })
    const error = await failureOf(
      release(host, { version: 'two', beforeSwitch: [sh('echo altering; echo "column is there" >&2; exit 3')] }),
    )
    expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED', message: 'web: before-switch failed on host; nothing was changed' })
    expect(error.hint).toContain('it ended with exit code 3')
    expect(error.hint).toContain('column is there')
    expect(await host.answer()).toBe('one')
    expect(await running(host)).toEqual([`web ${first}`])
    expect(await host.containers()).toHaveLength(1)
    expect(stepsOf(host).filter((step) => step.startsWith('stop') || step.startsWith('downtime'))).toEqual([])
    expect(journalOf(host)).toContain('"state":"says","service":"web","note":"altering')
  })
})

describe('the command before the switch', () => {
  test('that hangs is ended at its timeout, and says so', async () => {
    const host = await machine()
    await release(host, { version: 'one' })
    const error = await failureOf(release(host, { version: 'two', beforeSwitch: [sh('echo waiting for a lock; exec sleep 600', 1000)] }))
    expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED' })
    expect(error.hint).toMatch(/^it was still running after its timeout of 1 s, and was ended\nwaiting for a lock/)
    expect(await host.containers()).toHaveLength(1)
  })

  test('is not run by a rollback, nor again for a release that is live', async () => {
    const host = await machine()
    const beforeSwitch = [sh('echo migrated')]
    const times = (): number => stepsOf(host).filter((step) => step === 'before-switch done').length
    await release(host, { version: 'one', beforeSwitch })
    const two = await release(host, { version: 'two', beforeSwitch })
    expect(times()).toBe(2)
    await release(host, { version: 'two', beforeSwitch, id: two.release })
    expect(times()).toBe(2)
    await back(host)
    expect(times()).toBe(2)
    expect(await host.answer()).toBe('one')
  })

  test('of a program that was killed holds no lock, and the next deploy removes its container and runs it anew', async () => {
    const host = await machine()
    await release(host, { version: 'one' })
    const beforeSwitch = [sh('echo begun; exec sleep 600')]
    const ended = release(
      host,
      { version: 'two', beforeSwitch },
      {
        onLine: (line) => {
          if (!line.includes('begun')) return
          for (const pid of pidsOf(host)) process.kill(pid, 'SIGKILL')
        },
      },
    )
    expect(await failureOf(ended)).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
    const task = await host.ask(`docker ps --filter label=launchway.app=${host.app} --filter label=launchway.task --format '{{.Names}}'`)
    expect(task).toMatch(/\.before-switch-1$/)
    expect(await host.answer()).toBe('one')
    // Nobody waits for the lock: the program that held it is gone, and what it started has none of its files open.
    await host.ask(`flock -n '${pathsOf(host).lock}' sh -c :`)
    await release(host, { version: 'three', beforeSwitch: [sh('echo migrated')] })
    expect(await host.answer()).toBe('three')
    expect(await host.ask(`docker ps --all --quiet --filter name=${task}`)).toBe('')
  })
})

function pidsOf(host: HostUnderTest): number[] {
  const { home } = pathsOf(host)
  return [readFileSync(join(home, 'lock.pid'), 'utf8').trim()].map(Number)
}

describe('a release that waits for its confirmation', () => {
  test('keeps others out until it is confirmed, and says so', async () => {
    const host = await machine(toolboxes[1])
    const first = await release(host, { version: 'one', confirm: {} })
    expect(first.hosts[0]?.waits).toBeUndefined()
    const second = await release(host, { version: 'two', confirm: {}, who: 'ada@laptop' })
    expect(second.hosts[0]?.waits).toEqual({})
    const refused = await failureOf(release(host, { version: 'three' }))
    expect(refused).toMatchObject({ code: 'DEPLOY_WAITS', message: `two (${second.release}) waits for a confirmation on host` })
    expect(refused.hint).toContain('deployed by ada@laptop at ')
    expect(refused.hint).toContain(`launchway confirm -e test keeps it, launchway abort -e test returns to one (${first.release})`)
    expect(await host.answer()).toBe('two')
    // What broke off is finished: the same release is no other.
    await release(host, { version: 'two', confirm: {}, id: second.release })
    expect(await confirmed(host)).toMatchObject({ version: 'two', hosts: ['host'] })
    expect(await confirmed(host)).toMatchObject({ version: 'two', hosts: [] })
    await release(host, { version: 'three' })
    expect(await host.answer()).toBe('three')
  })

  test('is left by abort, once; then there is nothing to abort', async () => {
    const host = await machine()
    const first = await release(host, { version: 'one' })
    expect(await failureOf(aborted(host))).toMatchObject({ code: 'NOTHING_WAITS' })
    await release(host, { version: 'two', confirm: { withinMs: 3_600_000 } })
    expect(await aborted(host)).toMatchObject({ version: 'one', release: first.release })
    expect(await host.answer()).toBe('one')
    const nothing = await failureOf(aborted(host))
    expect(nothing).toMatchObject({ code: 'NOTHING_WAITS', message: 'no version waits for a confirmation' })
    expect(nothing.hint).toContain('launchway rollback')
    // Returning to it later is somebody's decision: it does not wait again.
    await back(host)
    expect(await host.answer()).toBe('two')
    await release(host, { version: 'three' })
  })

  test('whose time has passed counts as confirmed', async () => {
    const host = await machine()
    await release(host, { version: 'one' })
    const { release: second } = await release(host, { version: 'two', confirm: { withinMs: 3_600_000 } })
    const waits = join(pathsOf(host).home, 'waits')
    const [id, since = '', , ...by] = readFileSync(waits, 'utf8').trim().split(' ')
    expect(id).toBe(second)
    expect(by).toEqual(['ada@laptop'])
    writeFileSync(waits, `${id} ${Number(since) - 7200} ${Number(since) - 3600} ada@laptop\n`)
    expect((await failureOf(aborted(host))).hint).toContain('which counts as confirmed since ')
    await release(host, { version: 'three' })
    expect(await host.answer()).toBe('three')
  })
})

test('a program killed around the wait, the record, the confirmation or the abort leaves nothing that needs a hand', async () => {
  const host = await machine()
  await release(host, { version: 'one' })
  const docker_ = killer(host.bin)
  rmSync(join(host.bin, 'mv'))
  const arm = join(host.bin, 'mv-at')
  writeFileSync(
    join(host.bin, 'mv'),
    `#!/bin/sh
[ -e ${arm} ] || exec ${which('mv')} "$@"
read -r when pattern < ${arm}
case "$*" in $pattern) ;; *) exec ${which('mv')} "$@" ;; esac
rm ${arm}
[ "$when" = before ] || ${which('mv')} "$@"
kill -9 $PPID
`,
    { mode: 0o755 },
  )
  const ports = (): Ports => portsOf(host, { hurry: true })
  for (const [when, pattern] of [
    ['before', '*waits'],
    ['after', '*waits'],
    ['after', '*current'],
  ] as const) {
    writeFileSync(arm, `${when} ${pattern}\n`)
    const way = { version: `two-${when}-${pattern.slice(1)}`, confirm: {} }
    const record = releaseOf(host, image(), way)
    expect(await failureOf(deploy(record, portsOf(host, way)))).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
    expect(existsSync(arm)).toBe(false)
    if (pattern === '*current') {
      // Live, and waiting from the record on: others are kept out, and it can be ended.
      expect(await failureOf(release(host, { version: 'other' }))).toMatchObject({ code: 'DEPLOY_WAITS' })
    } else {
      expect(await failureOf(aborted(host))).toMatchObject({ code: 'NOTHING_WAITS' })
    }
  }
  docker_.arm(1, 'before')
  await failureOf(confirm(host.app, environmentOf(host), ports()))
  docker_.disarm()
  await confirmed(host)
  const done = await release(host, { version: 'three', confirm: {} })
  docker_.arm(2, 'after')
  await failureOf(abort(host.app, environmentOf(host), ports()))
  docker_.disarm()
  await aborted(host)
  expect(await running(host)).toHaveLength(1)
  expect(await running(host)).not.toContain(`web ${done.release}`)
  await release(host, { version: 'four' })
  expect(await host.answer()).toBe('four')
})

describe('a rollback to a version that somebody names', () => {
  test('goes by what people call it, by id and by the beginning of an id; an unknown one is told what each host keeps', async () => {
    const host = await machine()
    const services = [web(host), worker]
    const [one, two] = [await release(host, { version: 'v1', services }), await release(host, { version: 'v2', services })]
    await release(host, { version: 'v3', services })
    expect(await back(host, { version: 'v1' })).toMatchObject({ version: 'v1', release: one.release })
    expect(await host.answer()).toBe('v1')
    expect(await back(host, { version: two.release })).toMatchObject({ version: 'v2' })
    expect(await host.answer()).toBe('v2')
    expect(await back(host, { version: '1' })).toMatchObject({ version: 'v1' })
    expect(await back(host, { version: 'v1' })).toMatchObject({ version: 'v1', hosts: [] })
    const unknown = await failureOf(back(host, { version: 'v9' }))
    expect(unknown).toMatchObject({ code: 'VERSION_UNKNOWN', message: 'no host keeps a version "v9": nothing to roll back to' })
    expect(unknown.hint).toContain(`v2 (${two.release}) of 2026-01-01 00:`)
    expect(await host.answer()).toBe('v1')
  })

  test('litigant-portal#521: what a kept release needs is never pruned, and what was removed by hand is pulled and made again', async () => {
    const host = await machine()
    const { repository, digest } = image()
    const reference = `${repository}@${digest}`
    const services = [web(host, { secrets: ['KEY'] })]
    const wish = { services, keep: 2, secrets: { KEY: 'kept' } }
    const first = await release(host, { version: 'one', ...wish })
    for (const version of ['two', 'three', 'four']) await release(host, { version, ...wish })
    // The image is that of all of them: what was pruned did not take it along.
    expect(await docker('image', 'inspect', '--format', '{{.Id}}', reference)).toMatch(/^sha256:/)
    expect(existsSync(pathsOf(host).release(first.release))).toBe(false)
    const [kept, serving] = await host.containers()
    await docker('rm', kept?.name ?? '')
    await docker('stop', serving?.name ?? '')
    await docker('rm', serving?.name ?? '')
    await docker('image', 'rm', '--force', repository, reference)
    await back(host, { version: 'three' })
    expect(await host.answer()).toBe('three')
    expect(await docker('exec', kept?.name ?? '', 'sh', '-c', 'echo "$KEY"')).toBe('kept')
    // A plain deploy of the release that is live does the same.
    const { current } = pathsOf(host)
    const id = readFileSync(current, 'utf8').trim()
    await docker('rm', '--force', kept?.name ?? '')
    await docker('image', 'rm', '--force', repository, reference)
    await release(host, { version: 'three', ...wish, id })
    expect(await host.answer()).toBe('three')
  })

  test('is refused where a version that would be left declares that it cannot be, unless it is forced', async () => {
    const host = await machine()
    await release(host, { version: 'one' })
    const two = await release(host, { version: 'two', noReturn: 'its migration drops the column price' })
    const refused = await failureOf(back(host))
    expect(refused).toMatchObject({
      code: 'ROLLBACK_REFUSED',
      message: `two (${two.release}) cannot be rolled back: its migration drops the column price`,
    })
    const steps = stepsOf(host).length
    await release(host, { version: 'three' })
    expect(await failureOf(back(host, { version: 'one' }))).toMatchObject({ code: 'ROLLBACK_REFUSED' })
    await back(host)
    await back(host, { version: 'one', force: true })
    expect(await host.answer()).toBe('one')
    expect(stepsOf(host).slice(steps)).toContain('forced done')
    expect(journalOf(host)).toContain('drops the column price')
    // What fails before it is live is undone all the same.
    const failed = release(host, { version: 'bad', noReturn: 'x', services: [web(host, { env: { MODE: 'crash' } })] })
    expect(await failureOf(failed)).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(await host.answer()).toBe('one')
  })
})

describe('the probe from outside', () => {
  const door = async (answer: { status: number; body?: string; location?: string }): Promise<string> => {
    const server = createServer((_request, response) => {
      response.writeHead(answer.status, { server: 'door', ...(answer.location === undefined ? {} : { location: answer.location }) })
      response.end(answer.body ?? '')
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    onTestFinished(() => void server.close())
    const address = server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/healthz`
  }
  const probe = (url: string): Lifecycle['probe'] => ({ url, timeoutMs: 1500 })

  test('asks the public address; what is not well there brings the version before back, with the answer as evidence', async () => {
    const host = await machine()
    const said: string[] = []
    const here = `http://127.0.0.1:${host.port}/`
    await release(host, { version: 'one', probe: probe(here), onInfo: (line) => said.push(line) })
    expect(said).toContain(`${here} 200, as the public sees it`)
    const sick = await door({ status: 502, body: '<h1>Bad Gateway</h1>' })
    const error = await failureOf(release(host, { version: 'two', probe: probe(sick) }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: `${sick} does not answer as it should; one serves again` })
    expect(error.hint).toBe(`${sick} answered 502\nserver: door\n\n<h1>Bad Gateway</h1>`)
    expect(await host.answer()).toBe('one')
    const login = await door({ status: 302, location: '/accounts/login/?next=/healthz' })
    expect((await failureOf(release(host, { version: 'three', probe: probe(login) }))).hint).toContain(
      '/accounts/login/?next=/healthz, a login',
    )
    expect(await host.answer()).toBe('one')
  })

  test('that fails where there is no way back leaves the release, and says so', async () => {
    const host = await machine()
    const sick = await door({ status: 500 })
    const first = await failureOf(release(host, { version: 'one', probe: probe(sick) }))
    expect(first).toMatchObject({ code: 'PROBE_FAILED', message: expect.stringContaining('stays: there is no version before it on host') })
    expect(await host.answer()).toBe('one')
    const declared = await failureOf(release(host, { version: 'two', probe: probe(sick), noReturn: 'it drops a column' }))
    expect(declared).toMatchObject({ code: 'PROBE_FAILED', message: expect.stringContaining('stays: it drops a column') })
    expect(await host.answer()).toBe('two')
  })
})
