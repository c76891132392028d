import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { open, scratch } from './support/doors.ts'
import { placesOf } from '../support/places.ts'
import { labHost, type Toolbox } from './support/host.ts'
import { failureOf, isCampaign, pathsOf, running, stepsOf, useHosts } from './support/hosts.ts'
import { hostAt } from './support/place.ts'
import { deployTo, removeImage, web, worker } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { rollBack, site, siteHost } from './support/site.ts'
import { host as sshHost, labKey } from './support/ssh.ts'

const { image, machine } = useHosts()

test.for(placesOf('bookworm, docker group', 'trixie, busybox'))(
  'a rollback on $name says what there is to return to, returns to the version before and its services, a second one to where it came from, and deploys go on',
  { tags: ['exact-versions', 'retired'] },
  async (place) => {
    await using host = await hostAt(place)
    const now = [web(host), worker]
    const empty = await failureOf(rollBack(host, [web(host)]))
    expect(empty).toMatchObject({ code: 'VERSION_UNKNOWN', hint: expect.stringContaining('host: nothing runs') })
    const first = await deployTo(host, image(), { version: 'one', services: [web(host)] })
    const only = await failureOf(rollBack(host, undefined))
    expect(only).toMatchObject({ code: 'VERSION_UNKNOWN' })
    expect(only.hint).toContain(`host: runs one (${first.release}), nothing ran before, keeps nothing else`)
    expect(await host.answer()).toBe('one')
    const second = await deployTo(host, image(), { version: 'two', services: now })
    const back = await rollBack(host, now)
    expect(back).toMatchObject({ version: 'one', release: first.release, environment: 'test' })
    expect(back.hosts[0]).toMatchObject({ slot: 'a', previous: second.release, services: [{ name: 'web' }] })
    expect(back.hosts[0]?.downtimeMs).toBeGreaterThan(0)
    expect(await host.answer()).toBe('one')
    expect(await running(host)).toEqual([`web ${first.release}`])

    expect(await rollBack(host, now)).toMatchObject({ version: 'two', release: second.release })
    expect(await host.answer()).toBe('two')
    expect(await running(host)).toEqual([`web ${second.release}`, `worker ${second.release}`])

    const third = await deployTo(host, image(), { version: 'three', services: [web(host)], keep: 1 })
    expect(third.previous).toBe(second.release)
    expect(await running(host)).toEqual([`web ${third.release}`])
    expect(await rollBack(host, [web(host)], { keep: 1 })).toMatchObject({ version: 'two' })
    expect(await host.answer()).toBe('two')
    expect(await running(host)).toEqual([`web ${second.release}`, `worker ${second.release}`])
  },
)

/** The other tests here have dash; the campaign has these on both. */
const toolboxes: Toolbox[] = [
  { name: 'busybox alone', shell: 'busybox', probe: 'wget' },
  ...(isCampaign ? [{ name: 'dash and GNU tools', shell: 'dash', probe: 'curl' } as const] : []),
]

describe.each(toolboxes)('a rollback on a host with $name', (toolbox) => {
  test('makes a kept container anew that somebody has removed, with the secrets it had; one that does not become well leaves the current version serving', async () => {
    const host = await machine(toolbox)
    const services = [web(host, { secrets: ['KEY'] })]
    await deployTo(host, image(), { version: 'one', services, secrets: { KEY: 's3cret-one' } })
    const second = await deployTo(host, image(), { version: 'two', services, secrets: { KEY: 's3cret-two' } })
    // The description that a host keeps of a release holds none of them.
    const files = (await host.ask(`grep -rl s3cret- '${host.stateRoot}'`)).split('\n')
    expect(files).toHaveLength(2)
    for (const file of files) expect(file).toMatch(/^\S+\/secrets$/)
    const [kept, other] = await host.containers()
    await docker('rm', kept?.name ?? '')
    await rollBack(host, services)
    expect(await host.answer()).toBe('one')
    expect(await docker('exec', kept?.name ?? '', 'sh', '-c', 'echo "$KEY"')).toBe('s3cret-one')

    // What is kept now is two. It does not become well, and can be tried again.
    const current = (await host.containers()).find(({ state }) => state === 'running')
    const broken = join(host.bin, 'serve')
    writeFileSync(broken, '#!/bin/busybox sh\necho worn out\nexit 4\n', { mode: 0o755 })
    await docker('cp', broken, `${other?.name}:/serve`)
    for (let tries = 0; tries < 2; tries += 1) {
      const error = await failureOf(rollBack(host, services))
      expect(error).toMatchObject({
        code: 'DEPLOY_ROLLED_BACK',
        message: `web: healthy failed on host; release ${current?.release} serves`,
      })
      expect(error.hint).toContain('worn out')
      expect(await host.answer()).toBe('one')
      expect(stepsOf(host).at(-1)).toBe('end undone')
    }
    expect((await host.containers()).map(({ state }) => state).toSorted()).toEqual(['exited', 'running'])

    // There is nothing to return to where the description of it cannot be read, either.
    writeFileSync(join(pathsOf(host).release(second.release), 'release.json'), '{"version":2}')
    const error = await failureOf(rollBack(host, services))
    expect(error).toMatchObject({ code: 'VERSION_UNKNOWN', message: expect.stringContaining(second.release) })
    expect(await host.answer()).toBe('one')
  })
})

