import { chmodSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptBy } from '../../src/core/names.ts'
import { takeDownKept } from '../../src/smoke/index.ts'
import { failureOf } from './support/errors.ts'
import { type Asked, compose, leftovers, recordedTree, repository, smokePorts, smokeTest, web, withImage } from './support/smoke.ts'

withImage()

const failing = (asked: Asked) => failureOf(smokeTest(asked))

// They wait for their stacks, each for its own.
describe.concurrent('the same stack again', () => {
  const files = {
    ...compose(`web: { image: "${repository}", environment: { PASSWORD: hush-hush }, volumes: ["./page.html:/www/page.html:ro"] }`),
    'page.html': 'one\n',
  }
  const smoke = 'checks: [{ http: "http://web:8000/page.html", name: page }]'

  it('is not started, unless it is asked for, or is another; and says when and by whom it was, with no secret in what is written down', async () => {
    const first = await smokeTest({ files, smoke })
    const { root } = first
    const again = await smokeTest({ files, smoke, root })
    expect(again.section).toMatchObject({
      verdict: 'passed',
      checks: [{ name: 'page', passed: true }],
      earlier: { at: expect.stringMatching(/^\d{4}-/), by: 'ada@laptop' },
    })
    expect(again.said.join('\n')).toMatch(/^passed earlier, .* UTC, ada@laptop: the same images, stack and checks$/m)
    expect(again.said.join('\n')).not.toContain('up in')
    const cached = globSync('.cache/**', { cwd: root, withFileTypes: true }).filter((one) => one.isFile())
    expect(cached.length).toBeGreaterThan(0)
    for (const { parentPath, name } of cached) expect(readFileSync(join(parentPath, name), 'utf8')).not.toContain('hush')

    expect((await smokeTest({ files, smoke, root, wish: { fresh: true } })).section.earlier).toBeUndefined()
    const other = { ...files, 'page.html': 'two\n' }
    expect((await smokeTest({ files: other, smoke, root })).section.earlier).toBeUndefined()
    expect((await smokeTest({ files: other, smoke, root })).section.earlier).toBeDefined()
    expect((await smokeTest({ files, smoke, root })).section.earlier).toBeDefined()
    chmodSync(join(root, 'page.html'), 0o604)
    expect((await smokeTest({ files: {}, smoke, root })).section.earlier).toBeUndefined()
  })

  it('is started when it had failed', async () => {
    const red = { files, smoke: 'checks: [{ http: "http://web:8000/nothing", timeout: 1s }]' }
    const { root } = recordedTree(red)
    for (let time = 0; time < 2; time += 1) await expect(smokeTest({ ...red, root })).rejects.toThrow('the check')
  })

  it.each([
    [
      'it had written into what is mounted',
      'volumes: ["./out:/out"], command: [sh, -c, "echo x >> /out/x; echo up; sleep 1000"]',
      /not remembered: files that the stack or its checks use have changed/,
    ],
    [
      'it may depend on the machine',
      'extra_hosts: ["host.docker.internal:host-gateway"], command: [sh, -c, "echo up; sleep 1000"]',
      /not remembered: web has the extra host host\.docker\.internal.host-gateway/,
    ],
  ])('is started where %s', async (_, settings, why) => {
    const up = 'checks: [{ log: web, matches: up }]'
    const first = await smokeTest({ files: { ...compose(`web: { image: "${repository}", ${settings} }`), 'out/x': '' }, smoke: up })
    expect(first.said.join('\n')).toMatch(why)
    expect((await smokeTest({ files: {}, smoke: up, root: first.root })).section.earlier).toBeUndefined()
  })
})

describe.concurrent('a stack that is kept', () => {
  it('stays until it is taken down from its folder, with its ports, whatever other tests clear away', async ({ onTestFinished }) => {
    const { root, said } = await smokeTest({ files: compose(web), wish: { keep: true } })
    onTestFinished(() => void takeDownKept(smokePorts({}, root).ports))
    await smokeTest({ files: compose(web), isGone: (owner) => owner === keptBy(root) })
    const told = said.join('\n')
    const [, address = '', project = ''] = /web: (127\.0\.0\.1:\d+) is its 8000\/tcp[^]*--project-name (\S+) logs/.exec(told) ?? []
    expect(await (await fetch(`http://${address}/`)).text()).toBe('it works\n')
    expect(await leftovers()).toContain(`${project} ${project}-web-1`)
    expect(await takeDownKept(smokePorts({}, join(root, 'elsewhere')).ports)).toEqual([])
    expect(await takeDownKept(smokePorts({}, root).ports)).toEqual([project])
    expect(await leftovers(project)).toEqual([])
  })

  it('stays when it failed, for whoever wants to see why', async ({ onTestFinished }) => {
    const said: string[] = []
    const asked = { ...recordedTree({ files: compose(web) }), files: {}, smoke: 'checks: [{ http: "http://web:8000/no", timeout: 1s }]' }
    onTestFinished(() => void takeDownKept(smokePorts({}, asked.root).ports))
    await failing({ ...asked, wish: { keep: true }, onLine: (line) => said.push(line) })
    expect(said.join('\n')).toMatch(/web: 127\.0\.0\.1:\d+ is its 8000\/tcp/)
    expect(await takeDownKept(smokePorts({}, asked.root).ports)).toHaveLength(1)
  })
})

