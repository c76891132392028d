import { describe, expect, it } from 'vitest'
import { call, docker } from '../../lab/run.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { smokeLabels } from '../../src/core/names.ts'
import type { Clock } from '../../src/core/ports.ts'
import { removeLeftovers } from '../../src/smoke/clean.ts'
import { failureOf } from './support/errors.ts'
import { setEnv } from './support/folder.ts'
import { eventually } from './support/processes.ts'
import { app, type Asked, leftovers, repository, smokePorts, smokeTest, withImage } from './support/smoke.ts'

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

withImage()

const failing = (asked: Asked) => failureOf(smokeTest(asked))
const service = (settings: string): Record<string, string> => ({
  'compose.yml': `services:\n  web:\n    image: ${repository}\n${settings.replaceAll(/^/gm, '    ')}\n`,
})

// They wait for their stacks, each for its own.
describe.concurrent('a stack that does not come up', () => {
  it('because a service crashes again and again, says how often and shows its last life alone', async () => {
    const failure = await failing({ files: service('restart: on-failure:3\ncommand: [sh, -c, "echo starting; echo boom >&2; exit 3"]') })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web exited with code 3, after 3 restarts' })
    expect(failure.hint?.match(/boom/g)).toHaveLength(1)
    expect(failure.part?.smoke?.services).toMatchObject([{ state: 'exited 3 after 3 restarts' }])
  })

  // The engine waits longer before each start, 25 s in all.
  it('because a service that is restarted for ever crashes for ever, ends it after some restarts', async ({ skip }) => {
    skip(!isCampaign, 'half a minute; part of the campaign')
    const failure = await failing({ files: service('restart: always\ncommand: [sh, -c, "echo no database; exit 3"]') })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web exited with code 3, after 8 restarts' })
  })

  it('because a service has ended that is meant to stay, says so, however well it ended', async () => {
    const failure = await failing({ files: service('restart: unless-stopped\ncommand: [sh, -c, "echo into the background; exit 0"]') })
    expect(failure).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: 'web exited with code 0, and is meant to stay: restart: unless-stopped',
    })
    expect(failure.hint).toContain('into the background')
  })

  it('because of a dependency, names that one and not who waited for it; a terminal hides none of its log', async () => {
    const failure = await failing({
      files: {
        'compose.yml': `
services:
  db: { image: "${repository}", tty: true, command: [sh, -c, "echo no space left; exit 9"], healthcheck: { test: [CMD, "true"] } }
  web: { image: "${repository}", depends_on: { db: { condition: service_healthy } } }
`,
      },
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'db exited with code 9' })
    expect(failure.hint).toContain('\n  no space left')
  })

  it('because a command is not there, says what the engine said', async () => {
    const failure = await failing({ files: service('command: [no-such-program]') })
    expect(failure).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: expect.stringMatching(/^web could not be started: .*no-such-program/),
    })
  })

  it('because an image cannot be had, names it and its service, and says what compose said', async () => {
    const files = service('depends_on: [db]')
    const failure = await failing({ files: { 'compose.yml': `${files['compose.yml'] ?? ''}  db: { image: registry.invalid/no-such }\n` } })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'the image registry.invalid/no-such of db could not be had' })
    expect(failure.hint).toContain('registry.invalid')
  })

  it('in the time it has, says what it still waited for: also a health check without an end', async () => {
    const failure = await failing({
      files: {
        'compose.yml': `
services:
  web:
    image: "${repository}"
    healthcheck: { test: [CMD, "false"], interval: 1s, start_period: 60s }
    command: [sh, -c, "echo still warming up; sleep 1000"]
  worker: { image: "${repository}", healthcheck: { test: [CMD, sleep, "1000"], timeout: 10m } }
`,
      },
      smoke: 'timeout: 5s',
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: expect.stringMatching(/^the stack was not up after 5\.0 s: /) })
    for (const name of ['web', 'worker']) expect(failure.message).toContain(`${name} is not healthy yet`)
    expect(failure.hint).toContain('state: running')
  })

  it('and dies while the checks are asked, ends them at once, and says so before what is left is taken down', async () => {
    const said: { line: string; there: Promise<string[]> }[] = []
    const failure = await failing({
      files: service('command: [sh, -c, "sleep 1; echo out of luck; exit 4"]'),
      smoke: 'checks: [{ http: "http://web:8000/", timeout: 10m }]',
      onLine: (line) => said.push({ line, there: leftovers() }),
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web exited with code 4' })
    expect(failure.hint).toContain('out of luck')
    const first = said.find(({ line }) => line === 'failed: web exited with code 4')
    expect((await first?.there)?.join('\n')).toContain(failure.part?.smoke?.project)
  })

  it('because a server that listens cannot load its application, is told though somebody listened', async () => {
    const files = service('ports: ["80:8000"]\ncommand: [sh, -c, "httpd -p 8000 -h /www; sleep 1; echo no such module; exit 3"]')
    const failure = await failing({ files })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web exited with code 3' })
    expect(failure.hint).toContain('no such module')
  })

  it('shows no secret that came from an env_file, the environment or a URL', async () => {
    using _ = setEnv({ STEP_TOKEN: 'of-the-step' })
    const failure = await failing({
      files: {
        'compose.yml': `
services:
  web:
    image: ${repository}
    env_file: [.secrets]
    environment: { DATABASE_URL: "postgres://app:p4ss%2Fword@db/app", SETTINGS: "key=\${STEP_TOKEN}" }
    command: [sh, -c, 'env; exit 1']
`,
        '.secrets': 'API_TOKEN=tok-1234567\n',
      },
      secrets: { STEP_TOKEN: 'of-the-step' },
    })
    expect(failure.hint).toContain('DATABASE_URL=')
    for (const secret of ['tok-1234567', 'p4ss%2Fword', 'p4ss/word', 'of-the-step']) expect(failure.hint).not.toContain(secret)
  })
})

