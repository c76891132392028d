import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { freePorts } from '../../lab/free-ports.ts'
import { docker } from '../../lab/run.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { hostPaths } from '../../src/core/names.ts'
import { attachProgram } from '../../src/deploy/program.ts'
import { environmentName, type HostUnderTest, journalOf, killer, labHost, thisMachine, type Toolbox } from './support/host.ts'
import { deployTo, type PushedImage, pushTestImage, type Wish, web, worker } from './support/release.ts'

const lab = inject('lab')
let image: PushedImage
const open: HostUnderTest[] = []

async function machine(toolbox: Partial<Toolbox> = {}): Promise<ReturnType<typeof thisMachine>> {
  const [port = 0] = await freePorts(1)
  const host = thisMachine({ name: 'dash', shell: 'dash', probe: 'curl', ...toolbox }, port)
  open.push(host)
  return host
}

beforeAll(async () => {
  image = await pushTestImage(lab.registry.address)
})
afterEach(async () => {
  for (const host of open.splice(0)) await host[Symbol.asyncDispose]()
})
afterAll(async () => {
  await docker('image', 'rm', '--force', image.repository)
})

/** The error that a deploy ends with. */
async function failureOf(deploying: Promise<unknown>): Promise<LaunchwayError> {
  const error = await deploying.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof LaunchwayError)) throw new Error(`this should have failed with an error of ours, not ${String(error)}`, { cause: error })
  return error
}

async function running(host: HostUnderTest): Promise<string[]> {
  return (await host.containers()).filter(({ state }) => state === 'running').map(({ service, release }) => `${service} ${release}`)
}

const pathsOf = (host: HostUnderTest): ReturnType<typeof hostPaths> => hostPaths(host.stateRoot, host.app, environmentName)

function stepsOf(host: HostUnderTest): string[] {
  const lines = journalOf(host).trim().split('\n').map((line): unknown => JSON.parse(line))
  return lines.map((line) => (line !== null && typeof line === 'object' && 'step' in line && 'state' in line ? `${line.step} ${line.state}` : 'not a line'))
}

const toolboxes: Toolbox[] = [
  { name: 'dash, GNU tools and curl', shell: 'dash', probe: 'curl' },
  { name: 'dash, GNU tools and GNU wget', shell: 'dash', probe: 'wget' },
  { name: 'busybox alone', shell: 'busybox', probe: 'wget' },
]