describe.concurrent('one check alone', () => {
  const smoke = 'checks: [{ http: "http://web:8000/", name: front page }, { http: "http://web:8000/no", name: other, timeout: 1s }]'

  it('is asked by its name', async () => {
    const { section } = await smokeTest({ files: compose(web), smoke, wish: { only: ['front page'] } })
    expect(section.checks.map(({ name }) => name)).toEqual(['front page'])
  })

  it('that there is not is told with the nearest, before anything is started', async () => {
    expect(await failing({ files: compose(web), smoke, wish: { only: ['front pgae'] } })).toMatchObject({
      code: 'USAGE',
      hint: 'Did you mean "front page"?',
    })
  })
})

describe.concurrent('who has a health check', () => {
  it('is seen to be healthy long before its interval, one after the other, by whatever says so', async () => {
    const slow = 'interval: 60s, timeout: 5s, retries: 3'
    const { section } = await smokeTest({
      files: {
        ...compose(`
db: { image: "${repository}", command: [sh, -c, "sleep 1; touch /up; sleep 1000"], healthcheck: { test: [CMD, test, -f, /up], ${slow} } }
web: { image: "${repository}", depends_on: { db: { condition: service_healthy } }, healthcheck: { test: [CMD, "true"], ${slow} } }
own: { build: { context: own, network: none }, depends_on: { web: { condition: service_healthy } } }`),
        'own/Dockerfile': `FROM ${repository}-base\nHEALTHCHECK --interval=60s CMD ["true"]\n`,
      },
      smoke: 'timeout: 55s',
    })
    expect(section.services.map(({ name, state }) => `${name} ${state}`)).toEqual(['db healthy', 'own healthy', 'web healthy'])
  })

  it('has as long as its file gives it until it is unhealthy, and no longer: then what it said is told', async () => {
    const healthcheck = 'healthcheck: { test: [CMD-SHELL, "echo nobody there; exit 7"], interval: 1s, retries: 4, start_period: 1s }'
    const failure = await failing({ files: compose(`web: { image: "${repository}", ${healthcheck} }`), smoke: 'timeout: 60s' })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web is unhealthy' })
    expect(failure.hint).toContain('its last health check (exit code 7): nobody there')
    expect(failure.part?.smoke).toMatchObject({ verdict: 'failed', services: [{ name: 'web', state: 'unhealthy' }] })
  })

  it('may be waited for by a service that is started by compose itself', async () => {
    const { section } = await smokeTest({
      files: {
        'compose.yml': `
services:
  db: { image: "${repository}", healthcheck: { test: [CMD, "true"], interval: 60s } }
  web:
    image: "${repository}"
    depends_on: { db: { condition: service_healthy } }
    secrets: [token]
    command: [sh, -c, 'grep -q of-the-step /run/secrets/token && exec httpd -f -p 8000 -h /www']
secrets: { token: { environment: STEP_TOKEN } }
`,
      },
      smoke: 'env: { STEP_TOKEN: of-the-step }\ntimeout: 55s\nchecks: [{ http: "http://web:8000/" }]',
    })
    expect(section.verdict).toBe('passed')
  })

  it('is missed by who waits for it where there is none', async () => {
    const failure = await failing({
      files: compose(`db: { image: "${repository}" }\nweb: { image: "${repository}", depends_on: { db: { condition: service_healthy } } }`),
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web waits until db is healthy, which has no health check' })
  })
})

describe.concurrent('what failed', () => {
  it('says that the memory was used up, how much there was, and shows it in the folder of evidence', async () => {
    const asked = {
      ...recordedTree({ files: compose(`web: { image: "${repository}", mem_limit: 16m, command: [tail, /dev/zero] }`) }),
      files: {},
    }
    const failure = await failing(asked)
    // A busy engine may not have noticed why.
    const message = /^web exited with code 137, (?:killed, most likely for )?having used up its memory$/
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: expect.stringMatching(message) })
    expect(failure.hint).toMatch(/^memory: .*limit 17 MB$/m)
    const states: unknown = JSON.parse(readFileSync(join(asked.root, '.evidence/smoke/containers.json'), 'utf8'))
    expect(states).toMatchObject([{ name: 'web', status: 'exited', exitCode: 137, memory: { limit: 16 * 2 ** 20 } }])
  })

  it('is the one that took the others along, also where it is being restarted by then', async () => {
    // It comes back without its port, so that nobody can miss that it was gone.
    const dying = `[ ! -e /again ] || exec sleep 1000; touch /again; nc -l -p 8000 -e sh -c 'touch /asked; exec sleep 1000' & until [ -e /asked ]; do sleep 0.1; done; sleep 1; echo disk full; exit 9`
    const asking = `command: [sh, -c, "until nc db 8000 < /dev/null; do sleep 0.1; done; echo the database is gone; exit 4"]`
    const failure = await failing({
      files: compose(`
db: { image: "${repository}", restart: always, command: [sh, -c, "${dying}"] }
web: { image: "${repository}", ${asking}, depends_on: [db] }`),
      // Nothing passes before web has met the database.
      smoke: 'checks: [{ log: web, matches: never, timeout: 1m }]',
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'db exited with code 9 and is restarted' })
    expect(failure.hint).toMatch(/^after it: web exited with code 4$/m)
  })

  it('is kept as a file of each container, what a secret is being left out; of a test that passed, too', async () => {
    const { root } = await smokeTest({
      files: compose(`web: { image: "${repository}", environment: { A_TOKEN: hush-hush }, command: [sh, -c, "env; sleep 1000"] }`),
      smoke: 'checks: [{ log: web, matches: ^A_TOKEN= }]',
    })
    const log = readFileSync(join(root, '.evidence/smoke/web.log'), 'utf8')
    expect(log).toContain('A_TOKEN=***')
    expect(JSON.parse(readFileSync(join(root, '.evidence/smoke/containers.json'), 'utf8'))).toMatchObject([
      { name: 'web', status: 'running', memory: { most: expect.any(Number) } },
    ])
  })
})

