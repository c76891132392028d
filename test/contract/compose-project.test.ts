import { describe, expect, it } from 'vitest'
import { Environment } from '../../src/core/deployment.ts'
import { planProject, planStack, someDigest } from '../support/compose-project.ts'

const shop = `
name: shop
services:
  web:
    build: .
    command: [gunicorn, app:app]
    ports: ["8080:5000", "127.0.0.1:9000:9000/udp"]
    environment: { DATABASE_URL: "postgres://app:\${DB_PASSWORD}@db/$$shop", SECRET_KEY: "\${SECRET_KEY}", LEVEL: info, PRICE: "$$5" }
    depends_on: { db: { condition: service_healthy }, migrate: { condition: service_completed_successfully } }
    volumes: ["./nginx.conf:/etc/app.conf:ro", "/srv/shop/cfg:/cfg:ro"]
    env_file: web.env
  migrate:
    image: ghcr.io/team/app:\${TAG:-latest}
    command: flask db upgrade
    depends_on: { db: { condition: service_healthy } }
  worker:
    build: .
    deploy: { replicas: 2 }
    command: celery worker
  db:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: "\${DB_PASSWORD}" }
    volumes: ["db:/var/lib/postgresql/data"]
    healthcheck: { test: [CMD, pg_isready, -U, "it's me"], interval: 5s, retries: 5 }
  cache: { image: redis:7 }
volumes: { db: }
`
const said = 'compose: compose.yml\nsecrets: [DB_PASSWORD, SECRET_KEY]'

const find = (environment: Environment, name: string) =>
  [...environment.services, ...environment.accessories].find((one) => one.name === name)

describe('a compose project in the record', () => {
  it('is services, accessories and what surrounds them', async () => {
    const { environment, asked } = await planProject(shop, said, { files: { 'nginx.conf': 'x' } })
    expect(Environment.parse(environment)).toEqual(environment)
    expect(environment.services.map(({ name, image }) => [name, image])).toEqual([
      ['cache', 'redis'],
      ['migrate', 'app'],
      ['web', 'app'],
      ['worker', 'app'],
      ['worker-2', 'app'],
    ])
    expect(environment.accessories.map(({ name, image }) => [name, image])).toEqual([['db', `postgres:15@${someDigest}`]])
    expect(asked.toSorted()).toEqual(['postgres:15', 'redis:7'])
    expect(environment.project).toEqual({
      name: 'shop',
      pulled: { redis: `redis:7@${someDigest}` },
      networks: { shop_default: ['--label=com.docker.compose.project=shop', '--label=com.docker.compose.network=default'] },
      volumes: { shop_db: ['--label=com.docker.compose.project=shop', '--label=com.docker.compose.volume=db'] },
      external: { networks: [], volumes: [], paths: ['/srv/shop/cfg'] },
    })
  })

  it('says of a service what compose says of it', async () => {
    const { environment } = await planProject(shop, said, { files: { 'nginx.conf': 'x' } })
    expect(find(environment, 'web')).toMatchObject({
      command: ['gunicorn', 'app:app'],
      port: 5000,
      publish: '8080',
      ports: ['127.0.0.1:9000:9000/udp'],
      env: { LEVEL: 'info', PRICE: '$5' },
      secrets: ['SECRET_KEY'],
      composed: { DATABASE_URL: 'postgres://app:${DB_PASSWORD}@db/$$shop' },
      envFiles: ['web.env'],
      volumes: ['/srv/shop/cfg:/cfg:ro'],
      files: [{ source: 'nginx.conf', target: '/etc/app.conf', readOnly: true }],
      networks: ['shop_default'],
      after: [
        { name: 'db', until: 'healthy' },
        { name: 'migrate', until: 'completed' },
      ],
      restart: 'unless-stopped',
      overlap: true,
    })
    expect(find(environment, 'migrate')).toMatchObject({ once: true, restart: 'no', command: ['flask', 'db', 'upgrade'] })
    expect(find(environment, 'worker-2')).toMatchObject({ aliases: { shop_default: ['worker'] } })
    expect(find(environment, 'db')).toMatchObject({
      composed: { POSTGRES_PASSWORD: '${DB_PASSWORD}' },
      options: [`--health-cmd=pg_isready -U 'it'\\''s me'`, '--health-interval=5s', '--health-retries=5'],
      health: { timeoutMs: 175_000 },
    })
  })

  it('takes what launchway.yml says beside it', async () => {
    const beside = `${said}\nurl: https://shop.example.org\nbefore-switch: { service: web, command: [flask, check] }\nservices:\n  web: { port: 5000, nginx: {}, health: /healthz, env: { LEVEL: debug }, stop-timeout: 30s }\n  worker: { overlap: false, secrets: [QUEUE_KEY] }\n  cache: { data: true }`
    const { environment, infos } = await planProject(shop, beside, { files: { 'nginx.conf': 'x' } })
    expect(find(environment, 'web')).toMatchObject({
      port: 5000,
      nginx: { serverNames: ['shop.example.org'] },
      health: { kind: 'http', path: '/healthz' },
      env: { LEVEL: 'debug', PRICE: '$5' },
      stopTimeoutMs: 30_000,
      ports: ['127.0.0.1:9000:9000/udp'],
    })
    expect(find(environment, 'web')?.publish).toBeUndefined()
    expect(infos).toContain('web: its port 8080 gives way to nginx, which leads to 5000')
    expect(find(environment, 'worker-2')).toMatchObject({ overlap: false, secrets: ['QUEUE_KEY'] })
    expect(environment.accessories.map(({ name }) => name)).toEqual(['cache', 'db'])
    expect(environment.beforeSwitch).toMatchObject([{ service: 'web' }])
  })

  it('a service without a healthcheck must stay up for a while; what launchway.yml says of health takes the place of one', async () => {
    const check = 'healthcheck: { test: curl -f http://localhost, interval: 1m }'
    const project = `name: p\nservices:\n  bare: { build: . }\n  patient: { build: ., ${check} }\n  none: { build: ., ${check} }\n  asked: { build: ., ${check} }`
    const beside = `compose: compose.yml\nservices: { patient: { health: { settle: 3s } }, none: { health: none }, asked: { health: { command: [x], retries: 2 } } }`
    const { environment } = await planProject(project, beside)
    expect(find(environment, 'bare')).toMatchObject({ health: { kind: 'container', settleMs: 1_000, bareMs: 10_000 } })
    expect(find(environment, 'patient')).toMatchObject({
      health: { kind: 'container', timeoutMs: 270_000, settleMs: 3_000 },
      options: ['--health-cmd=curl -f http://localhost', '--health-interval=1m0s'],
    })
    expect(find(environment, 'none')).toMatchObject({ health: { kind: 'none', settleMs: 10_000 }, options: [] })
    expect(find(environment, 'asked')).toMatchObject({ health: { kind: 'command', command: ['x'], retries: 2 }, options: [] })
  })
})

