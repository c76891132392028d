import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../src/config/load.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { configText } from '../../src/init/config-file.ts'
import { type InitOptions, init, showInitialised } from '../../src/init/index.ts'
import type { Seen } from '../../src/init/seen.ts'
import { stackOf } from '../../src/init/stack.ts'
import { readComposeFile } from '../../src/tools/compose-file.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const commit = 'a'.repeat(40)
const pin = `acme/launchway@${commit}`
const dockerfile = 'FROM python:3\nEXPOSE 5000\nCMD ["gunicorn", "app:app"]\n'
/** Nobody listens there, so that no host key is found. */
const host = 'deploy@127.0.0.1:1'

interface Place {
  remote?: string
  branch?: string
  git?: string[][]
}

/** A repository with one commit. */
function repository(
  files: Record<string, string>,
  { remote = 'git@github.com:Team/Shop.git', branch = 'main', git = [] }: Place = {},
): string {
  const folder = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org']
  const all = [
    ['init', '-q', '-b', branch],
    ['add', '-A'],
    ['commit', '-q', '--allow-empty', '-m', 'x'],
    ...(remote === '' ? [] : [['remote', 'add', 'origin', remote]]),
    ...git,
  ]
  for (const args of all) execFileSync('git', [...who, ...args], { cwd: folder, stdio: 'pipe' })
  return folder
}

const options: InitOptions = {
  ...{ config: 'launchway.yml', given: { host, launchway: pin }, dockerfile: undefined, ci: undefined, trusted: [] },
  ...{ yes: true, force: false, dryRun: false, program: '' },
}

type Asked = Partial<Omit<InitOptions, 'given'>> & { given?: InitOptions['given'] }

const run = (folder: string, { given = {}, ...more }: Asked = {}): ReturnType<typeof init> =>
  init({ ...options, ...more, given: { ...options.given, ...given } }, localPorts(folder).ports)

async function refusal(folder: string, more: Asked = {}): Promise<{ code: string; message: string; hint: string | undefined }> {
  const error: unknown = await run(folder, more).then(
    () => 'it was not refused',
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof LaunchwayError)) throw error
  return { code: error.code, message: error.message, hint: error.hint }
}

const read = (folder: string, path = 'launchway.yml'): string => readFileSync(join(folder, path), 'utf8')
/** Without comments, as a reader of the values has it. */
const config = (folder: string): unknown => parse(read(folder))
const workflow = (folder: string, name: string): Workflow => Workflow.parse(parse(read(folder, `.github/workflows/${name}`)))

const Step = z.looseObject({
  uses: z.string(),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.string()).optional(),
})
const Job = z.looseObject({
  if: z.string().optional(),
  needs: z.string().optional(),
  environment: z.unknown().optional(),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.unknown().optional(),
  steps: z.array(Step),
})
const Workflow = z.looseObject({ on: z.unknown().optional(), permissions: z.strictObject({}), jobs: z.record(z.string(), Job) })
type Workflow = z.infer<typeof Workflow>

const compose = `
services:
  web:
    build: { context: ., target: runtime }
    image: ghcr.io/team/shop:\${TAG:-latest}
    ports: ['\${WEB_PORT:-8080}:8000']
    environment:
      SECRET_KEY: \${SECRET_KEY:?}
      DATABASE_URL: postgres://shop:example@db/shop
      REDIS_URL: redis://redis:6379/0
      LOG_LEVEL: info
    healthcheck: { test: [CMD, curl, --fail, 'http://localhost:8000/healthz'] }
    volumes: ['uploads:/srv/uploads', '.:/code']
    depends_on: { migrate: { condition: service_completed_successfully } }
  worker:
    build: { context: ., target: runtime }
    command: celery -A shop worker --loglevel "info"
  beat:
    build: { context: ., target: runtime }
    command: celery -A shop beat
  migrate:
    build: { context: ., target: runtime }
    command: flask db upgrade
  db:
    image: postgres:15
    ports: ['5432:5432']
    environment: [POSTGRES_DB=shop, POSTGRES_PASSWORD=example]
    healthcheck: { test: 'pg_isready -U shop && echo $$HOME' }
    volumes: ['pgdata:/var/lib/postgresql/data']
  redis: { image: 'redis:7' }
  adminer: { image: adminer }
  proxy: { image: 'nginx:1.27', ports: ['80:80'] }
  debug: { image: busybox, profiles: [debug] }
volumes: { pgdata: {}, uploads: {} }
`
const shop = { Dockerfile: 'FROM python:3 AS runtime\nEXPOSE 8000\nFROM runtime AS dev\nCMD flask run --debug\n', 'compose.yaml': compose }

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
              publish: 8080,
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

  it('that runs nothing of what is built here is no smoke test', async () => {
    const folder = repository({ Dockerfile: dockerfile, 'compose.yaml': 'services: { db: { image: "postgres:15" } }\n' })
    await run(folder)
    expect(config(folder)).toMatchObject({ smoke: false })
    expect(read(folder)).toContain('# No composed stack is tested: compose.yaml does not run what is built here')
  })
})