test('nginx is led by the shell and the tools of busybox alike', async () => {
  const container = inject('lab').hosts['trixie']?.container ?? ''
  const bin = await docker('exec', container, 'sh', '-c', 'mktemp -d /tmp/launchway-busybox-XXXXXX')
  const tools = 'sh awk basename cat chmod date dd df dirname flock grep id ls mkdir mv rm sed setsid sleep tail timeout tr'
  await docker(
    'exec',
    container,
    'sh',
    '-euc',
    `for tool in ${tools}; do ! busybox --list | grep -qx $tool || ln -s /bin/busybox ${bin}/$tool; done`,
  )
  const server = await pushServer(inject('lab').registry.address)
  try {
    await using host = siteHost('trixie', { bin })
    expect(await host.ask('readlink /proc/$$/exe')).toMatch(/busybox$/)
    await deployTo(host, server, { version: 'one', services: [site(host)] })
    const requests = host.traffic()
    await requests.seen('one')
    await deployTo(host, server, { version: 'two', services: [site(host)] })
    const error = await failureOf(deployTo(host, server, { version: 'bad', services: [site(host, { env: { MODE: 'shy' } })] }))
    expect(error.code).toBe('DEPLOY_ROLLED_BACK')
    await rollBack(host, [site(host)])
    expect(Object.fromEntries((await requests.stop()).failures)).toEqual({})
    expect(await host.page()).toBe('one')
  } finally {
    await docker('exec', container, 'rm', '-r', bin)
    await removeImage(server)
  }
})

test('the verb and the action return over SSH to the version before, from launchway.yml alone', async () => {
  const { knownHosts, hosts } = inject('lab')
  await using host = labHost(hosts['trixie']?.container ?? '', 'deploy', 8096)
  const { release } = await deployTo(host, image(), { version: 'one' })
  await deployTo(host, image(), { version: 'two' })
  const tree = mkdtempSync(join(scratch, 'rollback-'))
  writeFileSync(
    join(tree, 'launchway.yml'),
    JSON.stringify({
      image: image().repository,
      app: host.app,
      scan: false,
      environments: {
        test: {
          host: sshHost('trixie'),
          port: 8000,
          publish: `127.0.0.1:${host.port}`,
          url: 'http://shop.example.org',
          state: host.stateRoot,
          ssh: { 'known-hosts': knownHosts },
        },
      },
    }),
  )
  const env = { SSH_KEY: labKey().reveal() }
  const dry = open('cli', ['rollback', '--dry-run'], tree, env)
  expect(dry.code, dry.err).toBe(0)
  expect(dry.out).toMatch(
    new RegExp(`^${host.app} would go back to one in test\\n  \\S+: runs two \\(.*\\)\\n    web: .*\\nNothing was changed\\.\\n$`),
  )
  expect(await host.answer()).toBe('two')
  const ended = open('cli', ['rollback', '--json'], tree, env)
  expect(ended.code, ended.err).toBe(0)
  expect(JSON.parse(ended.out)).toMatchObject({ environment: 'test', version: 'one', release, hosts: [{ slot: 'a' }] })
  expect(await host.answer()).toBe('one')
  const status = open('cli', ['status', '-e', 'test'], tree, env)
  expect(status.out).toContain(`one (release ${release}), before two (release `)
  expect(status.out).toMatch(new RegExp(`web +a +${release} +Up`))

  const [output, summary] = [join(tree, 'output'), join(tree, 'summary')]
  for (const file of [output, summary]) writeFileSync(file, '')
  const runner = { GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, RUNNER_TEMP: tree }
  const inputs = { ...runner, INPUT_ENVIRONMENT: 'test', INPUT_VERSION: 'two', 'INPUT_SSH-KEY': env.SSH_KEY }
  const told = open('main', ['rollback'], tree, { ...inputs, 'INPUT_DRY-RUN': 'true' })
  expect(told.code, `${told.out}${told.err}`).toBe(0)
  expect(readFileSync(output, 'utf8')).toBe('environment=test\nversion=two\nurl=http://shop.example.org\nverdict=passed\n')
  expect(readFileSync(summary, 'utf8')).toMatch(/would go back to two in test\n\n[\s\S]*A dry run: nothing was changed\./)
  expect(await host.answer()).toBe('one')
  for (const file of [output, summary]) writeFileSync(file, '')
  const step = open('main', ['rollback'], tree, inputs)
  expect(step.code, `${step.out}${step.err}`).toBe(0)
  expect(readFileSync(output, 'utf8')).toBe('environment=test\nversion=two\nurl=http://shop.example.org\nverdict=passed\n')
  expect(readFileSync(summary, 'utf8')).toMatch(/is back at two@\u200B[0-9a-f]{7} in test/)
  expect(await host.answer()).toBe('two')

  const named = open('cli', ['rollback', 'one', '--force', '--json'], tree, env)
  expect(named.code, named.err).toBe(0)
  expect(JSON.parse(named.out)).toMatchObject({ version: 'one', release })
  // Nobody was asked to wait for, so nobody has to decide.
  const aborted = open('cli', ['abort', '--json'], tree, env)
  expect(aborted.code).toBe(2)
  expect(JSON.parse(aborted.out)).toMatchObject({ error: { code: 'NOTHING_WAITS' } })
  await host.ask(`echo '${release} 1700000000 - ada@laptop' > ${pathsOf(host).home}/waits`)
  const waits = open('cli', ['status'], tree, env)
  expect(waits.out).toContain('it waits for a confirmation: deployed by ada@laptop at 2023-11-14 22:13 UTC')
  expect(waits.out).toContain('launchway confirm -e test keeps it, launchway abort -e test returns to two')
  const confirmed = open('cli', ['confirm'], tree, env)
  expect(confirmed.out).toMatch(/ one@[0-9a-f]{7} is confirmed in test\n$/)

  await host.ask(`rm ${pathsOf(host).previous}`)
  const none = open('cli', ['rollback', '--json'], tree, env)
  expect(none.code).toBe(2)
  expect(JSON.parse(none.out)).toMatchObject({ error: { code: 'VERSION_UNKNOWN' } })
}, 240_000)