/** A project of one service that is built here. */
const one = (keys: string, rest = ''): string => `name: p\nservices:\n  web:\n    build: .\n${keys.replaceAll(/^/gm, '    ')}\n${rest}`

describe('what keeps data', () => {
  const db = (keys: string): string => `name: p\nservices:\n  web: { build: . }\n  it: { image: "x:1", ${keys} }\nvolumes: { data: }`
  it('is an accessory, whatever else it is', async () => {
    const rows: [string, string, 'accessory' | 'service'][] = [
      ['volume', 'volumes: ["data:/data"]', 'accessory'],
      ['folder-of-the-host', 'volumes: ["/srv/data:/data"]', 'accessory'],
      ['volume-that-it-reads', 'volumes: ["data:/data:ro"]', 'service'],
      ['clock-and-socket', 'volumes: ["/etc/localtime:/etc/localtime", "/var/run/docker.sock:/var/run/docker.sock"]', 'service'],
      ['nothing', 'restart: always', 'service'],
    ]
    const services = rows.map(([name, keys]) => `  ${name}: { image: "x:1", ${keys} }\n`)
    const { environment } = await planProject(`name: p\nservices:\n  web: { build: . }\n${services.join('')}volumes: { data: }`)
    const expected = rows.flatMap(([name, , kind]) => (kind === 'accessory' ? [name] : []))
    expect(environment.accessories.map(({ name }) => name)).toEqual(expected.toSorted())
  })

  it('is what launchway.yml says it is', async () => {
    const { environment } = await planProject(db('volumes: ["data:/data"]'), 'compose: compose.yml\nservices: { it: { data: false } }')
    expect(environment.services.map(({ name }) => name)).toEqual(['it', 'web'])
  })

  it('is replaced where another is behind it', async () => {
    const { environment } = await planProject(
      db('volumes: ["data:/certificates"]'),
      'compose: compose.yml\nservices: { web: { behind: it } }',
    )
    expect(environment.accessories).toEqual([])
    expect(find(environment, 'web')).toMatchObject({ behind: 'it' })
  })
})

