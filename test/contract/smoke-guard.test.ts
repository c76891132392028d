import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request as ask } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { docker } from '../../lab/run.ts'
import { fastClock } from '../fakes/clock.ts'
import { failureOf } from './support/errors.ts'
import { openOwnRegistry } from './support/own-registry.ts'
import { eventually } from './support/processes.ts'
import { app, type Asked, base, compose, recordedTree, repository, smokeTest, web, withImage } from './support/smoke.ts'

withImage()

const failing = (asked: Asked) => failureOf(smokeTest(asked))

/** A Dockerfile whose build does not end; no other run has come to the end of it. */
const endless = `FROM ${base}\nRUN ["sh", "-c", "sleep 1000; echo ${app}"]\n`

// They wait for their stacks, each for its own.
describe.concurrent('an image of the release', () => {
  it.each([['scale: 0'], ['deploy: { replicas: 0 }']])('that no container has is not passed: %s', async (settings) => {
    const failure = await failing({ files: compose(`web: { image: "${repository}", ${settings} }\ndb: { image: "${base}" }`) })
    expect(failure).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'no container of web runs the image app, so nothing would test it',
      hint: expect.stringContaining('scale: { web: 1 }'),
    })
  })

  it('may run in a step or a check alone', async () => {
    const files = compose(`web: { image: "${repository}", scale: 0 }\ndb: { image: "${base}" }`)
    const smoke = 'checks: [{ run: web, command: ["true"] }, { exec: db, command: ["true"], name: other }]'
    for (const wish of [{}, { only: ['other'] }]) expect((await smokeTest({ files, smoke, wish })).section.verdict).toBe('passed')
  })
})

describe.concurrent('what compose builds', () => {
  it('moves no tag of somebody else, whatever its service is called', async ({ onTestFinished }) => {
    const mine = `${repository}-mine:1`
    await docker('tag', base, mine)
    onTestFinished(async () => void (await docker('image', 'rm', '--force', mine)))
    const before = await docker('image', 'inspect', '--format', '{{.Id}}', mine)
    const files = {
      ...compose(`${web}\nHelper: { image: "${repository}-helper", build: { context: helper, network: none, tags: ["${mine}"] } }`),
      'helper/Dockerfile': `FROM ${base}\nLABEL a=b\n`,
    }
    const { section } = await smokeTest({ files, smoke: 'checks: [{ exec: Helper, command: ["true"] }]' })
    expect(section.verdict).toBe('passed')
    expect(await docker('image', 'inspect', '--format', '{{.Id}}', mine)).toBe(before)
  })
})

describe.concurrent('what compose builds on', () => {
  it.each([
    ['the image of the release, whatever its tag', `FROM ${repository}:v3`, ''],
    ['the image of the release, by an argument', `ARG BASE=x\nFROM $BASE`, `, args: { BASE: "${repository}" }`],
    ['the image of the release, which it copies from', `FROM ${base}\nCOPY --from=${repository} /www /www`, ''],
    ['the image of the release, by the parts of its name', `ARG TAG=7\nFROM ${repository}:$\{TAG}`, ''],
    ['the image of the release, as the image of a service', 'FROM below', ', additional_contexts: { below: "service:web" }'],
    ['what another service builds', 'FROM helper.invalid/helper:1', ''],
    ['a stage that is called as another service', `FROM ${repository} AS helper\nFROM helper`, ''],
  ])('%s, is that of this test', async (_, dockerfile, args) => {
    const { section } = await smokeTest({
      files: {
        ...compose(`
web: { image: "${repository}", build: web }
worker: { build: { context: worker, network: none${args} }, command: [cat, /www/index.html] }
helper: { image: "helper.invalid/helper:1", build: helper }
stage: { image: helper, build: helper }`),
        'worker/Dockerfile': `${dockerfile}\n`,
        'helper/Dockerfile': `FROM ${base}\n`,
      },
      smoke: 'checks: [{ log: worker, matches: it works }]',
    })
    expect(section.verdict).toBe('passed')
  })
})

describe.concurrent('variants that write to one folder', () => {
  it('take turns, and say so', async () => {
    const alone = `[sh, -c, "mkdir /data/lock || exit 1; echo alone; sleep 1; rmdir /data/lock; echo done; exec sleep 1000"]`
    const { section, said } = await smokeTest({
      files: compose(`web: { image: "${repository}", volumes: ["./data:/data"], command: ${alone} }`),
      smoke: 'checks: [{ log: web, matches: done }]\nvariants: { first: {}, second: { env: { A: b } } }',
    })
    expect(section.checks.map(({ passed }) => passed)).toEqual([true, true])
    expect(said.filter((line) => /waits for .*\/data/.test(line))).toHaveLength(1)
  })
})

