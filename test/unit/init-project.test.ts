import { describe, expect, it } from 'vitest'
import { config, dockerfile, read, refusal, repository, run } from './support/init.ts'

/** A web server before an application, with its configuration and a password in files that git has. */
const behind = {
  'backend/Dockerfile': 'FROM golang:1\nCMD ["/backend"]\n',
  'proxy/nginx.conf': 'server { listen 80; location / { proxy_pass http://backend:8000; } }\n',
  'db/password.txt': 'example',
  'compose.yaml': `services:
  backend: { build: backend, secrets: [db-password], depends_on: { db: { condition: service_healthy } } }
  db: { image: "postgres:17", secrets: [db-password], environment: { POSTGRES_PASSWORD_FILE: /run/secrets/db-password } }
  proxy: { image: "nginx:1", volumes: ["./proxy/nginx.conf:/etc/nginx/conf.d/default.conf:ro"], ports: ["80:80"], depends_on: [backend] }
secrets: { db-password: { file: db/password.txt } }
`,
}

const production = async (files: Record<string, string>, given: Record<string, string> = {}): Promise<unknown> => {
  const folder = repository(files)
  await run(folder, { given })
  const { environments } = config(folder) as { environments: { production: unknown } }
  return environments.production
}

describe('a compose file that says more than launchway.yml could', () => {
  it('is deployed as it is, behind its own web server, and the comment says why', async () => {
    const folder = repository(behind)
    const { secrets, notes } = await run(folder)
    expect(config(folder)).toEqual({
      images: { backend: { context: 'backend', repositories: ['ghcr.io/team/shop'] } },
      branches: { main: 'production' },
      environments: { production: { host: expect.any(String), compose: 'compose.yaml', services: { backend: { behind: 'proxy' } } } },
    })
    expect(read(folder, 'launchway.yml')).toContain('would lose something: backend reads /run/secrets/db-password.')
    expect([secrets, notes]).toEqual([['SSH_KEY'], []])
  })

  it('has its web server reached through nginx of the host, where there is an address', async () => {
    expect(await production(behind, { url: 'https://shop.example.org' })).toMatchObject({
      url: 'https://shop.example.org',
      services: { backend: { behind: 'proxy' }, proxy: { port: 80, nginx: {} } },
    })
  })

  const worker = (more: string): string => `services:
  web: { build: ., image: shop, ports: ["80:5000"] }
  worker: { image: "shop:latest", command: rq worker${more} }
`
  it.each([
    ['a health check of a worker', worker(', healthcheck: { test: [CMD, ./well] }'), 'worker has a health check that is not a path'],
    ['rights', worker(', cap_add: [NET_ADMIN]'), 'worker has cap_add'],
    ['a folder to work in', worker(', working_dir: /srv'), 'worker has working_dir'],
    ['a user that a variable says', worker(', user: "${RUN_AS:?}"'), 'worker runs as ${RUN_AS:?}'],
    ['a file of variables', worker(', env_file: live.env'), 'worker reads live.env'],
    [
      'a file for the database',
      'services: { web: { build: . }, db: { image: "postgres:17", volumes: ["./init.sql:/docker-entrypoint-initdb.d/init.sql"] } }',
      'db mounts ./init.sql at /docker-entrypoint-initdb.d/init.sql',
    ],
    [
      'two passwords of one name',
      'services: { web: { build: . }, a: { image: "postgres:17", environment: { POSTGRES_PASSWORD: "${A}" } }, b: { image: "postgres:17", environment: { POSTGRES_PASSWORD: "${B}" } } }',
      'a and b have another POSTGRES_PASSWORD each',
    ],
  ])('is taken for %s', async (_, compose, why) => {
    const folder = repository({ Dockerfile: dockerfile, 'live.env': 'LEVEL=info\n', 'init.sql': '', 'compose.yaml': compose })
    await run(folder)
    expect(config(folder)).toMatchObject({ environments: { production: { compose: 'compose.yaml' } } })
    expect(read(folder, 'launchway.yml')).toContain(`would lose something: ${why}.`)
  })

  it('is taken for a web server that leads to more than one service', async () => {
    const compose = 'services: { api: { build: api }, site: { build: ., ports: ["3000"] }, nginx: { image: "nginx:1", ports: ["80:80"] } }'
    const conf = 'location /api { proxy_pass http://api:5000; } location / { proxy_pass http://site:3000; }'
    const files = { Dockerfile: dockerfile, 'api/Dockerfile': dockerfile, 'nginx.conf': conf, 'compose.yaml': compose }
    expect(await production(files)).toMatchObject({ services: { api: { behind: 'nginx' }, site: { behind: 'nginx' } } })
  })

  it.each([
    ['mounts the repository, for developers', worker(', cap_add: [NET_ADMIN], volumes: [".:/srv"]')],
    ['has nothing of that', worker('')],
    ['reads a file that git does not have', worker(', env_file: other.env')],
    [
      'has a file only for a web server that is left out',
      'services: { web: { build: ., ports: ["5000"] }, nginx: { image: "nginx:1", volumes: ["./init.sql:/etc/nginx/x.conf"] } }',
    ],
  ])('is not where it %s', async (_, compose) => {
    expect(await production({ Dockerfile: dockerfile, 'init.sql': '', 'compose.yaml': compose })).not.toHaveProperty('compose')
  })

  it('gets what it asks for: secrets by name, folders and numbers from a file that git has, the rest is said', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      'production.env': 'DATA=/srv/data\nWEB_PORT=8080\n',
      'dev.env': 'DATA=/tmp/data\nWEB_PORT=8081\n',
      '.env.example': 'DATA=\nWEB_PORT=\n',
      'test/compose.env': 'DATA=./test/data\nWEB_PORT=18081\nAPI_TOKEN=of-a-test\nLEVEL=debug\n',
      'test/data/one': '1',
      'compose.yaml': `services:
  web:
    build: .
    ports: ["\${WEB_PORT:?}:5000"]
    volumes: ["\${DATA:?}:/data:ro"]
    environment: { TOKEN: "\${API_TOKEN:?}", KEY: "\${SIGNING_KEY:-for-this-machine}" }
`,
    })
    const { secrets } = await run(folder, { given: { publish: '6000' } })
    expect(config(folder)).toMatchObject({
      smoke: { 'env-files': 'test/compose.env' },
      environments: {
        production: {
          compose: { files: 'compose.yaml', 'env-files': 'production.env', env: { WEB_PORT: '6000' } },
          secrets: ['API_TOKEN', 'SIGNING_KEY'],
        },
      },
    })
    expect(secrets).toEqual(['SSH_KEY', 'API_TOKEN', 'SIGNING_KEY'])
  })

  it('that mounts folders which only the host has is not tested, and asks for what nothing says', async () => {
    const folder = repository({ Dockerfile: dockerfile, 'compose.yaml': 'services: { web: { build: ., volumes: ["${DATA:?}:/data"] } }' })
    const { notes } = await run(folder)
    expect(config(folder)).toMatchObject({ smoke: false })
    expect(notes).toEqual([
      'compose.yaml asks for DATA: say its value in launchway.yml, compose: { files: compose.yaml, env: { DATA: … } }',
    ])
  })

  it('says which data would stay behind, since git does not have the folder', async () => {
    const { notes } = await run(
      repository({
        Dockerfile: dockerfile,
        'compose.yaml': `services:
  web: { build: ., init: true, volumes: ["./seen:/seen:ro"] }
  db: { image: "postgres:17", volumes: ["./data:/var/lib/postgresql/data"] }
`,
      }),
    )
    expect(notes).toEqual([
      'db keeps data in ./data (/var/lib/postgresql/data), which git does not have: give it a named volume, or an absolute path of the host. To carry the data over, on the server, with the stack stopped: docker run --rm --volume "$PWD/data:/from:ro" --volume NAME:/to --entrypoint cp postgres:17 -a /from/. /to/, and for NAME what docker volume ls calls the volume',
    ])
  })

  it('has its port where it is: another is refused, with what else there is', async () => {
    const { code, message, hint } = await refusal(repository(behind), { given: { publish: '6000' } })
    expect([code, message]).toEqual([
      'USAGE',
      '--publish 6000: compose.yaml is deployed as it is (backend reads /run/secrets/db-password), and publishes 80',
    ])
    expect(hint).toContain('--url')
  })

  it('leaves a scheduler alone, and tells of a migration that nothing makes', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      'manage.py': '',
      'compose.yaml': `services:
  web: { build: ., ports: ["80:5000"], init: true }
  beat: { build: ., command: celery -A shop beat }
  db: { image: "postgres:17", volumes: ["d:/d"] }
volumes: { d: {} }
`,
    })
    const { notes } = await run(folder)
    expect(config(folder)).toMatchObject({ environments: { production: { services: { beat: { overlap: false } } } } })
    expect(notes).toEqual([expect.stringContaining('service_completed_successfully')])
  })
})

