import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { configText } from '../../src/init/config-file.ts'
import type { Seen } from '../../src/init/seen.ts'
import { stackOf } from '../../src/init/stack.ts'
import { readComposeFile } from '../../src/tools/compose-file.ts'
import { anyText } from '../support/text.ts'
import { runs } from './support/runs.ts'
import { commit, dockerfile, host, type Place, repository, type Asked, run, read, config, shop } from './support/init.ts'

describe('a repository with a Dockerfile', () => {
  it('gets the least that works, and what is said of it', async () => {
    const folder = repository({ Dockerfile: dockerfile, 'app.py': "@app.get('/healthz')\n" })
    await run(folder)
    expect(read(folder))
      .toBe(`# yaml-language-server: $schema=https://raw.githubusercontent.com/acme/launchway/${commit}/schema/launchway.json
# What launchway builds, tests, and puts live where. Every key: docs/reference/configuration.md of launchway.
# \`launchway plan\` says what a push from here would do, and touches nothing.

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
    expect(read(folder, '.dockerignore').split('\n')).toEqual(expect.arrayContaining(['.git', '.github', 'launchway.yml']))
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

describe('a repository with a compose file', () => {
  it('gets its services, what stands beside them, its migration, its secrets by name, and values for the smoke test', async () => {
    const folder = repository(shop)
    const { notes } = await run(folder)
    expect(config(folder)).toEqual({
      images: { web: { target: 'runtime', repositories: ['ghcr.io/team/shop'] } },
      branches: { main: 'production' },
      smoke: { env: { SECRET_KEY: 'smoke-only' }, checks: [{ http: 'http://web:8000/healthz', status: 200 }] },
      environments: {
        production: {
          host,
          'before-switch': { command: ['flask', 'db', 'upgrade'] },
          services: {
            web: {
              port: 8000,
              publish: 80,
              health: '/healthz',
              env: { REDIS_URL: 'redis://redis:6379/0', LOG_LEVEL: 'info' },
              secrets: ['SECRET_KEY', 'DATABASE_URL'],
              volumes: ['shop-uploads:/srv/uploads'],
            },
            worker: { command: ['celery', '-A', 'shop', 'worker', '--loglevel', 'info'], 'stop-timeout': '60s' },
            beat: { command: ['celery', '-A', 'shop', 'beat'], overlap: false },
          },
          accessories: {
            db: {
              image: 'postgres:15',
              health: { command: ['sh', '-c', 'pg_isready -U shop && echo $HOME'] },
              env: { POSTGRES_DB: 'shop' },
              secrets: ['POSTGRES_PASSWORD'],
              volumes: ['shop-pgdata:/var/lib/postgresql/data'],
            },
            redis: { image: 'redis:7' },
          },
        },
      },
    })
    expect(notes).toEqual([
      'debug has a profile (debug) and is left out',
      'web mounts . at /code: files of the repository do not go to the host, so they must be in the image',
      'db is reached by the services alone, and no longer on a port of the host',
      'adminer (adminer) is left out: it is a tool for developers',
      "proxy (nginx:1.27) is left out: nginx on the host leads to the application, see the guide's page on nginx",
    ])
    expect(read(folder)).toContain('#   - adminer (adminer) is left out')
  })

  it('of a web server that only leads to a service the service remains, on the port of both', async () => {
    const folder = repository({
      'proxy/Dockerfile': 'FROM nginx:1.27\nCOPY conf /etc/nginx/conf.d/\n',
      'proxy/conf': '',
      'api/Dockerfile': dockerfile,
      'api/app.py': '',
      'docker-compose.yml': 'services:\n  proxy: { build: proxy, ports: ["80:80"], depends_on: [api] }\n  api: { build: ./api/ }\n',
    })
    const { notes } = await run(folder)
    expect(config(folder)).toMatchObject({
      images: { api: { context: 'api', repositories: ['ghcr.io/team/shop'] } },
      environments: { production: { port: 5000, publish: 80 } },
    })
    expect(notes).toEqual([
      'proxy is left out: it only leads to api, as nginx on the host does. What else its configuration says goes under nginx',
    ])
  })

  it('two images have a repository and a name each, and a network on which they find each other', async () => {
    const folder = repository({
      'site/Dockerfile': dockerfile,
      'api/Dockerfile': dockerfile,
      'compose.yml': 'services:\n  site: { build: site, ports: ["5000:5000"] }\n  api: { build: api }\n',
    })
    await run(folder)
    expect(config(folder)).toMatchObject({
      app: 'shop',
      images: { site: { repositories: ['ghcr.io/team/shop-site'] }, api: { repositories: ['ghcr.io/team/shop-api'] } },
      environments: {
        production: { services: { site: { image: 'site', networks: ['shop'] }, api: { image: 'api', networks: ['shop'] } } },
      },
    })
  })

  it('of a stock web server before the application the port remains, and its configuration says where it led', async () => {
    const folder = repository({
      'api/Dockerfile': 'FROM scratch\n',
      'proxy/nginx.conf': 'server { location / { proxy_pass http://backend:8000; } }\n',
      'compose.yaml':
        'services:\n  backend: { build: api }\n  proxy: { image: nginx, ports: ["81:80"], volumes: ["./proxy/nginx.conf:/etc/nginx/conf.d/default.conf"] }\n',
    })
    await run(folder)
    expect(config(folder)).toHaveProperty('environments.production', { host, port: 8000, publish: 81 })
  })

  it('that runs nothing of what is built here is no smoke test', async () => {
    const folder = repository({ Dockerfile: dockerfile, 'compose.yaml': 'services: { db: { image: "postgres:15" } }\n' })
    await run(folder)
    expect(config(folder)).toMatchObject({ smoke: false })
    expect(read(folder)).toContain('# No composed stack is tested: compose.yaml does not run what is built here')
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
          ...{ present: new Set(), seesTooMuch: false, missing: [], dotenv: new Set() },
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
