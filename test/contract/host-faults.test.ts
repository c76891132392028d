import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { freePorts } from '../../lab/free-ports.ts'
import { docker } from '../../lab/run.ts'
import { attachProgram, launchProgram } from '../../src/deploy/program.ts'
import { Secret } from '../../src/core/secret.ts'
import { placesOf } from '../support/places.ts'
import { environmentName, which } from './support/host.ts'
import { failureOf, pathsOf, running, stepsOf, useHosts } from './support/hosts.ts'
import { hostAt } from './support/place.ts'
import { deployTo, pushTestImage, removeImage, type Wish, web, worker } from './support/release.ts'
import { rollBack } from './support/site.ts'

const lab = inject('lab')
const { image, machine } = useHosts()

describe('what comes in the way', () => {
  test('a port that another program takes after the look: the old version serves again', async () => {
    const host = await machine()
    await deployTo(host, image(), { version: 'one', services: [worker] })
    const [port = 0] = await freePorts(1)
    const name = `${host.app}-squatter`
    const label = ['--label', `launchway.app=${host.app}`, '--name', name]
    const squat = (): Promise<string> => docker('run', '--detach', ...label, '--publish', `127.0.0.1:${port}:8000`, image().repository)
    const error = await failureOf(
      deployTo(host, image(), { version: 'two', services: [worker, web(host, { publish: `127.0.0.1:${port}` })] }, { beforeLaunch: squat }),
    )
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.hint).toMatch(/port is already allocated|address already in use/)
    expect((await running(host)).filter((one) => one.startsWith('worker'))).toHaveLength(1)
  })

  test('an image that the registry does not have: the deploy fails, and has not taken the name of the application', async () => {
    const host = await machine()
    const error = await failureOf(deployTo(host, { ...image(), digest: `sha256:${'0'.repeat(64)}` }, { version: 'one' }))
    expect(error).toMatchObject({ code: 'PULL_FAILED' })
    expect(error.hint).toMatch(/manifest unknown|not found/)
    expect(stepsOf(host).at(-1)).toBe('end failed')
    expect(readdirSync(pathsOf(host).home)).toContain('journal.jsonl')
    expect(readdirSync(pathsOf(host).home)).not.toContain('owner')
  })

  test('a registry that asks for a login: refused without it and with a wrong one, used and forgotten with it', async () => {
    const { address, username, password } = lab.secureRegistry
    const guarded = await pushTestImage(address, { username, password })
    await removeImage(guarded)
    const host = await machine()
    expect((await failureOf(deployTo(host, guarded, { version: 'one' }))).hint).toMatch(/no basic auth credentials|unauthorized|denied/)
    const wrong = await failureOf(deployTo(host, guarded, { version: 'one', login: { username, password: 'wrong-pass' } }))
    expect(wrong.hint).toMatch(/unauthorized|denied/)
    // A host whose own logins are kept by a helper, which would keep ours as well.
    await host.ask(`mkdir -p "$DOCKER_CONFIG" && echo '{"credsStore":"witness"}' > "$DOCKER_CONFIG/config.json"`)
    const kept = join(host.bin, 'kept')
    const helper = `#!/bin/sh\n[ "$1" != store ] || cat > ${kept}\n`
    writeFileSync(join(host.bin, 'docker-credential-witness'), helper, { mode: 0o755 })
    await deployTo(host, guarded, { version: 'one', login: { username, password } })
    expect(existsSync(kept)).toBe(false)
    expect(await host.answer()).toBe('one')
    expect(await host.ask(`grep -rlF '${password}' '${host.stateRoot}' || echo nowhere`)).toBe('nowhere')
    expect(readdirSync(join(pathsOf(host).home, 'attempts'))).toEqual([])
    await removeImage(guarded)
  })

  test.skipIf(process.getuid?.() !== 0)('a disk that is full before, or fills up in the middle', async () => {
    const host = await machine()
    execFileSync('mkdir', ['-p', host.stateRoot])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', host.stateRoot])
    try {
      await deployTo(host, image(), { version: 'one' })
      const filler = `${host.stateRoot}/filler`
      // Full from the pull on, which asks the image for its tags: the look, which asks for its digests, has found room.
      const fills = `#!/bin/sh\ncase "$1 \${4:-}" in 'image {{join .RepoTags'*) dd if=/dev/zero of='${filler}' bs=1024 2> /dev/null ;; esac\nexec ${which('docker')} "$@"\n`
      const wrapper = join(host.bin, 'docker')
      renameSync(wrapper, `${wrapper}.kept`)
      writeFileSync(wrapper, fills, { mode: 0o755 })
      const middle = await failureOf(deployTo(host, image(), { version: 'two' }))
      renameSync(`${wrapper}.kept`, wrapper)
      expect(middle).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
      expect(middle.hint).toContain('of disk are free')
      expect(await host.answer()).toBe('one')
      const before = await failureOf(deployTo(host, image(), { version: 'three' }))
      expect(before).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining(`of disk are free at ${host.stateRoot}`) })
      expect(await host.answer()).toBe('one')
      execFileSync('rm', [filler])
      await deployTo(host, image(), { version: 'four' })
      expect(await host.answer()).toBe('four')
    } finally {
      execFileSync('umount', ['-l', host.stateRoot])
    }
  })
})