describe.concurrent('a check that fails', () => {
  it('says what was asked, wanted and answered, with the end of the log', async () => {
    const failure = await failing({
      files: service('command: [sh, -c, "echo serving; exec httpd -f -v -p 8000 -h /www"]'),
      smoke: `
checks:
  - { http: "http://web:8000/", contains: welcome, status: 201, headers: { X-Version: "2" }, timeout: 4s }
  - { exec: web, command: [sh, -c, "echo PANG; exit 0"], stdout: PONG, timeout: 4s, name: pong }
  - { log: web, matches: never, timeout: 4s }
  - { http: "http://web:8001/", timeout: 4s, name: nobody }
  - { http: "http://web:8000/", name: fine }
`,
    })
    expect(failure).toMatchObject({ code: 'SMOKE_CHECK_FAILED', message: expect.stringMatching(/^4 checks failed: /) })
    const hint = failure.hint ?? ''
    for (const part of [
      'GET http://web:8000/',
      'wanted: status 201',
      'wanted: a body with "welcome"',
      'wanted: the header x-version: 2',
      'answered: 200',
      'it works',
      'wanted: a standard output with "PONG"',
      'PANG',
      'no line of the log matches never',
      'the end of the log of web:\n  serving',
    ])
      expect(hint).toContain(part)
    expect(failure.part?.smoke?.checks.filter(({ passed }) => passed).map(({ name }) => name)).toEqual(['fine'])
  })

  it('is also a step before the checks that fails, with what it said', async () => {
    const failure = await failing({ files: service(''), smoke: 'prepare: [{ run: web, command: [sh, -c, "echo no such table; exit 5"] }]' })
    expect(failure).toMatchObject({
      code: 'SMOKE_CHECK_FAILED',
      message: 'run web: sh -c echo no such table; exit 5 ended with exit code 5',
      hint: 'no such table',
    })
  })
})

describe.concurrent('compose files that cannot be tested', () => {
  it('ask for a variable that has no value: the error names it, and the place', async () => {
    expect(await failing({ files: service('environment: { A: "${MISSING_ONE:?say which}" }') })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'compose.yml asks for the variable MISSING_ONE, which has no value',
      place: { file: 'compose.yml', line: 4 },
      hint: expect.stringContaining('say which'),
    })
  })

  it.each([
    ['are not there', {}, /cannot read compose\.yml/, /no such file/],
    ['have a key that compose does not know', service('imagee: x'), /cannot read compose\.yml/, /imagee/],
  ])('%s', async (_, files, message, hint) => {
    expect(await failing({ files })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })

  it.each([
    ['are for something else', '', 'compose.yml, which launchway found by itself,'],
    ['are not those of the release', 'compose: compose.yml', 'compose.yml'],
  ])('%s', async (_, smoke, files) => {
    const failure = await failing({ files: { 'compose.yml': 'services: { db: { image: "postgres:15" } }' }, smoke })
    expect(failure).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `no service of ${files} runs the image app, so nothing would test it`,
      hint: expect.stringContaining('db: image: postgres:15'),
    })
    expect(failure.hint).toMatch(/^ {2}smoke: false /m)
    expect(failure.hint).toMatch(/^ {2}smoke: \{ compose: other\.yaml \} /m)
  })
})