describe.concurrent('several containers of a service', () => {
  it('are as many as the test asks for, each with its own line', async () => {
    const { section, root } = await smokeTest({
      files: compose(
        `${web}\nworker: { image: "${repository}", command: [sh, -c, "echo ready on $$HOSTNAME; sleep 1000"], deploy: { replicas: 2 } }`,
      ),
      smoke: 'scale: { worker: 3 }\nchecks: [{ log: worker, matches: ready }]',
    })
    expect(section.services.map(({ name }) => name)).toEqual(['web', 'worker-1', 'worker-2', 'worker-3'])
    const lines = [1, 2, 3].map((number) => readFileSync(join(root, `.evidence/smoke/worker-${number}.log`), 'utf8'))
    expect(new Set(lines).size).toBe(3)
  })

  it('are followed each by itself: what one says after it was restarted is heard while another goes on', async () => {
    const command = `[sh, -c, "if mkdir /v/first; then exec sleep 1000; fi; if mkdir /v/died; then sleep 1; exit 1; fi; echo here again; exec sleep 1000"]`
    const worker = `worker: { image: "${repository}", restart: on-failure, volumes: ["shared:/v"], command: ${command} }`
    const { section } = await smokeTest({
      files: { 'compose.yml': `${compose(worker)['compose.yml'] ?? ''}volumes: { shared: }\n` },
      smoke: 'scale: { worker: 2 }\nchecks: [{ log: worker, matches: here again, timeout: 1m }]',
    })
    expect(section.verdict).toBe('passed')
  })

  it('of a service that is not there are refused with the nearest', async () => {
    expect(await failing({ files: compose(web), smoke: 'scale: { wbe: 3 }' })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'scale names a service wbe, which compose.yml does not have',
      hint: 'Did you mean "web"?',
    })
  })
})

describe.concurrent('several stacks of a release', () => {
  const files = {
    ...compose(web),
    'other.yml': `services:\n  web: { image: "${repository}", environment: { WHICH: other } }\n`,
  }
  const smoke = (path: string): string => `
variants: { first: {}, second: { compose: other.yml, checks: [{ http: "http://web:8000/${path}", name: page, timeout: 1s }] } }`

  it('run at the same time, where the engine has the memory', async () => {
    // Each waits for a sign of the other. Not by a folder that both mount: such stacks take turns.
    const meet = '#!/bin/sh\ntouch "$1"\nfor _ in $(seq 600); do [ -e "$2" ] && exit 0; sleep 0.1; done\nexit 1\n'
    const meeting = (mine: string, other: string): string => `{ checks: [{ script: meet.sh, args: [met-${mine}, met-${other}] }] }`
    const { section } = await smokeTest({
      files: { ...compose(web), 'meet.sh': meet },
      smoke: `variants: { first: ${meeting('first', 'second')}, second: ${meeting('second', 'first')} }`,
    })
    expect(section.checks.map(({ passed }) => passed)).toEqual([true, true])
  })

  it('are tested side by side, each with a name and a folder of its own', async () => {
    const { section, root } = await smokeTest({ files, smoke: smoke('') })
    expect(section.services.map(({ name }) => name)).toEqual(['first/web', 'second/web'])
    expect(section.checks.map(({ name }) => name)).toEqual(['first/web:8000 takes connections', 'second/page'])
    for (const name of ['first', 'second'])
      expect(readFileSync(join(root, `.evidence/${name}/smoke/containers.json`), 'utf8')).toContain('running')
    expect((await smokeTest({ files: {}, smoke: smoke(''), root })).section.earlier).toBeDefined()
  })

  it('have all to pass', async () => {
    const failure = await failing({ files, smoke: smoke('no') })
    expect(failure).toMatchObject({ code: 'SMOKE_CHECK_FAILED', message: 'second: the check "page" failed' })
    expect(failure.part?.smoke).toMatchObject({ verdict: 'failed', checks: [{ passed: true }, { name: 'second/page', passed: false }] })
  })
})
