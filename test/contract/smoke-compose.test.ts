import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { failureOf } from './support/errors.ts'
import { setEnv } from './support/folder.ts'
import { type Asked, repository, smokeTest, withImage } from './support/smoke.ts'

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

withImage()

const failing = (asked: Asked) => failureOf(smokeTest(asked))
const web = (settings = ''): string => `  web:\n    image: ${repository}\n${settings.replaceAll(/^(?=.)/gm, '    ')}\n`

// They wait for their stacks, each for its own.
describe.concurrent('any compose project', () => {
  it('may include and extend other files, and take variables from files and the environment; an empty one is told with its place', async () => {
    using _ = setEnv({ FROM_STEP: 'of the step', FROM_ALL: 'of the step' })
    const { section, said } = await smokeTest({
      files: {
        'deploy/compose.yml': `
include: [parts/db.yml]
services:
  web:
    extends: { file: parts/base.yml, service: base }
    image: ${repository}
    command: [sh, -c, 'echo "all is: $$A; $$B; $$C; $$D; $$E."; exec sleep 1000']
    environment: { B: "\${FROM_FILE:?}", C: "\${FROM_STEP:?}", D: "\${FROM_ALL:?}", E: "\${FROM_SECOND:?}", F: "\${EMPTY_ONE}" }
`,
        'deploy/parts/base.yml': 'services:\n  base: { environment: { A: "${FROM_SMOKE:?}" } }\n',
        'deploy/parts/db.yml': `services:\n  db: { image: "${repository}", command: [sh, -c, "cat /d/note; sleep 1000"], volumes: ["./data:/d:ro"] }\n`,
        'deploy/parts/data/note': 'beside its file\n',
        'one.env': 'FROM_FILE=of one\nFROM_ALL=of one\nFROM_SECOND=of one\n',
        'two.env': 'FROM_SECOND=of two\n',
      },
      smoke: `
compose: deploy/compose.yml
env: { FROM_SMOKE: of launchway.yml }
env-files: [one.env, two.env]
checks:
  - { log: web, matches: "^all is: of launchway.yml; of one; of the step; of the step; of two.$" }
  - { log: db, matches: "^beside its file$" }
`,
    })
    expect(section.verdict).toBe('passed')
    expect(said.join('\n')).toContain('deploy/compose.yml: The "EMPTY_ONE" variable is not set')
  })

  it('may have secrets and configs from files, the environment and itself, which nobody is shown', async () => {
    using _ = setEnv({ OF_STEP: 'secret-of-the-step' })
    const files = {
      'compose.yml': `
services:
${web(`secrets: [file, step, smoke]
configs: [{ source: inline, target: /inline }, { source: file, target: /file }]
command: [sh, -c, 'cat /run/secrets/* /inline /file; exec sleep 1000']`)}
secrets: { file: { file: ./file.txt }, step: { environment: OF_STEP }, smoke: { environment: OF_SMOKE } }
configs: { inline: { content: "written \${WHERE:?} for $$5\\n" }, file: { file: ./file.conf } }
`,
      'file.txt': 'secret-of-the-file\n',
      'file.conf': 'config of the file\n',
    }
    const smoke = `
env: { OF_SMOKE: value-of-smoke, WHERE: here }
prepare:
  - { run: web, command: [grep, -q, value-of-smoke, /run/secrets/smoke] }
checks:
  - { log: web, matches: "secret-of-the-file" }
  - { log: web, matches: "secret-of-the-step" }
  - { log: web, matches: "value-of-smoke" }
  - { log: web, matches: "written here for [$]5$" }
  - { log: web, matches: "^config of the file$" }
`
    const secrets = { OF_STEP: 'secret-of-the-step' }
    const { section, root } = await smokeTest({ files, smoke, secrets })
    expect(section.checks.filter(({ passed }) => !passed)).toEqual([])
    const kept = ['web.log', 'compose.yaml'].map((name) => readFileSync(join(root, '.evidence/smoke', name), 'utf8')).join('\n')
    expect(kept).toContain('value-of-smoke')
    for (const secret of ['secret-of-the-file', 'secret-of-the-step']) {
      expect(kept).not.toContain(secret)
      expect(JSON.stringify(section.checks.map(({ evidence }) => evidence))).not.toContain(secret)
    }
  })

  it('may have what it needs from outside replaced by a file for the test: a database that is elsewhere, a network and a volume of others', async () => {
    const files = {
      'compose.yml': `
services:
${web(`environment: { DATABASE: db.production.example.org }
command: [sh, -c, 'wget -q -O - "http://$$DATABASE:8000/seed" && ls /uploads && echo "connected to $$DATABASE" && exec sleep 1000']
volumes: ["uploads:/uploads"]
networks: [production]`)}
volumes: { uploads: { external: true } }
networks: { production: { external: true } }
`,
      'smoke.yml': `
services:
  web: { environment: { DATABASE: db }, depends_on: { db: { condition: service_healthy } } }
  db:
    image: ${repository}-base
    command: [sh, -c, 'sleep 1; echo seeded > /www/seed; exec httpd -f -p 8000 -h /www']
    healthcheck: { test: [CMD, wget, -q, -O, "-", "http://127.0.0.1:8000/seed"] }
    networks: [production]
volumes: { uploads: { external: false } }
`,
    }
    expect(await failing({ files })).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('external volume uploads') })
    const { section, root } = await smokeTest({
      files,
      smoke: 'compose: [compose.yml, smoke.yml]\nchecks: [{ log: web, matches: ^connected to db$ }]',
    })
    expect(section.services.map(({ name, state }) => `${name} ${state}`)).toEqual(['db healthy', 'web running'])
    expect(readFileSync(join(root, '.evidence/smoke/web.log'), 'utf8')).toContain('seeded')
  })
})