describe.concurrent('a container of the stack', () => {
  it('is reached by the names that it has in production: fixed, by default, and linked', async () => {
    const { section } = await smokeTest({
      files: {
        'compose.yml': `
name: shop
services:
  web: { image: "${repository}", container_name: shop-front }
  other: { image: "${repository}" }
  asking: { image: "${base}", external_links: ["shop-front:front"], command: [sleep, "1000"] }
`,
      },
      smoke: `
checks:
  - { exec: asking, name: by default, command: [wget, -q, -O, "-", "http://shop-other-1:8000/"] }
  - { exec: asking, name: fixed, command: [wget, -q, -O, "-", "http://shop-front:8000/"] }
  - { exec: asking, name: linked, command: [wget, -q, -O, "-", "http://front:8000/"] }
`,
    })
    expect(section.checks.map(({ passed }) => passed)).toEqual([true, true, true])
  })

  it('that somebody else removes while it runs fails the test, and is told', async () => {
    const said: string[] = []
    const failed = failing({
      files: compose(`${web}\nworker: { image: "${base}", command: [sh, -c, "echo at work; sleep 1000"] }`),
      smoke: 'checks: [{ log: web, matches: never, timeout: 1m }]',
      onLine: (line) => said.push(line),
    })
    await eventually(() => said.some((line) => line.startsWith('up in')))
    const all = await docker('ps', '--filter', `name=launchway-smoke-${app}`, '--format', '{{.ID}} {{.Names}}')
    const [, id = ''] = /^(\S+) \S+-worker-1$/m.exec(all) ?? []
    await docker('rm', '--force', id)
    const failure = await failed
    expect(failure).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: expect.stringMatching(/^worker (is|was) removed by somebody else$|^worker exited with code 137, killed$/),
    })
    expect(failure.part?.smoke?.services.map(({ name }) => name)).toEqual(['web', 'worker'])
  })

  it('that takes a step along is told, and what the step said', async () => {
    const failure = await failing({
      files: {
        'compose.yml': `
services:
  web: { image: "${repository}", volumes: ["shared:/shared"] }
  db: { image: "${base}", volumes: ["shared:/shared"], command: [sh, -c, "until [ -e /shared/asked ]; do usleep 20000; done; echo disk full; exit 9"] }
volumes: { shared: }
`,
      },
      smoke: 'prepare: [{ exec: web, command: [sh, -c, "touch /shared/asked; usleep 30000; echo rows: $((6*7)); exit 1"] }]',
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'db exited with code 9' })
    expect(failure.hint).toContain('disk full')
    expect(failure.hint).toMatch(/^exec web: .* ended with exit code 1$/m)
    expect(failure.hint).toContain('rows: 42')
    expect(failure.part?.smoke?.steps).toMatchObject([{ passed: false }])
  })

  it('that dies under one which shares its network is the cause, not that one', async () => {
    const failure = await failing({
      files: compose(`
db: { image: "${base}", command: [sh, -c, "echo no space left; exit 9"] }
side: { image: "${repository}", network_mode: "service:db" }`),
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'db exited with code 9' })
    expect(failure.hint).toContain('no space left')
  })
})

describe.concurrent('what a command said', () => {
  it.each(['exec', 'run'])('is shown by the end of both its streams, of a check of the kind %s', async (kind) => {
    const command =
      'i=0; while [ $$i -lt 500 ]; do echo line $$i; i=$$((i+1)); done; echo last of out; echo ValueError: the cause >&2; exit 1'
    const failure = await failing({
      files: compose(web),
      smoke: `checks: [{ ${kind}: web, command: [sh, -c, "${command.replaceAll('$$', '$')}"], timeout: 2s }]`,
    })
    expect(failure.hint).toContain('ValueError: the cause')
    expect(failure.hint).toContain('last of out')
    expect(failure.hint).not.toMatch(/^ *line 1$/m)
  })
})

