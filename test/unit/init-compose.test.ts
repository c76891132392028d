import { describe, expect, it } from 'vitest'
import { config, dockerfile, host, read, repository, run, shop } from './support/init.ts'

describe('a repository with a compose file', () => {
  it('keeps the names that volumes have on the host, and says where the data of the others is now', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      'compose.yaml': `name: shop-live
services:
  web: { build: ., volumes: ["media:/media"] }
  db: { image: "postgres:17", volumes: ["pg:/var/lib/postgresql/data"] }
  cache: { image: "redis:7", volumes: ["cache:/data"] }
volumes: { media: {}, pg: { external: true, name: prod_pgdata }, cache: { name: shop_cache } }
`,
    })
    const { notes } = await run(folder)
    expect(config(folder)).toMatchObject({
      environments: {
        production: {
          volumes: ['shop-media:/media'],
          accessories: { db: { volumes: ['prod_pgdata:/var/lib/postgresql/data'] }, cache: { volumes: ['shop_cache:/data'] } },
        },
      },
    })
    expect(notes).toEqual([
      'the volume media is empty at the first deploy. Where this stack runs on the server already, its data is in shop-live_media (docker volume ls): to keep it write that name into launchway.yml, and stop the stack there first: docker compose down, without --volumes',
      'the volume prod_pgdata is taken with what is in it. Where the stack runs on the server already, stop the stack there first: docker compose down, without --volumes',
      'the volume shop_cache is taken with what is in it. Where the stack runs on the server already, stop the stack there first: docker compose down, without --volumes',
    ])
  })

  it('gives a command the secrets that compose has written into it', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      'compose.yaml': `services:
  web: { build: . }
  redis: { image: "redis:7", command: "redis-server --requirepass \${REDIS_PASSWORD} --maxmemory \${REDIS_MEMORY:?}" }
  queue: { image: "rabbitmq:4", command: [rabbitmq-server, "\${QUEUE_TOKEN}"], healthcheck: { test: "test -n $$HOME" } }
  beat: { image: "redis:7", command: "sh -c 'echo $$HOSTNAME; sleep \${PAUSE:-60}'" }
  db: { image: "mariadb:11", volumes: ["d:/d"], healthcheck: { test: [CMD, mariadb, "-p\${DB_PASSWORD}"] } }
volumes: { d: { name: "\${DB_VOLUME}" } }
`,
    })
    const { notes } = await run(folder)
    expect(config(folder)).toMatchObject({
      environments: {
        production: {
          accessories: {
            redis: { command: ['sh', '-c', expect.stringContaining('--requirepass ${REDIS_PASSWORD}')], secrets: ['REDIS_PASSWORD'] },
            queue: { secrets: ['QUEUE_TOKEN'], health: { command: ['sh', '-c', 'test -n $HOME'] } },
            beat: { command: ['sh', '-c', 'echo $HOSTNAME; sleep 60'] },
            db: { secrets: ['DB_PASSWORD'], volumes: ['shop-d:/d', 'shop-db-data:/var/lib/mysql'] },
          },
        },
      },
    })
    expect(notes).toEqual([
      'the command of redis asks for REDIS_MEMORY: say its value under env',
      'no shell reads the command of queue, so QUEUE_TOKEN stays as it is written there: command: [sh, -c, …]',
      'the volume d of db is called $DB_VOLUME on the host: write that name into launchway.yml',
      'db has no volume of a name for /var/lib/mysql in the compose file, so its data would end with its container: launchway.yml has db-data for it',
      'no shell reads the health check of db, so DB_PASSWORD stays as it is written there: health.command: [sh, -c, …]',
    ])
  })

  it.each(['{ d: { external: "true" } }', '{ d: { external: yes } }', '{ d: { external: { name: d } } }'])(
    'takes a volume of elsewhere under its own name: %s',
    async (volumes) => {
      const compose = `services: { web: { build: . }, db: { image: "redis:7", volumes: ["d:/d"] } }\nvolumes: ${volumes}\n`
      const folder = repository({ Dockerfile: dockerfile, 'compose.yaml': compose })
      await run(folder)
      expect(config(folder)).toMatchObject({ environments: { production: { accessories: { db: { volumes: ['d:/d'] } } } } })
    },
  )

  it.each(['name: [a]', 'volumes: [a]', 'volumes: { d: "x" }', 'volumes: { d: { external: [] } }'])(
    'is read also where only compose itself minds: %s',
    async (line) => {
      const folder = repository({ Dockerfile: dockerfile, 'compose.yaml': `services: { web: { build: . } }\n${line}\n` })
      await run(folder)
      expect(config(folder)).toMatchObject({ environments: { production: { host } } })
    },
  )

  it('is asked for its health where its code says so, also with workers of the same image', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      'app.py': "@app.get('/healthz')\n",
      'compose.yaml': 'services:\n  web: { build: ., ports: ["80:5000"] }\n  worker: { build: ., command: celery -A app worker }\n',
    })
    await run(folder)
    expect(config(folder)).toMatchObject({ environments: { production: { services: { web: { health: '/healthz' } } } } })
  })

  it('does without the HEALTHCHECK of its image where that asks what another service of the image answers', async () => {
    const folder = repository({
      Dockerfile: `${dockerfile}HEALTHCHECK CMD curl -f http://localhost:5000/up\n`,
      'worker/Dockerfile': 'FROM python:3.12\nHEALTHCHECK CMD test -e /run/alive\nCMD ["rq", "worker"]\n',
      'compose.yaml': `services:
  web: { build: ., ports: ["80:5000"] }
  worker: { build: ., command: celery -A app worker }
  own: { build: worker, command: rq worker low }
`,
    })
    await run(folder)
    const services = { web: { health: '/up' }, worker: { health: 'none' } }
    expect(config(folder)).toMatchObject({ environments: { production: { services } } })
    expect(read(folder, 'launchway.yml').match(/health: none/g)).toHaveLength(1)
  })

  it('has whatever must not run twice stopped first: schedulers, and workers of a fixed name', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      'cron/Dockerfile': 'FROM alpine\nCMD ["crond", "-f"]\n',
      'compose.yaml': `services:
  web: { build: ., ports: ["80:5000"] }
  cron: { build: ., command: crond -f }
  own: { build: cron }
  named: { build: ., command: rq worker --name high }
  both: { build: ., command: celery -A app worker -B }
  worker: { build: ., command: rq worker high }
`,
    })
    await run(folder)
    const stop = { 'stop-timeout': '60s' }
    expect(config(folder)).toMatchObject({
      environments: {
        production: {
          services: {
            cron: { overlap: false },
            own: { overlap: false },
            named: { overlap: false, ...stop },
            both: { overlap: false, ...stop },
            worker: { command: ['rq', 'worker', 'high'], ...stop },
          },
        },
      },
    })
    expect(read(folder, 'launchway.yml').match(/overlap: false/g)).toHaveLength(4)
  })

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
      expect.stringMatching(/^the volume uploads is empty at the first deploy\. .* <project>_uploads /),
      expect.stringMatching(/^the volume pgdata is empty at the first deploy\. .* <project>_pgdata /),
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

  it('gets no value for the smoke test that stands in .env, also behind a byte order mark', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      'compose.yaml': 'services: { web: { build: ., environment: { A: "${A_KEY:?}", B: "${B_KEY:?}", C: "${C_KEY:?}" } } }\n',
      '.env': '\uFEFFA_KEY=1\nB_KEY=2\n',
    })
    await run(folder)
    expect(config(folder)).toHaveProperty('smoke.env', { C_KEY: 'smoke-only' })
  })

  it('that runs nothing of what is built here is no smoke test', async () => {
    const folder = repository({ Dockerfile: dockerfile, 'compose.yaml': 'services: { db: { image: "postgres:15" } }\n' })
    await run(folder)
    expect(config(folder)).toMatchObject({ smoke: false })
    expect(read(folder)).toContain('# No composed stack is tested: compose.yaml does not run what is built here')
  })
})