describe.each(toolboxes)('on a host with $name', (toolbox) => {
  test('a first deploy serves, a second one replaces it and keeps the old container', async () => {
    const host = await machine(toolbox)
    const first = await deployTo(host, image, { version: 'one', services: [web(host), worker] })
    expect(await host.answer()).toBe('one')
    expect(first).toMatchObject({ downtimeMs: 0, stopped: [] })

    const second = await deployTo(host, image, { version: 'two', services: [web(host), worker] })
    expect(await host.answer()).toBe('two')
    expect(second.previous).toBe(first.release)
    expect(second.downtimeMs).toBeGreaterThan(0)
    expect(second.services[0]?.health).toBe(`http://127.0.0.1:${host.port}/ 200`)
    expect(await host.containers()).toMatchObject([
      { service: 'web', release: first.release, state: 'exited' },
      { service: 'web', release: second.release, state: 'running' },
      { service: 'worker', release: first.release, state: 'exited' },
      { service: 'worker', release: second.release, state: 'running' },
    ])
    expect(await host.ask(`cat ${pathsOf(host).current} ${pathsOf(host).previous}`)).toBe(`${second.release}\n${first.release}`)
  })

  test('a new version that is not healthy goes back to the old one, and the last answer is told', async () => {
    const host = await machine(toolbox)
    const first = await deployTo(host, image, { version: 'one', services: [web(host), worker] })
    const health = { kind: 'http' as const, path: '/', intervalMs: 100, timeoutMs: 500, settleMs: 0 }
    const error = await failureOf(deployTo(host, image, { version: 'two', services: [worker, web(host, { env: { MODE: 'sick' }, health })] }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.message).toContain(`release ${first.release} serves`)
    expect(error.hint).toContain(`http://127.0.0.1:${host.port}/ answered 404`)
    expect(error.hint).toContain('starting two')
    expect(await host.answer()).toBe('one')
    expect(await running(host)).toEqual([`web ${first.release}`, `worker ${first.release}`])
    expect(stepsOf(host).at(-1)).toBe('end undone')
  })

  test('a new version that ends at once fails at once, with its exit code and last words', async () => {
    const host = await machine(toolbox)
    await deployTo(host, image, { version: 'one' })
    const health = { kind: 'http' as const, path: '/', intervalMs: 100, timeoutMs: 100_000, settleMs: 0 }
    const error = await failureOf(deployTo(host, image, { version: 'two', services: [web(host, { env: { MODE: 'crash' }, health })] }))
    expect(error.hint).toContain('exit code 3')
    expect(error.hint).toContain('boom: no "configuration" in \\tmp, 50% done')
    expect(await host.answer()).toBe('one')
  })

  test('values that a shell could take for code arrive as they are', async () => {
    const host = await machine(toolbox)
    const hostile = ['$(touch /tmp/x)', '`id`', `it's "quoted"`, 'a\nb\n', '-leading', '%s %d %%', '\\n \\\\', 'ā\u0081é😀', ' * ? [a] ~ ', '${HOME}', '']
    const env = Object.fromEntries(hostile.map((value, index) => [`H${index}`, value]))
    const labels = Object.fromEntries(hostile.map((value, index) => [`h${index}`, value]))
    const secrets = Object.fromEntries(hostile.map((value, index) => [`S${index}`, value]))
    const service = { ...worker, env, labels, secrets: Object.keys(secrets), entrypoint: ['/bin/sleep', '60'], command: hostile }
    // sleep refuses such arguments: that the container was made with them is what is looked at.
    await failureOf(deployTo(host, image, { version: 'one', secrets, services: [{ ...service, options: ['--cidfile', `${host.stateRoot}/cid`] }] }))
    const alive = { ...service, entrypoint: ['/bin/sh', '-c', 'sleep 60', 'sh'] }
    await deployTo(host, image, { version: 'one', secrets, services: [alive] })
    const [container] = await host.containers()
    const seen: unknown = JSON.parse(await docker('inspect', '--format', '{{json .}}', container?.name ?? ''))
    expect(seen).toMatchObject({
      Args: ['-c', 'sleep 60', 'sh', ...hostile],
      Config: {
        Env: expect.arrayContaining([...Object.entries(env), ...Object.entries(secrets)].map(([name, value]) => `${name}=${value}`)) as string[],
        Labels: labels,
      },
    })
  })

  test('whatever a killed program had done, the next deploy leaves one version serving', async () => {
    const host = await machine(toolbox)
    const services = [web(host), worker]
    const deployNext = (version: string): ReturnType<typeof deployTo> => deployTo(host, image, { version, services, keep: 2 })
    await deployNext('first')
    const docker = killer(host.bin)
    docker.arm(0, 'before')
    await deployNext('second')
    const calls = docker.disarm()
    expect(calls).toBeGreaterThan(10)
    // Each call on dash; on the others a few, since it is the same program.
    const step = toolbox.shell === 'dash' && toolbox.probe === 'curl' ? 1 : 5
    for (let call = 1; call <= calls; call += step) {
      docker.arm(call, call % 2 === 0 ? 'before' : 'after')
      await failureOf(deployNext('killed'))
      docker.disarm()
      expect((await running(host)).some((one) => one.startsWith('worker')), `a worker after call ${call}`).toBe(true)
      const { release } = await deployNext(`after ${call}`)
      expect(await running(host), `after call ${call}`).toEqual([`web ${release}`, `worker ${release}`])
      expect(await host.answer()).toBe(`after ${call}`)
    }
  })
})

const kinds = [
  ['bookworm', 'deploy'],
  ['trixie', 'deploy'],
  ['forky', 'root'],
] as const

describe.each(kinds)('on a host of the lab, %s as %s', (suite, user) => {
  test('a deploy serves, an unhealthy one goes back', async () => {
    await using host = labHost(lab.hosts[suite]?.container ?? '', user, 8099)
    const first = await deployTo(host, image, { version: 'one', services: [web(host), { ...worker, networks: [`${host.app}-a`, `${host.app}-b`] }] })
    const second = await deployTo(host, image, { version: 'two', services: [web(host), worker] })
    expect(await host.answer()).toBe('two')
    expect(second.previous).toBe(first.release)
    const options = ['--health-cmd', 'echo it hurts; false', '--health-interval', '1s', '--health-retries', '1']
    const error = await failureOf(deployTo(host, image, { version: 'three', services: [web(host), { ...worker, options }] }))
    expect(error.hint).toContain('health check (exit 1): it hurts')
    expect(await host.answer()).toBe('two')
  })
})

describe('what comes in the way', () => {
  test('a port that another program takes after the look: the old version serves again', async () => {
    const host = await machine()
    await deployTo(host, image, { version: 'one', services: [worker] })
    const [port = 0] = await freePorts(1)
    const name = `${host.app}-squatter`
    const squat = (): Promise<string> =>
      docker('run', '--detach', '--label', `launchway.app=${host.app}`, '--name', name, '--publish', `127.0.0.1:${port}:8000`, image.repository)
    const error = await failureOf(
      deployTo(host, image, { version: 'two', services: [worker, web(host, { publish: `127.0.0.1:${port}` })] }, { beforeLaunch: squat }),
    )
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.hint).toMatch(/port is already allocated|address already in use/)
    expect((await running(host)).filter((one) => one.startsWith('worker'))).toHaveLength(1)
  })

  test('an image that the registry does not have', async () => {
    const host = await machine()
    const error = await failureOf(deployTo(host, { ...image, digest: `sha256:${'0'.repeat(64)}` }, { version: 'one' }))
    expect(error).toMatchObject({ code: 'PULL_FAILED' })
    expect(error.hint).toMatch(/manifest unknown|not found/)
    expect(stepsOf(host).at(-1)).toBe('end failed')
  })

  test('a registry that asks for a login: refused without it and with a wrong one, used and forgotten with it', async () => {
    const { address, username, password } = lab.secureRegistry
    const guarded = await pushTestImage(address, { username, password })
    await docker('image', 'rm', '--force', guarded.repository, `${guarded.repository}@${guarded.digest}`)
    const host = await machine()
    expect((await failureOf(deployTo(host, guarded, { version: 'one' }))).hint).toMatch(/no basic auth credentials|unauthorized|denied/)
    const wrong = await failureOf(deployTo(host, guarded, { version: 'one', login: { username, password: 'wrong-pass' } }))
    expect(wrong.hint).toContain(`login to ${address} failed`)
    await deployTo(host, guarded, { version: 'one', login: { username, password } })
    expect(await host.answer()).toBe('one')
    expect(await host.ask(`grep -rlF '${password}' '${host.stateRoot}' || echo nowhere`)).toBe('nowhere')
    expect(await host.ask(`ls ${pathsOf(host).home}/attempts | wc -l`).catch(() => '')).toBe('')
  })

  test.skipIf(process.getuid?.() !== 0)('a disk that is full before, or fills up in the middle', async () => {
    const host = await machine()
    await docker('version')
    const { execFileSync } = await import('node:child_process')
    execFileSync('mkdir', ['-p', host.stateRoot])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', host.stateRoot])
    try {
      await deployTo(host, image, { version: 'one' })
      const fill = (): void => void host.ask(`dd if=/dev/zero of='${host.stateRoot}/filler' bs=1024 2> /dev/null || true`)
      let filled = false
      const onLine = (line: string): void => {
        if (filled || !line.includes('"step":"pull"')) return
        filled = true
        execFileSync('sh', ['-c', `dd if=/dev/zero of='${host.stateRoot}/filler' bs=1024 2> /dev/null || true`])
      }
      const middle = await failureOf(deployTo(host, image, { version: 'two' }, { onLine }))
      expect(middle).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
      expect(middle.hint).toContain('of disk are free')
      expect(await host.answer()).toBe('one')
      void fill
      const before = await failureOf(deployTo(host, image, { version: 'three' }))
      expect(before.code).toMatch(/COMMAND_FAILED|DEPLOY_ROLLED_BACK/)
      expect(await host.answer()).toBe('one')
      execFileSync('rm', [`${host.stateRoot}/filler`])
      await deployTo(host, image, { version: 'four' })
      expect(await host.answer()).toBe('four')
    } finally {
      execFileSync('umount', ['-l', host.stateRoot])
    }
  })

  test('a journal whose last line was cut off goes on with a line of its own', async () => {
    const host = await machine()
    await deployTo(host, image, { version: 'one' })
    await host.ask(`printf '{"v":1,"at":17' >> ${pathsOf(host).journal}`)
    await deployTo(host, image, { version: 'two' })
    const lines = journalOf(host).trim().split('\n')
    expect(lines.filter((line) => !line.endsWith('}'))).toEqual(['{"v":1,"at":17'])
    expect(lines.at(-1)).toContain('"step":"end","state":"done"')
  })
})