describe('the workflows', () => {
  it('give the secrets to the job that deploys, after the environment’s reviewers, and to no other', async () => {
    const folder = repository(shop)
    await run(folder)
    const { release, deploy } = workflow(folder, 'push.yml').jobs
    expect(release?.steps.at(-1)).toEqual({ uses: `acme/launchway@${commit}`, with: { until: 'push' } })
    expect(deploy).toMatchObject({
      needs: 'release',
      if: "github.ref == 'refs/heads/main'",
      environment: 'production',
      concurrency: { group: 'launchway-production', 'cancel-in-progress': false, queue: 'max' },
      permissions: { contents: 'read', packages: 'write' },
    })
    expect(deploy?.steps.at(-1)).toEqual({
      uses: `acme/launchway@${commit}`,
      with: { redeploy: '${{ github.sha }}', environment: 'production', 'ssh-key': '${{ secrets.SSH_KEY }}' },
      env: Object.fromEntries(['SECRET_KEY', 'DATABASE_URL', 'POSTGRES_PASSWORD'].map((name) => [name, `\${{ secrets.${name} }}`])),
    })
    expect(Object.keys(workflow(folder, 'redeploy.yml').jobs['redeploy']?.steps.at(-1)?.env ?? {})).toHaveLength(3)
  })

  it.each<[string, string, object]>([
    [
      'each environment has a job',
      'branches: { main: production, develop: staging }',
      { 'deploy-staging': "github.ref == 'refs/heads/develop'", 'deploy-production': "github.ref == 'refs/heads/main'" },
    ],
    [
      'branches and tags',
      "branches: { main: staging }\ntags: { 'v*': staging, v0: {} }",
      { deploy: "github.ref == 'refs/heads/main' || (startsWith(github.ref, 'refs/tags/v') && github.ref != 'refs/tags/v0')" },
    ],
    [
      'patterns that launchway alone understands',
      "branches: { 'a/**': staging, 'a/*': production }",
      {
        'deploy-staging': "needs.release.outputs.environment == 'staging'",
        'deploy-production': "needs.release.outputs.environment == 'production'",
      },
    ],
    ['an environment that no push leads to', 'branches: { main: {} }', {}],
  ])('of a launchway.yml that is there: %s', async (_, routes, expected) => {
    const text = `image: ghcr.io/team/shop\n${routes}\nenvironments:\n  staging: { host: '${host}', port: 1, publish: 81 }\n  production: { host: '${host}', port: 1, publish: 80 }\n`
    const folder = repository({ Dockerfile: dockerfile, 'launchway.yml': text })
    const { files } = await run(folder)
    expect(files.find(({ path }) => path === 'launchway.yml')?.state).toBe('unchanged')
    expect(read(folder)).toBe(text)
    const { release, ...deploys } = workflow(folder, 'push.yml').jobs
    expect(Object.fromEntries(Object.entries(deploys).map(([name, job]) => [name, job.if]))).toEqual(expected)
    const isByOutput = JSON.stringify(expected).includes('outputs')
    expect(release?.['outputs']).toEqual(isByOutput ? { environment: '${{ steps.launchway.outputs.environment }}' } : undefined)
  })

  it('log in to a registry other than ghcr.io, and have no right to packages then', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const { secrets } = await run(folder, { given: { image: 'docker.io/team/shop' } })
    expect(secrets).toEqual(['SSH_KEY', 'REGISTRY_USERNAME', 'REGISTRY_PASSWORD'])
    for (const job of Object.values(workflow(folder, 'push.yml').jobs)) {
      expect(job.permissions).toEqual({ contents: 'read' })
      expect(job.steps.at(-1)?.with).toMatchObject({ 'registry-password': '${{ secrets.REGISTRY_PASSWORD }}' })
    }
  })
})

