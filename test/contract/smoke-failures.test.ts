import { describe, expect, it } from 'vitest'
import { call, docker } from '../../lab/run.ts'
import { smokeLabels } from '../../src/core/names.ts'
import { failureOf } from './support/errors.ts'
import { setEnv } from './support/folder.ts'
import { app, type Asked, leftovers, repository, smokeTest, withImage } from './support/smoke.ts'

withImage()

const failing = (asked: Asked) => failureOf(smokeTest(asked))
const service = (settings: string): Record<string, string> => ({
  'compose.yml': `services:\n  web:\n    image: ${repository}\n${settings.replaceAll(/^/gm, '    ')}\n`,
})

describe('a stack that does not come up', () => {
  it('because a service is unhealthy, says so at once, with what its health check said', async () => {
    const failure = await failing({
      files: service('healthcheck: { test: [CMD-SHELL, "echo no database; exit 7"], interval: 200ms, retries: 2 }'),
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web is unhealthy' })
    expect(failure.hint).toContain('its last health check (exit code 7): no database')
    expect(failure.part?.smoke).toMatchObject({ verdict: 'failed', services: [{ name: 'web', state: 'unhealthy' }] })
    expect(await leftovers()).toEqual([])
  })

  it('because a service crashes again and again, says how often and shows its last life alone', async () => {
    const failure = await failing({ files: service('restart: unless-stopped\ncommand: [sh, -c, "echo starting; echo boom >&2; exit 3"]') })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web exited with code 3, after 8 restarts' })
    expect(failure.hint?.match(/boom/g)).toHaveLength(1)
    expect(failure.part?.smoke?.services).toMatchObject([{ state: 'exited 3 after 8 restarts' }])
  })

  it('because a service has ended that is meant to stay, says so, however well it ended', async () => {
    const failure = await failing({ files: service('restart: unless-stopped\ncommand: [sh, -c, "echo into the background; exit 0"]') })
    expect(failure).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: 'web exited with code 0, and is meant to stay: restart: unless-stopped',
    })
    expect(failure.hint).toContain('into the background')
  })

  it('shows the log of a service with a terminal, too', async () => {
    const failure = await failing({ files: service('tty: true\ncommand: [sh, -c, "echo on a terminal; exit 3"]') })
    expect(failure.hint).toContain('\n  on a terminal')
  })

  it('because of a dependency, names that one and not who waited for it', async () => {
    const failure = await failing({
      files: {
        'compose.yml': `
services:
  db: { image: "${repository}", command: [sh, -c, "echo no space left; exit 9"], healthcheck: { test: [CMD, "true"] } }
  web: { image: "${repository}", depends_on: { db: { condition: service_healthy } } }
`,
      },
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'db exited with code 9' })
    expect(failure.hint).toContain('no space left')
  })

  it('because a command is not there, says what the engine said', async () => {
    const failure = await failing({ files: service('command: [no-such-program]') })
    expect(failure).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: expect.stringMatching(/^web could not be started: .*no-such-program/),
    })
  })

  it('because an image cannot be had, says what compose said', async () => {
    const files = service('depends_on: [db]')
    const failure = await failing({ files: { 'compose.yml': `${files['compose.yml'] ?? ''}  db: { image: registry.invalid/no-such }\n` } })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'the stack could not be made' })
    expect(failure.hint).toContain('registry.invalid')
  })

  it('in the time it has, says what it still waited for', async () => {
    const failure = await failing({
      files: service(
        'healthcheck: { test: [CMD, "false"], interval: 1s, start_period: 60s }\ncommand: [sh, -c, "echo still warming up; sleep 1000"]',
      ),
      smoke: 'timeout: 3s',
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'the stack was not up after 3.0 s: web is not healthy yet' })
    expect(failure.hint).toContain('still warming up')
    expect(await leftovers()).toEqual([])
  })

  it('and dies while the checks are asked, ends them at once', async () => {
    const failure = await failing({
      files: service('command: [sh, -c, "sleep 1; echo out of luck; exit 4"]'),
      smoke: 'checks: [{ http: "http://web:8000/", timeout: 10m }]',
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web exited with code 4' })
    expect(failure.hint).toContain('out of luck')
  })

  it.each([
    ['without checks', ''],
    ['and a check that connects', 'checks: [{ tcp: "web:8000" }]'],
  ])('because a server that listens cannot load its application, is told %s', async (_, smoke) => {
    const files = service('ports: ["80:8000"]\ncommand: [sh, -c, "httpd -p 8000 -h /www; sleep 1; echo no such module; exit 3"]')
    const failure = await failing({ files, smoke })
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

describe('a check that fails', () => {
  it('says what was asked, wanted and answered, with the end of the log', async () => {
    const failure = await failing({
      files: service('command: [sh, -c, "echo serving; exec httpd -f -v -p 8000 -h /www"]'),
      smoke: `
checks:
  - { http: "http://web:8000/", contains: welcome, status: 201, headers: { X-Version: "2" }, timeout: 1s }
  - { exec: web, command: [sh, -c, "echo PANG; exit 0"], stdout: PONG, timeout: 1s, name: pong }
  - { log: web, matches: never, timeout: 1s }
  - { http: "http://web:8001/", timeout: 1s, name: nobody }
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

describe('compose files that cannot be tested', () => {
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

describe('a machine without an engine', () => {
  it('is told as that', async () => {
    using _ = setEnv({ DOCKER_HOST: 'unix:///no/such.sock' })
    expect(await failing({ files: service('') })).toMatchObject({ code: 'TOOL_MISSING', hint: expect.stringContaining('DOCKER_HOST') })
  })
})

describe('what was built', () => {
  it('must be what runs', async () => {
    expect(await failing({ files: service(''), built: `sha256:${'0'.repeat(64)}` })).toMatchObject({ code: 'DIGEST_MISMATCH' })
  })
})

describe('a run that is cancelled', () => {
  /** Waits until there is a container of this application that is as it says. */
  async function appears(status: string): Promise<void> {
    const filters = ['--filter', `label=${smokeLabels.project}`, '--filter', `status=${status}`]
    while (!(await docker('ps', '--all', ...filters, '--format', '{{.Names}}')).includes(app)) continue
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
  it('is removed by the next one when its process is gone, and kept when it is not', async () => {
    const left = async (name: string, owner: string): Promise<void> => {
      const labels = ['--label', `${smokeLabels.project}=${name}`, '--label', `${smokeLabels.owner}=${owner}`]
      await docker('network', 'create', ...labels, name)
      await docker('volume', 'create', ...labels, name)
      await docker('run', '--detach', ...labels, '--name', name, '--network', name, '--volume', `${name}:/data`, `${repository}-base`)
    }
    await left(`${app}-dead`, 'a')
    await left(`${app}-alive`, 'b')
    try {
      await smokeTest({ files: service(''), isGone: (owner) => owner === 'a' })
      expect(new Set(await leftovers())).toEqual(new Set([`${app}-alive ${app}-alive`, `${app}-alive`]))
    } finally {
      await smokeTest({ files: service(''), isGone: (owner) => ['a', 'b'].includes(owner) })
    }
    expect(await leftovers()).toEqual([])
  })

  it('is not known by the age of its images: a build that was cached has the time of its layers', async () => {
    const name = `${app}-cached`
    const labels = ['--label', `${smokeLabels.project}=${name}`, '--label', `${smokeLabels.owner}=c`]
    const stdin = `FROM ${repository}-base\nCMD ["sleep", "1000"]\n`
    await call('docker', ['build', '--quiet', '--build-arg', 'SOURCE_DATE_EPOCH=1000000000', ...labels, '--tag', name, '-'], { stdin })
    try {
      expect(await docker('image', 'inspect', '--format', '{{.Created}}', name)).toContain('2001-')
      await docker('run', '--detach', ...labels, '--name', name, name)
      await smokeTest({ files: service(''), isGone: () => false })
      expect(await leftovers()).toEqual([`${name} ${name}`, name])
    } finally {
      await smokeTest({ files: service(''), isGone: (owner) => owner === 'c' })
    }
    expect(await leftovers()).toEqual([])
  })
})