describe.concurrent('bad input', () => {
  it.each<[string, Record<string, string>, string, object]>([
    [
      'a variable without a value in a file that is included',
      {
        'compose.yml': `include: [sub/db.yml]\nservices:\n${web()}`,
        'sub/db.yml': 'services:\n  db:\n    image: "x:${NO_TAG:?say which}"\n',
      },
      '',
      {
        message: 'sub/db.yml asks for the variable NO_TAG, which has no value',
        place: { file: 'sub/db.yml', line: 3 },
        hint: expect.stringContaining('say which'),
      },
    ],
    [
      'a variable without a value in a file that is found by what a file of variables says behind a byte order mark',
      {
        'compose.yml': `include: ["\${FOLDER}/db.yml"]\nservices:\n${web()}`,
        'sub/db.yml': 'services:\n  db:\n    image: "x:${NO_TAG:?say which}"\n',
        '.env': '\uFEFFFOLDER=sub\n',
      },
      '',
      { message: 'sub/db.yml asks for the variable NO_TAG, which has no value', place: { file: 'sub/db.yml', line: 3 } },
    ],
    [
      'a variable without a value in a file that is extended',
      {
        'compose.yml': `services:\n${web('extends: { file: base.yml, service: b }')}`,
        'base.yml': 'services:\n  b: { environment: { A: "${NO_VALUE:?}" } }\n',
      },
      '',
      { message: 'base.yml asks for the variable NO_VALUE, which has no value', place: { file: 'base.yml', line: 2 } },
    ],
    [
      'services that wait for each other',
      { 'compose.yml': `services:\n${web('depends_on: [b]')}  b: { image: x, depends_on: [web] }\n` },
      '',
      { message: expect.stringMatching(/^the services of compose\.yml wait for each other: .*(web -> b|b -> web)/) },
    ],
    [
      'one port of two services',
      { 'compose.yml': `services:\n${web('ports: ["127.0.0.1:8080:80"]')}  b: { image: x, ports: ["8080:81"] }\n` },
      '',
      { message: 'b and web both publish the port 8080, which one machine has once' },
    ],
    [
      'a secret that only a swarm has',
      { 'compose.yml': `services:\n${web('secrets: [s]')}secrets: { s: { external: true } }\n` },
      '',
      { message: expect.stringContaining('external secret') },
    ],
    [
      'files of secrets and configs that are not there',
      {
        'compose.yml': `services:\n${web('secrets: [key]\nconfigs: [{ source: site, target: /site }]')}secrets: { key: { file: keys/no.key }, other: { file: ./unused } }\nconfigs: { site: { file: ./no.conf } }\n`,
      },
      '',
      { message: 'the secret key: there is no file keys/no.key\nthe config site: there is no file no.conf' },
    ],
    [
      'a volume of others',
      {
        'compose.yml': `services:\n${web('volumes: ["uploads:/data"]')}volumes: { uploads: { external: true, name: production-uploads } }\n`,
      },
      '',
      {
        message: 'the compose files use the external volume uploads, which a test must not touch',
        hint: expect.stringContaining('volumes:\n    uploads: { external: false }'),
      },
    ],
    [
      'a file of variables that is not there',
      { 'compose.yml': `services:\n${web()}` },
      'env-files: no.env',
      { message: expect.stringContaining('cannot read compose.yml'), hint: expect.stringContaining('no.env') },
    ],
    [
      'a script that is not there',
      { 'compose.yml': `services:\n${web()}` },
      'checks: [{ script: no.sh }]',
      { message: 'smoke: the script no.sh cannot be run: there is no such file' },
    ],
    [
      'a check of a service that is not there',
      { 'compose.yml': `services:\n${web()}` },
      'checks: [{ tcp: "wbe:80" }]',
      { message: expect.stringContaining('asks for a service wbe'), hint: 'Did you mean "web"?' },
    ],
  ])('that is %s ends before anything is started', async (_, files, smoke, expected) => {
    expect(await failing({ files, smoke })).toMatchObject({ code: 'CONFIG_INVALID', ...expected })
  })

  it('that is a container which hears no SIGTERM holds nothing up', async () => {
    const stubborn = `services:\n${web(`stop_signal: SIGTERM\nstop_grace_period: 10m\ncommand: [sh, -c, "trap '' TERM; echo deaf; while :; do sleep 1; done"]`)}`
    const { section } = await smokeTest({ files: { 'compose.yml': stubborn }, smoke: 'checks: [{ log: web, matches: deaf }]' })
    expect(section.verdict).toBe('passed')
  })

  it('that is a flood of the log, with and without ends of lines, is read through and shown by its end', async () => {
    const flood = (words: string): string => `${words} | head -c ${isCampaign ? 20_000_000 : 3_000_000}; echo`
    const words = [flood('yes 0123456789'), flood('cat /dev/zero | tr "\\\\0" x'), 'echo the end of the flood; exit 3'].join('; ')
    const failure = await failing({
      files: { 'compose.yml': `services:\n${web(`command: [sh, -c, '${words}']`)}` },
      smoke: 'checks: [{ log: web, matches: nothing like this, never: nor this, timeout: 5m }]',
    })
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'web exited with code 3' })
    expect(failure.hint).toContain('the end of the flood')
    expect(failure.hint?.length).toBeLessThan(20_000)
  })

  it('that is a flood of 1 GB takes no more of the disk than its log may have, and is read from the beginning to the end', async ({
    skip,
  }) => {
    skip(!isCampaign, 'a minute and more; part of the campaign')
    const gigabyte = `yes ${'x'.repeat(999)} | head -c 1000000000`
    const command = `echo the beginning of the flood; ${gigabyte}; echo; echo the end of the flood; exec sleep 1000`
    const logs = 'docker logs "$LAUNCHWAY_SMOKE_WEB_CONTAINER"'
    const { section, root } = await smokeTest({
      files: {
        'compose.yml': `services:\n${web(`command: [sh, -c, "${command}"]`)}`,
        'kept.sh': `#!/bin/sh\n${logs} | head -n 1 | cut -c 1-30\n${logs} | wc -c\n`,
      },
      smoke: `
checks:
  - { log: web, matches: ^the beginning of }
  - { log: web, matches: ^the end of, timeout: 10m, name: end }
  - { log: web, never: Traceback }
  - { script: kept.sh, after: end }
`,
    })
    expect(section.verdict).toBe('passed')
    const shown = readFileSync(join(root, '.evidence/smoke/web.log'), 'utf8')
    expect(shown.trimEnd()).toMatch(/\nthe end of the flood$/)
    expect(shown.length).toBeLessThan(2e6)
    // Of what was read at the beginning the engine has nothing any more.
    const [, first, characters] = section.checks.find(({ name }) => name.startsWith('kept'))?.evidence?.split('\n') ?? []
    expect(first).toMatch(/^x+$/)
    expect(Number(characters)).toBeGreaterThan(50e6)
    expect(Number(characters)).toBeLessThan(250e6)
  }, 900_000)
})