describe('what is there already', () => {
  it('is not replaced with --yes: it is named, and nothing at all is written', async () => {
    const folder = repository({ Dockerfile: dockerfile, '.github/workflows/push.yml': 'name: mine\n' })
    expect(await refusal(folder)).toMatchObject({
      code: 'USAGE',
      message: '.github/workflows/push.yml is there already, and different; nothing was written',
      hint: expect.stringContaining('--force'),
    })
    expect([existsSync(join(folder, 'launchway.yml')), read(folder, '.github/workflows/push.yml')]).toEqual([false, 'name: mine\n'])
    await run(folder, { force: true })
    expect(read(folder, '.github/workflows/push.yml')).toContain('until: push')
  })

  it('stays as it is when it is run again: what was written is unchanged', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    await run(folder)
    const { files } = await run(folder)
    expect(new Set(files.map(({ state }) => state))).toEqual(new Set(['unchanged']))
  })

  it('a dry run shows every file, and writes none', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const shown = showInitialised(await run(folder, { dryRun: true }), true)
    expect(shown).toContain('--- launchway.yml\n# yaml-language-server')
    expect(shown).toMatch(/^\.github\/workflows\/push\.yml +would be written$/m)
    expect([existsSync(join(folder, 'launchway.yml')), existsSync(join(folder, '.github'))]).toEqual([false, false])
  })

  it('a workflow that deploys on a push as well is named', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      '.github/workflows/old.yml': 'on:\n  push:\njobs: { a: { steps: [{ run: docker compose up }] } }\n',
    })
    expect((await run(folder)).next).toContain('.github/workflows/old.yml builds or deploys on a push as well: take that out of it.')
  })
})

describe('what to do next', () => {
  it('stands in its order: the host key, the key for deploys, the environment, the secrets, the push', async () => {
    const { next } = await run(repository(shop))
    const firsts = [
      'Read launchway.yml',
      'The host key: 127.0.0.1:1 shows no host key now',
      'A key for the deploys alone',
      'The environment',
      'The secret: gh secret set SSH_KEY --env production < ../deploy-key',
      'The secret: gh secret set SECRET_KEY --env production',
      'The secret: gh secret set DATABASE_URL',
      'The secret: gh secret set POSTGRES_PASSWORD',
      'See what would happen: launchway plan',
      'Commit and push',
    ]
    expect(next.map((step, index) => step.slice(0, firsts[index]?.length))).toEqual(firsts)
  })
})

describe('questions at a terminal', () => {
  it('are those that the repository does not answer, with the default shown; a wrong answer is asked for again', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const asked: string[] = []
    const typed = ['', '-oProxyCommand=x', 'deploy@127.0.0.1:1', '', '', 'web', '5001', '', '', '/up']
    const { ports } = localPorts(folder)
    const prompt = async (question: string): Promise<string> => {
      asked.push(question)
      return typed.shift() ?? ''
    }
    await init({ ...options, yes: false, given: { launchway: pin } }, { ...ports, prompt })
    expect(asked).toEqual([
      'Repository of the image, without a tag: where it is pushed [ghcr.io/team/shop]: ',
      'SSH address of the server, such as deploy@app.example.org: ',
      'must be host, user@host or user@host:port\nSSH address of the server, such as deploy@app.example.org: ',
      'Name of the environment [production]: ',
      'Branch that goes there [main]: ',
      'Port on which the application listens in its container; none for a worker [5000]: ',
      'must be a port, from 1 to 65535\nPort on which the application listens in its container; none for a worker [5000]: ',
      'Address for visitors (https://…): nginx on the server leads it to the application. Empty, a port of the server does: ',
      'Port of the server for visitors [80]: ',
      'Path that answers 2xx when the application is well. Empty, it is well when it stays up: ',
    ])
    expect(config(folder)).toHaveProperty('environments.production', { host, port: 5001, publish: 80, health: '/up' })
  })
})