describe.concurrent('what was built', () => {
  it('must be what runs', async () => {
    expect(await failing({ files: service(''), built: `sha256:${'0'.repeat(64)}` })).toMatchObject({ code: 'DIGEST_MISMATCH' })
  })
})

describe('a machine without an engine', () => {
  it('is told as that', async () => {
    using _ = setEnv({ DOCKER_HOST: 'unix:///no/such.sock' })
    expect(await failing({ files: service('') })).toMatchObject({ code: 'TOOL_MISSING', hint: expect.stringContaining('DOCKER_HOST') })
  })
})

describe('a run that is cancelled', () => {
  /** Waits until there is a container of this application that is as it says. */
  async function appears(status: string): Promise<void> {
    const filters = ['--filter', `label=${smokeLabels.project}`, '--filter', `status=${status}`]
    await eventually(async () => (await docker('ps', '--all', ...filters, '--format', '{{.Names}}')).includes(app))
  }

  it.each([
    ['while the stack is made', service(''), '', 'created'],
    ['while the stack starts', service('healthcheck: { test: [CMD, "false"], interval: 60s }'), '', 'running'],
    ['while a step is at work', service(''), 'prepare: [{ run: web, command: [sleep, "1000"] }]', 'running'],
  ])('%s leaves nothing, and is told as cancelled', async (_, files, smoke, status) => {
    const cancel = new AbortController()
    const reason = new Error('cancelled by the test')
    const run = smokeTest({ files, smoke, signal: cancel.signal })
    await Promise.all([expect(run).rejects.toBe(reason), appears(status).then(() => cancel.abort(reason))])
    expect(await leftovers()).toEqual([])
  })
})

describe('what a killed run left behind', () => {
  /** As each run does before its own stack. */
  const clear = (isGone: (owner: string) => boolean | undefined, clock = systemClock): Promise<void> =>
    removeLeftovers(smokePorts({ isGone, clock }, '/nowhere').ports)
  const left = async (name: string, owner: string): Promise<void> => {
    const labels = ['--label', `${smokeLabels.project}=${name}`, '--label', `${smokeLabels.owner}=${owner}`]
    await docker('network', 'create', ...labels, name)
    await docker('volume', 'create', ...labels, name)
    await docker('run', '--detach', ...labels, '--name', name, '--network', name, '--volume', `${name}:/data`, `${repository}-base`)
  }

  it('is removed by its age where its process cannot be seen from here', async () => {
    const owner = `${app}-elsewhere`
    await left(owner, owner)
    // All others on this engine are at work.
    const unseen = (one: string): boolean | undefined => (one === owner ? undefined : false)
    const later = (hours: number): Clock => ({ ...systemClock, now: () => new Date(Date.now() + hours * 3_600_000) })
    await clear(unseen, later(1))
    expect(new Set(await leftovers(owner))).toEqual(new Set([`${owner} ${owner}`, owner]))
    await clear(unseen, later(3))
    expect(await leftovers(owner)).toEqual([])
  })

  it('is removed by the next one when its process is gone, and kept when it is not', async () => {
    await Promise.all([left(`${app}-dead`, 'a'), left(`${app}-alive`, 'b')])
    await clear((owner) => owner === 'a')
    expect(new Set(await leftovers())).toEqual(new Set([`${app}-alive ${app}-alive`, `${app}-alive`]))
    await clear((owner) => owner === 'b')
    expect(await leftovers()).toEqual([])
  })

  it('is not known by the age of its images: a build that was cached has the time of its layers', async () => {
    const name = `${app}-cached`
    const labels = ['--label', `${smokeLabels.project}=${name}`, '--label', `${smokeLabels.owner}=c`]
    const stdin = `FROM ${repository}-base\nCMD ["sleep", "1000"]\n`
    await call('docker', ['build', '--quiet', '--build-arg', 'SOURCE_DATE_EPOCH=1000000000', ...labels, '--tag', name, '-'], { stdin })
    expect(await docker('image', 'inspect', '--format', '{{.Created}}', name)).toContain('2001-')
    await docker('run', '--detach', ...labels, '--name', name, name)
    await clear(() => false)
    expect(await leftovers()).toEqual([`${name} ${name}`, name])
    await clear((owner) => owner === 'c')
    expect(await leftovers()).toEqual([])
  })
})