describe('services of one image', () => {
  it('run it under the name that the one that builds it gives it, and end in the time that they ask for', async () => {
    const compose =
      'services: { web: { build: ., image: shop }, worker: { image: "shop:latest", command: rq worker, stop_grace_period: 1m30s } }'
    expect(await production({ Dockerfile: dockerfile, 'compose.yaml': compose })).toMatchObject({
      services: { worker: { command: ['rq', 'worker'], 'stop-timeout': '90s' } },
    })
  })

  it.each([
    [{}, ['ghcr.io/acme/web', 'ghcr.io/acme/api']],
    [{ image: 'ghcr.io/team/own' }, ['ghcr.io/team/own-web', 'ghcr.io/team/own-api']],
  ])('are pushed where the compose file says, until somebody says where: %o', async (given, repositories) => {
    const compose =
      'services: { web: { build: ., image: "ghcr.io/acme/web:1", ports: ["80:5000"] }, api: { build: api, image: ghcr.io/acme/api } }'
    const folder = repository({ Dockerfile: dockerfile, 'api/Dockerfile': dockerfile, 'compose.yaml': compose }, { remote: '' })
    await run(folder, { given })
    const { images } = config(folder) as { images: Record<string, { repositories: string[] }> }
    expect(Object.values(images).flatMap((one) => one.repositories)).toEqual(repositories)
  })
})