describe('what cannot be used', () => {
  it.each<[string, () => string, Asked, string, string]>([
    ['no Dockerfile', () => repository({ 'app.py': '' }), {}, 'there is no Dockerfile in ', 'docker init'],
    ['no repository', temporaryFolder, {}, 'this is not a git repository', 'git init --initial-branch main'],
    [
      'several Dockerfiles',
      () => repository({ 'a/Dockerfile': dockerfile, 'b/Dockerfile': dockerfile }),
      {},
      'which of 2 Dockerfiles is the application’s?'.replace('’', "'"),
      '--dockerfile a/Dockerfile, or --dockerfile b/Dockerfile',
    ],
    [
      'a Dockerfile that is not there',
      () => repository({ Dockerfile: dockerfile }),
      { dockerfile: 'x' },
      'there is no Dockerfile at x',
      'There is: Dockerfile',
    ],
    [
      'a compose file that is none',
      () => repository({ Dockerfile: dockerfile, 'compose.yaml': 'services: [a]\n' }),
      {},
      'compose.yaml cannot be read: ',
      'docker compose config',
    ],
    [
      'a tag for launchway',
      () => repository({ Dockerfile: dockerfile }),
      { given: { launchway: 'acme/launchway@v1' } },
      'is not OWNER/launchway@ and the full hash of a commit',
      'A tag can be moved',
    ],
    [
      'workflows of another',
      () => repository({ Dockerfile: dockerfile }),
      { ci: 'gitlab' },
      'there are no workflows for "gitlab"',
      '--ci none',
    ],
    [
      'a terminal without anybody',
      () => repository({ Dockerfile: dockerfile }),
      { yes: false },
      'there is nobody here to be asked',
      '--yes',
    ],
    [
      'a launchway.yml that is not valid',
      () => repository({ Dockerfile: dockerfile, 'launchway.yml': 'imgae: a\n' }),
      {},
      'launchway.yml has a problem',
      'did you mean',
    ],
  ])('%s is told with what to do', async (_, folder, more, message, hint) => {
    const told = await refusal(folder(), more)
    expect(told.message).toContain(message)
    expect(told.hint).toContain(hint)
  })

  it('a folder of a repository: its root is named', async () => {
    const folder = repository({ 'below/Dockerfile': dockerfile })
    expect((await refusal(join(folder, 'below'))).message).toMatch(/^the root of this repository is .*launchway-unit-/)
  })

  it('with --yes everything that is missing or wrong is told at once', async () => {
    const folder = repository(
      { Dockerfile: 'FROM scratch\n' },
      {
        remote: '',
        git: [
          ['checkout', '-q', '--detach'],
          ['branch', '-D', 'main'],
        ],
      },
    )
    const error = await init({ ...options, given: { url: 'shop.example.org', launchway: pin } }, localPorts(folder).ports).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'USAGE', message: 'init cannot see everything by itself' })
    expect((error as LaunchwayError).hint?.split('\n').map((line) => line.split(':')[0])).toEqual([
      'Say it, or leave --yes out to be asked',
      '--image',
      '--host',
      '--branch',
      '--port',
      '--url shop.example.org',
    ])
  })
})

describe('any compose file', () => {
  it('becomes a launchway.yml that says the same: words and values come back as they were', () => {
    const word = fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }).filter((text) => !/[\0$]/.test(text) && text.isWellFormed())
    const variables = fc.dictionary(fc.stringMatching(/^X[A-Z]{1,5}$/), word, { minKeys: 1 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), variables, (command, environment) => {
        const project = readComposeFile(JSON.stringify({ services: { web: { build: '.', command, environment } } }))
        if (typeof project === 'string') throw new TypeError(project)
        const seen: Seen = {
          ...{ folder: 'shop', git: { branches: [], hasCommit: true, hasVersionTags: false }, hints: { celery: false } },
          ...{ dockerfiles: new Map(), dockerfileTexts: new Map(), contexts: new Map(), workflows: new Map() },
          ...{ present: new Set(), missing: [], dotenv: new Set() },
          compose: { file: 'compose.yaml', others: [], project },
        }
        const text = configText(stackOf(seen, undefined), { image: 'a/b', host: 'h', port: 'none' }, seen, undefined)
        const production = loadConfig(text, 'launchway.yml').environments?.['production']
        expect([production?.command, production?.env, production?.secrets]).toEqual([command, environment, undefined])
      }),
    )
  })
})