describe('an engine that hangs', () => {
  test('is found out by the host itself, at docker version and at docker ps, and nothing is begun', async () => {
    // Side by side: each waits for the whole of the time limit.
    const looking = ['version', 'ps'].map(async (question) => {
      const host = await machine({ name: 'busybox', shell: 'busybox', probe: 'wget' })
      hang(host.bin, question)
      const error = await failureOf(deployTo(host, image(), { version: 'one' }))
      // The machine is tidied up with it.
      rmSync(join(host.bin, 'hangs'))
      return { question, error, has: existsSync(host.stateRoot) }
    })
    for (const { question, error, has } of await Promise.all(looking)) {
      expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('the Docker engine does not answer') })
      expect(error.hint).toContain(`docker ${question} did not answer within 20 s`)
      expect(has).toBe(false)
    }
  })

  test('is given up on by the client where the host has no time limits', async () => {
    const host = await machine()
    hang(host.bin, 'version')
    const error = await failureOf(deployTo(host, image(), { version: 'one' }, { lookMs: 1000 }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: 'host did not finish looking at itself' })
    expect(error.hint).toContain('An engine that does not answer is a usual cause')
  })

  function hang(bin: string, question: string): void {
    rmSync(join(bin, 'docker'))
    writeFileSync(join(bin, 'hangs'), '')
    const script = `#!/bin/sh\n[ "$1" != ${question} ] || [ ! -e ${join(bin, 'hangs')} ] || exec sleep 600\nexec ${which('docker')} "$@"\n`
    writeFileSync(join(bin, 'docker'), script, { mode: 0o755 })
  }
})

describe('two applications of one name', () => {
  test('the second is refused before it touches what runs, until the state is handed over', async () => {
    const host = await machine()
    const moved = { ...image(), repository: `${image().repository}-moved` }
    await docker('tag', image().repository, moved.repository)
    await docker('push', '--quiet', moved.repository)
    try {
      await deployTo(host, image(), { version: 'one' })
      const error = await failureOf(deployTo(host, moved, { version: 'two' }))
      expect(error).toMatchObject({ code: 'HOST_UNFIT' })
      expect(error.message).toContain(`the state of app ${host.app} belongs to ${image().repository}`)
      expect(await host.answer()).toBe('one')
      const [, handOver = ''] = /on the host: (rm .*)/.exec(error.hint ?? '') ?? []
      await host.ask(handOver)
      await deployTo(host, moved, { version: 'two' })
      expect(await host.answer()).toBe('two')
      expect((await failureOf(deployTo(host, image(), { version: 'three' }))).code).toBe('HOST_UNFIT')
    } finally {
      await removeImage(moved)
    }
  })
})

test.for(placesOf('bookworm, busybox', 'trixie, docker group', 'forky, root'))(
  'on $name, what a connection had brought that broke before the start is thrown away by the next deploy, and a line of the journal that was cut off stays a line of its own',
  { tags: ['leftovers'] },
  async (place) => {
    await using host = await hostAt(place)
    await deployTo(host, image(), { version: 'one' })
    const home = { app: host.app, environment: environmentName, stateRoot: host.stateRoot }
    const attempt = { ...home, release: '20260101-000000-abcdef0', attempt: '0f', slot: 'a', keep: 5, by: 'ada' } as const
    const body = new Secret('T0KEN')
    const whole = launchProgram(attempt, [{ name: 'config.json', mode: '0600', body }]).reveal()
    // As the account of the deploys brings it, or as root where they do.
    await host.remote().sh(whole.slice(0, whole.lastIndexOf('start')), { sudo: place.account === 'sudo only' })
    expect(await host.ask(`grep -rl T0KEN '${host.stateRoot}'`)).toContain('attempts/0f/config.json')
    await host.ask(`printf '{"v":1,"at":17' >> ${pathsOf(host).journal}`)
    await deployTo(host, image(), { version: 'two' })
    expect(await host.ask(`grep -rl T0KEN '${host.stateRoot}' || echo nowhere`)).toBe('nowhere')
    const lines = (await host.ask(`cat ${pathsOf(host).journal}`)).split('\n')
    expect(lines.filter((line) => !line.endsWith('}'))).toEqual(['{"v":1,"at":17'])
    expect(lines.at(-1)).toContain('"step":"end","state":"done"')
  },
)