describe('two deploys', () => {
  test('the second is told who holds the lock, also when both have looked at the host before', async () => {
    const host = await machine()
    let begun: () => void = () => {}
    const first: { done: Promise<unknown> } = { done: Promise.resolve() }
    const slow: Wish = {
      version: 'one',
      who: 'grace@desk',
      services: [web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 3000 } })],
    }
    const beforeLaunch = async (): Promise<void> => {
      const started = new Promise<void>((resolve) => (begun = resolve))
      first.done = deployTo(host, image, slow, { onLine: (line) => line.includes('"step":"run","state":"done"') && begun() })
      await started
    }
    const raced = await failureOf(deployTo(host, image, { version: 'two' }, { beforeLaunch }))
    const late = await failureOf(deployTo(host, image, { version: 'three' }))
    for (const error of [raced, late]) {
      expect(error).toMatchObject({ code: 'DEPLOY_LOCKED' })
      expect(error.hint).toContain('Held by grace@desk, release 2026')
    }
    await first.done
    expect(await host.answer()).toBe('one')
  })

  test('a plan that was made before somebody else deployed is not performed', async () => {
    const host = await machine()
    const beforeLaunch = (): Promise<unknown> => deployTo(host, image, { version: 'one' })
    const error = await failureOf(deployTo(host, image, { version: 'two' }, { beforeLaunch }))
    expect(error).toMatchObject({ code: 'DEPLOY_LOCKED' })
    expect(error.hint).toContain('somebody deployed in between')
    expect(await host.answer()).toBe('one')
  })
})

