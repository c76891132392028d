import { describe, expect, it } from 'vitest'
import { ask, docker } from '../../lab/run.ts'
import { fastClock } from '../fakes/clock.ts'
import { failureOf } from './support/errors.ts'
import { app, config, repository, smokeTest, withImage } from './support/smoke.ts'

withImage()

const web = `
services:
  web:
    image: ${repository}:latest
`

// They wait for their stacks, each for its own.
describe.concurrent('a stack that works', () => {
  it('passes with the bits that were built, answers its checks, and leaves nothing', async () => {
    const { section } = await smokeTest({
      files: {
        'compose.yml': `
services:
  web:
    image: ${repository}:\${TAG:-1}
    ports: ["8000:8000"]
    environment: { GREETING: "\${GREETING:?say which}", PRICE: "5$$" }
    healthcheck: { test: [CMD, wget, -q, -O, "-", "http://127.0.0.1:8000/"], interval: 200ms }
  worker:
    image: ${repository}
    command: [sh, -c, 'echo "worker ready on $$HOSTNAME for $$GREETING"; exec sleep 1000']
    environment: { GREETING: "\${GREETING}" }
`,
      },
      smoke: `
env: { GREETING: hello $ you }
prepare:
  - { run: web, command: [sh, -c, "echo migrated"] }
  - { exec: web, command: [sh, -c, "echo $PRICE > /www/price"] }
checks:
  - { http: "http://web:8000/", contains: it works, headers: { Content-Type: text/html } }
  - { http: "http://web:8000/price", contains: 5$ }
  - { http: "http://web:8000/nothing", status: 404 }
  - { exec: worker, command: [sh, -c, echo PONG], stdout: PONG }
  - { log: worker, matches: "ready on \\\\w+ for hello \\\\$ you$" }
`,
    })
    expect(section.checks.map(({ name, passed }) => [name, passed]).toSorted()).toEqual(
      [
        ['http://web:8000/', true],
        ['http://web:8000/price', true],
        ['http://web:8000/nothing', true],
        ['exec worker: sh -c echo PONG', true],
        ['log of worker: ready on \\w+ for hello \\$ you$', true],
      ].toSorted(),
    )
    const image = expect.stringMatching(`^${repository}:launchway-5{32}$`)
    expect(section).toMatchObject({
      project: expect.stringMatching(`^launchway-smoke-${app}-[0-9a-f]{8}$`),
      verdict: 'passed',
      services: [
        { name: 'web', image, config, state: 'healthy' },
        { name: 'worker', image, config, state: 'running' },
      ],
    })
  })

  it('may have one-shots that others wait for, services that die some times before they stand, and names of its own inside', async () => {
    const { section } = await smokeTest({
      files: {
        'compose.yml': `
services:
  migrate: { image: "${repository}", command: [sh, -c, "sleep 1; echo done"] }
  note: { image: "${repository}", command: [echo, hello] }
  web:
    image: "${repository}"
    container_name: ${app}-fixed
    depends_on: { migrate: { condition: service_completed_successfully } }
  side: { image: "${repository}", command: [sleep, "1000"], network_mode: "container:${app}-fixed" }
  late:
    image: "${repository}"
    restart: always
    volumes: ["lives:/lives"]
    command: [sh, -c, "echo x >> /lives/n; [ $$(wc -l < /lives/n) -ge 3 ] || exit 1; exec httpd -f -p 8000 -h /www"]
volumes: { lives: }
`,
      },
      smoke: `
checks:
  - { exec: late, command: [wget, -q, -O, "-", "http://${app}-fixed:8000/"], stdout: it works }
  - { http: "http://side:8000/" }
  - { http: "http://late:8000/" }
`,
    })
    expect(section.services.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'late running after 2 restarts',
      'migrate exited 0',
      'note exited 0',
      'side running',
      'web running',
    ])
    expect(section.verdict).toBe('passed')
  })

  it('without checks has each published port asked whether somebody listens', async () => {
    const { section } = await smokeTest({ files: { 'compose.yml': `${web}    ports: ["80:8000"]\n` } })
    expect(section.checks).toMatchObject([{ name: 'web:8000 takes connections', passed: true }])
    const nobody = { 'compose.yml': `${web}    ports: ["80:8000"]\n    command: [sleep, "1000"]\n` }
    // The half minute that it has is over sooner; not so the time that the stack has to come up.
    const failure = await failureOf(smokeTest({ files: nobody, smoke: 'timeout: 30m', clock: fastClock(10) }))
    expect(failure).toMatchObject({ code: 'SMOKE_CHECK_FAILED', message: 'the check "web:8000 takes connections" failed' })
  })

  it('may have images that compose builds, paths relative to its file, profiles and several files', async () => {
    const { section } = await smokeTest({
      files: {
        'deploy/compose.yml': `
services:
  web: { build: .., image: "other/name:1" }
  helper: { build: { context: ./helper, network: none }, image: "${app}-helper:mine" }
  twin: { image: "${app}-helper:mine", command: [sh, -c, "cat /told; sleep 1000"], profiles: [more] }
`,
        'deploy/over.yml': 'services: { web: { volumes: ["./page.html:/www/page.html:ro"] } }\n',
        'deploy/page.html': 'mounted\n',
        'deploy/helper/Dockerfile': 'FROM base\nRUN echo built here > /told\nCMD ["sleep", "1000"]\n'.replace('base', `${repository}-base`),
      },
      smoke: `
compose: [deploy/compose.yml, deploy/over.yml]
profiles: [more]
checks:
  - { http: "http://web:8000/page.html", contains: mounted }
  - { log: twin, matches: built here }
`,
    })
    expect(section.services.map(({ name }) => name)).toEqual(['helper', 'twin', 'web'])
    expect(section.services.find(({ name }) => name === 'web')?.config).toBe(config)
    expect(await ask('docker', ['image', 'inspect', `${app}-helper:mine`])).toBeUndefined()
  })

  it('touches no container, volume or network of another project, whatever its names', async ({ onTestFinished }) => {
    const name = `${app}-theirs`
    onTestFinished(async () => {
      await ask('docker', ['rm', '--force', '--volumes', name])
      await ask('docker', ['volume', 'rm', name])
      await ask('docker', ['network', 'rm', name])
    })
    await docker('network', 'create', name)
    await docker('run', '--detach', '--name', name, '--network', name, '--volume', `${name}:/data`, `${repository}-base`)
    await docker('exec', name, 'sh', '-c', 'echo precious > /data/file')
    const { section } = await smokeTest({
      files: {
        'compose.yml': `${web}    container_name: ${name}
    command: [sh, -c, "ls /data; echo spoilt > /data/file; exec httpd -f -p 8000 -h /www"]
    volumes: ["data:/data"]
    networks: [theirs]
volumes: { data: { name: ${name} } }
networks: { theirs: { external: true, name: ${name} } }
`,
      },
    })
    expect(section.verdict).toBe('passed')
    expect(await docker('exec', name, 'cat', '/data/file')).toBe('precious')
    expect(await docker('network', 'inspect', '--format', '{{len .Containers}}', name)).toBe('1')
  })
})
