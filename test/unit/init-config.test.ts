import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contextRules } from '../../src/doctor/rules/context.ts'
import { loadConfig } from '../../src/config/load.ts'
import { configText } from '../../src/init/config-file.ts'
import type { Seen } from '../../src/init/seen.ts'
import { stackOf } from '../../src/init/stack.ts'
import { readComposeFile } from '../../src/tools/compose-file.ts'
import { anyText } from '../support/text.ts'
import { runs } from './support/runs.ts'
import { commit, dockerfile, host, type Place, repository, type Asked, run, read, config } from './support/init.ts'

describe('a repository with a Dockerfile', () => {
  it('gets the least that works, and what is said of it', async () => {
    const folder = repository({ Dockerfile: dockerfile, 'app.py': "@app.get('/healthz')\n" })
    await run(folder)
    expect(read(folder))
      .toBe(`# yaml-language-server: $schema=https://raw.githubusercontent.com/acme/launchway/${commit}/schema/launchway.json
# What launchway builds, tests, and puts live where. Every key: docs/reference/configuration.md of launchway.
# \`launchway plan\` says what a push from here would do, and does none of it.

image: ghcr.io/team/shop    # pushed here, and pulled by the hosts from here

# What a push does: the name of an environment to go live there, {} to be built, tested, scanned and pushed only.
branches: { main: production }
# tags: { 'v*': production }

# Without a compose file nothing is started before a tag moves. With a compose.yaml, its stack must come up and answer.

environments:
  production:
    host: ${host}    # an account that may use Docker
    port: 5000
    publish: 80    # of the host; with a url instead, nginx leads visitors, and no request is lost at a deploy
    health: /healthz
`)
    // The same lines that `doctor --fix` would write.
    const [rule] = contextRules
    expect(rule?.fix).toBe(`Write a .dockerignore, with at least: ${read(folder, '.dockerignore').trim().replaceAll('\n', ' ')}`)
    expect(read(folder, '.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.git', '.github', 'launchway.yml', '**/__pycache__']),
    )
  })

  it.each<[string, Record<string, string>, Place, Asked, object]>([
    [
      'a url leads visitors through nginx, and no port of the host',
      { Dockerfile: dockerfile },
      {},
      { given: { url: 'https://shop.example.org' } },
      { environments: { production: { host, url: 'https://shop.example.org', port: 5000 } } },
    ],
    [
      'a worker has no port',
      { Dockerfile: dockerfile },
      {},
      { given: { port: 'none' } },
      { environments: { production: { host, restart: 'unless-stopped' } } },
    ],
    [
      'the port and the path stand in the Dockerfile',
      {
        Dockerfile:
          'FROM a\nHEALTHCHECK --interval=5s CMD wget -q -O- http://127.0.0.1:9000/up || exit 1\nENTRYPOINT ["gunicorn", "-b", "0.0.0.0:9000"]\n',
      },
      {},
      {},
      { environments: { production: { host, port: 9000, publish: 80, health: '/up' } } },
    ],
    [
      'the framework knows its port',
      { Dockerfile: 'FROM python:3\n', 'requirements.txt': 'Flask==3.0\n' },
      {},
      {},
      { environments: { production: { host, port: 5000, publish: 80 } } },
    ],
    [
      'the Dockerfile stands in a folder of its own',
      { 'docker/Dockerfile': dockerfile },
      {},
      {},
      { images: { app: { dockerfile: 'docker/Dockerfile', repositories: ['ghcr.io/team/shop'] } } },
    ],
    [
      'the Dockerfile stands in a folder that is pruned elsewhere, under a name with a dash',
      { 'build/Dockerfile-prod': dockerfile, 'build/lib/Dockerfile': dockerfile, 'app.py': '' },
      {},
      {},
      { images: { app: { dockerfile: 'build/Dockerfile-prod', repositories: ['ghcr.io/team/shop'] } } },
    ],
    [
      'the Dockerfile stands beside the sources',
      { 'api/Dockerfile': dockerfile, 'api/app.py': '' },
      {},
      {},
      { images: { app: { context: 'api', repositories: ['ghcr.io/team/shop'] } } },
    ],
    [
      'one of several Dockerfiles is named',
      { 'a/Dockerfile': dockerfile, 'a/x.py': '', 'b/Dockerfile': dockerfile },
      {},
      { dockerfile: 'a/Dockerfile' },
      { images: { app: { context: 'a', repositories: ['ghcr.io/team/shop'] } } },
    ],
    [
      'branches that teams keep are built, too, and version tags where there are some',
      { Dockerfile: dockerfile },
      {
        git: [
          ['branch', 'develop'],
          ['branch', 'fix-1'],
          ['tag', 'v1.0'],
        ],
      },
      {},
      { branches: { main: 'production', develop: {} }, tags: { 'v*': {} } },
    ],
    [
      'versions go live, and no push does',
      { Dockerfile: dockerfile },
      { git: [['branch', 'develop']] },
      { given: { live: 'tag' } },
      { branches: { main: {}, develop: {} }, tags: { 'v*': 'production' } },
    ],
    [
      'a detached checkout, where main is there',
      { Dockerfile: dockerfile },
      { git: [['checkout', '-q', '--detach']] },
      {},
      { branches: { main: 'production' } },
    ],
    ['a branch of another name', { Dockerfile: dockerfile }, { branch: 'trunk' }, {}, { branches: { trunk: 'production' } }],
    [
      'a repository without workflows, where the remote is not GitHub’s',
      { Dockerfile: dockerfile },
      { remote: 'https://gitlab.example.org/team/shop.git' },
      { given: { image: 'registry.example.org/team/shop' } },
      { image: 'registry.example.org/team/shop' },
    ],
  ])('%s', async (_, files, place, more, expected) => {
    const folder = repository(files, place)
    await run(folder, more)
    expect(config(folder)).toEqual({ ...(config(folder) as object), ...expected })
    expect(existsSync(join(folder, '.github/workflows/push.yml'))).toBe(place.remote === undefined)
  })
})

describe('any compose file', () => {
  it('becomes a launchway.yml that says the same: words and values come back as they were', () => {
    const word = anyText({ minLength: 1, maxLength: 12 }).filter((text) => !/[\0$]/.test(text) && text.isWellFormed())
    const variables = fc.dictionary(fc.stringMatching(/^X[A-Z]{1,5}$/), word, { minKeys: 1 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), variables, (command, environment) => {
        const project = readComposeFile(JSON.stringify({ services: { web: { build: '.', command, environment } } }))
        if (typeof project === 'string') throw new TypeError(project)
        const seen: Seen = {
          ...{
            folder: 'shop',
            git: { branches: [], hasCommit: true, hasVersionTags: false },
            hints: { celery: false, leadsTo: new Map() },
          },
          ...{ dockerfiles: new Map(), dockerfileTexts: new Map(), contexts: new Map(), workflows: new Map() },
          ...{ present: new Set(), seesTooMuch: false, missing: [], envFiles: new Map(), paths: new Set(), composeElsewhere: [] },
          compose: { file: 'compose.yaml', others: [], project },
        }
        const text = configText(stackOf(seen, undefined), { image: 'a/b', host: 'h', port: 'none' }, seen, undefined)
        const production = loadConfig(text, 'launchway.yml').environments?.['production']
        expect([production?.command, production?.env, production?.secrets]).toEqual([command, environment, undefined])
      }),
      { numRuns: runs(12) },
    )
  })
})