test('a program whose client is gone goes on to its end, and another client can join it', async () => {
  const host = await machine()
  const seen: string[] = []
  const services = [web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 1500 } })]
  const cut = deployTo(host, image, { version: 'one', services }, { cutAt: /"step":"run","state":"done"/, onLine: (line) => seen.push(line) })
  await expect(cut).rejects.toThrow('the connection broke')
  const [, release = '', attempt = ''] = /"release":"([^"]+)","attempt":"([^"]+)"/.exec(seen.join('\n')) ?? []
  const home = { app: host.app, environment: environmentName, stateRoot: host.stateRoot }
  const joined = attachProgram({ ...home, release, attempt, slot: 'a', keep: 5, by: 'ada@laptop' })
  const twice = await Promise.all([host.ask(joined), host.ask(joined)])
  for (const lines of twice) {
    expect(lines.split('\n')[0]).toContain('"step":"lock","state":"done"')
    expect(lines.split('\n').at(-1)).toContain('"step":"end","state":"done"')
  }
  expect(await host.answer()).toBe('one')
  expect(await host.ask(joined), 'also when it has long ended').toBe(twice[0])
})

test('secrets stand in one file for its owner, and in the environment of the container', async () => {
  const host = await machine()
  const value = `-----BEGIN\n${host.app}'s $ecret\n-----END\n`
  const marker = `${host.app}'s`
  const seen: string[] = []
  const look = setInterval(() => {
    for (const pid of existsSync('/proc') ? pids() : []) seen.push(commandLine(pid))
  }, 20)
  try {
    await deployTo(host, image, { version: 'one', secrets: { KEY: value }, services: [web(host, { secrets: ['KEY'] })] })
  } finally {
    clearInterval(look)
  }
  expect(seen.some((line) => line.includes('docker') && line.includes(host.app)), 'the call of docker was seen').toBe(true)
  expect(seen.filter((line) => line.includes(marker))).toEqual([])
  expect(await host.ask(`grep -rl "${host.app}.*cret" '${host.stateRoot}'`)).toMatch(/^\S+\/secrets$/)
  expect(statSync((await host.ask(`echo '${host.stateRoot}'/*/*/releases/*/secrets`)).trim()).mode & 0o777).toBe(0o600)
  const [container] = await host.containers()
  expect(await docker('exec', container?.name ?? '', 'sh', '-c', 'printf %s. "$KEY"')).toBe(`${value}.`)
})

function pids(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

test('releases beyond those that are kept go, failed ones do not count', async () => {
  const host = await machine()
  const kept: string[] = []
  for (const version of ['one', 'two', 'three']) {
    kept.push((await deployTo(host, image, { version, services: [worker], keep: 2 })).release)
    await failureOf(deployTo(host, image, { version: 'bad', services: [{ ...worker, env: { MODE: 'crash' }, health: { kind: 'container', timeoutMs: 5000, settleMs: 1000 } }], keep: 2 }))
  }
  await deployTo(host, image, { version: 'four', services: [worker], keep: 2 })
  expect((await host.containers()).map(({ release }) => release)).toHaveLength(2)
  expect((await host.containers())[0]?.release).toBe(kept.at(-1))
})