describe.concurrent('the project as it is started', () => {
  it('is kept before anything is made of it, also where the test is cancelled then', async () => {
    const cancel = new AbortController()
    const asked = { ...recordedTree({ files: compose(`web: { image: "${repository}" }\nslow: { build: slow }`) }), files: {} }
    const files = { 'slow/Dockerfile': endless }
    const reason = new Error('cancelled by the test')
    const run = smokeTest({ ...asked, files, signal: cancel.signal, onLine: (line) => line.includes('sleep') && cancel.abort(reason) })
    await expect(run).rejects.toBe(reason)
    expect(readFileSync(join(asked.root, '.evidence/smoke/compose.yaml'), 'utf8')).toContain('slow:')
  })
})

describe.concurrent('a file of variables', () => {
  it('of what is included gives no secret away, in a command neither', async () => {
    const { root } = await smokeTest({
      files: {
        'compose.yml': `include: [{ path: sub/db.yml, env_file: sub/own.env }]\nservices: { web: { image: "${repository}" } }\n`,
        'sub/db.yml': `services: { db: { image: "${base}", command: [sh, -c, "echo \${DB_PASSWORD:?}; sleep 1000"] } }\n`,
        'sub/own.env': 'DB_PASSWORD=hush-hush-hush\n',
      },
      smoke: 'checks: [{ log: db, matches: hush }]',
    })
    const kept = ['compose.yaml', 'db.log'].map((name) => readFileSync(join(root, '.evidence/smoke', name), 'utf8')).join()
    expect(kept).toContain('echo ***')
    expect(kept).not.toContain('hush-hush')
  })

  it('of a service that asks for a variable is the place of one that is missing', async () => {
    const files = {
      ...compose(`web: { image: "${repository}", env_file: [of/web.env] }`),
      'of/web.env': 'A=1\nB=${NO_SUCH:?say it}\n',
    }
    expect(await failing({ files })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'of/web.env asks for the variable NO_SUCH, which has no value',
      place: { file: 'of/web.env', line: 2 },
    })
  })
})

describe.concurrent('what takes for ever', () => {
  it('is told as that: the build of an image', async () => {
    const files = { ...compose(`${web}\nslow: { build: slow }`), 'slow/Dockerfile': endless }
    expect(await failing({ files, clock: fastClock(1200) })).toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringMatching(/^compose did not build slow within /),
    })
  })

  it('is told as that: a registry that says nothing', async ({ onTestFinished }) => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => server.closeAllConnections())
    const address = server.address()
    const image = `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/silent:1`
    expect(await failing({ files: compose(`${web}\ndb: { image: "${image}" }`), clock: fastClock(600) })).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: expect.stringMatching(/^the image 127\.0\.0\.1:\d+\/silent:1 of db could not be had within /),
    })
  })
})

describe.concurrent('an image of a registry that asks who it is', () => {
  const [username, password] = ['ada', 'lovelace']
  const side = `${app}/side:1`

  /** A registry with one image, behind a door that wants a login. */
  async function openPrivate(onTestFinished: (end: () => Promise<void>) => void): Promise<string> {
    const registry = await openOwnRegistry({})
    onTestFinished(async () => registry[Symbol.asyncDispose]())
    const there = `${registry.address}/${side}`
    await docker('tag', base, there)
    await docker('push', '--quiet', there)
    await docker('image', 'rm', there)
    const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    const door = createServer((request, response) => {
      if (request.headers.authorization !== wanted) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()
        return
      }
      const [host, port] = registry.address.split(':')
      const { method, url: path, headers } = request
      const passed = ask({ host, port, method, path, headers: { ...headers, authorization: '' } }, (answer) => {
        answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers))
      })
      request.pipe(passed)
    }).listen(0, '127.0.0.1')
    await once(door, 'listening')
    onTestFinished(async () => door.close().closeAllConnections())
    const address = door.address()
    return `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`
  }

  it('is pulled with the login of the configuration, and named where that is not let in', async ({ onTestFinished }) => {
    const host = await openPrivate(onTestFinished)
    const image = `${host}/${side}`
    onTestFinished(async () => void (await docker('image', 'rm', '--force', image)))
    const files = compose(`${web}\ndb: { image: "${image}", pull_policy: always }`)
    expect(await failing({ files, login: { host, username, password: 'wrong' } })).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: `the image ${image} of db could not be had`,
      hint: expect.stringContaining('no basic auth credentials'),
    })
    const { section } = await smokeTest({ files, login: { host, username, password } })
    expect(section.services.map(({ name, state }) => `${name} ${state}`)).toEqual(['db running', 'web running'])
  })
})