describe('two deploys', () => {
  test.for(placesOf('bookworm, sudo only', 'trixie, busybox', 'forky, docker group'))(
    'on $name, the second is told who holds the lock, also when both have looked at the host before',
    { tags: ['lock-holder'] },
    async (place) => {
      await using host = await hostAt(place)
      let begun: () => void = () => {}
      const first: { done: Promise<unknown> } = { done: Promise.resolve() }
      const slow: Wish = {
        version: 'one',
        who: 'grace@desk',
        services: [web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 8000 } })],
      }
      const beforeLaunch = async (): Promise<void> => {
        const started = new Promise<void>((resolve) => (begun = resolve))
        first.done = deployTo(host, image(), slow, { onLine: (line) => line.includes('"step":"run","state":"done"') && begun() })
        await started
      }
      const raced = await failureOf(deployTo(host, image(), { version: 'two' }, { beforeLaunch }))
      const late = await failureOf(deployTo(host, image(), { version: 'three' }))
      for (const error of [raced, late]) {
        expect(error).toMatchObject({ code: 'DEPLOY_LOCKED' })
        expect(error.hint).toContain('Held by grace@desk, release 2026')
      }
      await first.done
      expect(await host.answer()).toBe('one')
    },
  )

  test('a plan that was made before somebody else deployed is not performed', async () => {
    const host = await machine()
    const beforeLaunch = (): Promise<unknown> => deployTo(host, image(), { version: 'one' })
    const error = await failureOf(deployTo(host, image(), { version: 'two' }, { beforeLaunch }))
    expect(error).toMatchObject({ code: 'DEPLOY_LOCKED' })
    expect(error.hint).toContain('somebody deployed in between')
    expect(await host.answer()).toBe('one')
  })
})

test.for(placesOf('bookworm, sudo only', 'trixie, busybox', 'forky, docker group'))(
  'on $name, a program whose client is gone goes on to its end, and another client can join it',
  { tags: ['bikeindex#4313'] },
  async (place) => {
    await using host = await hostAt(place)
    const seen: string[] = []
    const services = [web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 1500 } })]
    const cut = deployTo(
      host,
      image(),
      { version: 'one', services },
      { cutAt: /"step":"run","state":"done"/, onLine: (line) => seen.push(line) },
    )
    await expect(cut).rejects.toThrow('the connection broke')
    const [, release = '', attempt = ''] = /"release":"([^"]+)","attempt":"([^"]+)"/.exec(seen.join('\n')) ?? []
    const home = { app: host.app, environment: environmentName, stateRoot: host.stateRoot }
    const joined = attachProgram({ ...home, release, attempt })
    const twice = await Promise.all([host.ask(joined), host.ask(joined)])
    for (const lines of twice) {
      expect(lines.split('\n')[0]).toContain('"step":"lock","state":"done"')
      expect(lines.split('\n').at(-1)).toContain('"step":"end","state":"done"')
    }
    expect(await host.answer()).toBe('one')
    expect(await host.ask(joined), 'also when it has long ended').toBe(twice[0])
    // Nobody has to unlock anything.
    await deployTo(host, image(), { version: 'two', services })
    expect(await host.answer()).toBe('two')
  },
)

test('secrets stand in one file for its owner, and in the environment of the container', { tags: ['secrets', 'kamal#1467'] }, async () => {
  const host = await machine()
  const value = `-----BEGIN\n${host.app}'s $ecret\n-----END\n`
  const marker = `${host.app}'s`
  const seen: string[] = []
  const look = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) seen.push(commandLine(pid))
  }, 20)
  try {
    await deployTo(host, image(), { version: 'one', secrets: { KEY: value }, services: [web(host, { secrets: ['KEY'] })] })
  } finally {
    clearInterval(look)
  }
  expect(
    seen.some((line) => line.includes('docker') && line.includes(host.app)),
    'the call of docker was seen',
  ).toBe(true)
  expect(seen.filter((line) => line.includes(marker))).toEqual([])
  const file = await host.ask(`grep -rlF 's $ecret' '${host.stateRoot}'`)
  expect(file).toMatch(/^\S+\/secrets$/)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const [container] = await host.containers()
  expect(await docker('exec', container?.name ?? '', 'sh', '-c', 'printf %s. "$KEY"')).toBe(`${value}.`)
})

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

test.for(placesOf('bookworm, docker group', 'trixie, sudo only', 'forky, busybox'))(
  'on $name, releases beyond those that are kept go, failed ones do not count',
  { tags: ['kamal#1655', 'litigant-portal#521'] },
  async (place) => {
    await using host = await hostAt(place)
    await deployTo(host, image(), { version: 'one', services: [worker], keep: 2 })
    const two = await deployTo(host, image(), { version: 'two', services: [worker], keep: 2 })
    const crashing = { ...worker, env: { MODE: 'crash' }, health: { kind: 'container' as const, timeoutMs: 5000, settleMs: 1000 } }
    await failureOf(deployTo(host, image(), { version: 'bad', services: [crashing], keep: 2 }))
    const three = await deployTo(host, image(), { version: 'three', services: [worker], keep: 2 })
    expect((await host.containers()).map(({ release }) => release)).toEqual([two.release, three.release])
    // And what is kept is what a rollback needs.
    expect(await rollBack(host, [worker], { keep: 2 })).toMatchObject({ version: 'two', release: two.release })
    expect(await running(host)).toEqual([`worker ${two.release}`])
  },
)