describe('variables of a project', () => {
  it('come from a file that git has, and are secret where it has not', async () => {
    const compose = one('environment: { A: "${A}", B: "x-${B}", C: "${C:-none}" }')
    const shown = await planProject(compose, undefined, { files: { '.env': 'A=1\nB=2\n' } })
    expect(find(shown.environment, 'web')).toMatchObject({ env: { A: '1', B: 'x-2', C: 'none' }, secrets: [] })
    const hidden = await planProject(compose, undefined, { untracked: { '.env': 'A=hunter1\nB=hunter2\n' } })
    expect(find(hidden.environment, 'web')).toMatchObject({ env: { C: 'none' }, secrets: ['A'], composed: { B: 'x-${B}' } })
    expect(JSON.stringify(hidden.environment)).not.toContain('hunter')
  })

  it('in files of a service are never read', async () => {
    const compose = one('env_file: [{ path: "${WHICH:-a}.env" }, { path: gone.env, required: false }]\nenvironment: { B: own }')
    const { environment } = await planProject(compose, undefined, { untracked: { 'a.env': 'A=hunter1\nB=hunter2\n' } })
    expect(find(environment, 'web')).toMatchObject({ env: { B: 'own' }, envFiles: ['a.env'] })
    expect(JSON.stringify(environment)).not.toContain('hunter')
  })

  it('in files of a service of a stack are read as docker reads them: a byte order mark is no part of a name', async () => {
    const compose = 'services: { web: { image: "nginx:1", env_file: web.env, environment: { B: own } } }'
    const stack = await planStack(compose, { 'web.env': '\uFEFFA=1\nB=2\n' })
    expect(stack?.services['web']).toMatchObject({ environment: { A: '1', B: 'own' } })
    expect(JSON.stringify(stack)).not.toContain('\uFEFF')
  })

  it('is warned of what must not run twice, by its place: a scheduler, and a worker of a fixed name', async () => {
    const { warnings } = await planProject(
      'services:\n  web: { build: . }\n  beat: { build: ., command: celery -A app beat }\n  high: { build: ., command: rq worker --name high }\n  own: { build: ., command: rq worker --name "$$HOSTNAME" }\n',
    )
    expect(warnings.map((line) => line.replace(/: at each deploy.*old one, and /, '; ').replace(/\. Say .*/, ''))).toEqual([
      'compose.yml:3:3: services.beat: runs celery beat; jobs would run twice',
      'compose.yml:4:3: services.high: runs a worker whose name is always high; a name that is taken is refused',
    ])
  })

  it('without a value are told where they are asked for', async () => {
    const { warnings } = await planProject(one('environment: { A: "${LEVEL}" }'))
    expect(warnings).toEqual(['compose.yml: The "LEVEL" variable is not set. Defaulting to a blank string.'])
  })

  it('are seen as the user means them: the folder is that of the project', async () => {
    const { environment } = await planProject(one('volumes: ["${PWD}/conf:/conf:ro"]'), undefined, { files: { 'conf/a': '1' } })
    expect(find(environment, 'web')).toMatchObject({ files: [{ source: 'conf', target: '/conf', readOnly: true }] })
  })
})

describe('the name of a project', () => {
  it.each([
    ['said in launchway.yml', 'name: p\n', 'compose: { files: compose.yml, project: shop }', {}, 'shop'],
    ['said in a compose file', 'name: p\n', 'compose: compose.yml', {}, 'p'],
    ['said in a file of variables', '', 'compose: compose.yml', { '.env': 'COMPOSE_PROJECT_NAME=fromenv\n' }, 'fromenv'],
    ['said nowhere', '', 'compose: compose.yml', {}, 'app-production'],
  ])('%s', async (_, name, beside, files, expected) => {
    const { environment } = await planProject(`${name}services: { web: { build: . } }`, beside, { files })
    expect(environment.project?.name).toBe(expected)
  })
})

it('a project of several files and included ones is one', async () => {
  const files = {
    'more.yml': 'services: { web: { environment: { B: "2" } } }',
    'sub/inc.yml': 'services: { cache: { image: "redis:7", env_file: c.env } }',
  }
  const { environment } = await planProject(
    'name: p\ninclude: [sub/inc.yml]\nservices: { web: { build: ., environment: { A: "1" } } }',
    'compose: [compose.yml, more.yml]',
    { files, untracked: { 'sub/c.env': 'A=1' } },
  )
  expect(environment.services).toMatchObject([
    { name: 'cache', envFiles: ['sub/c.env'] },
    { name: 'web', env: { A: '1', B: '2' } },
  ])
})
