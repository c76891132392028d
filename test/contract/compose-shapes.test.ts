import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { processExec } from '../../src/adapters/exec.ts'
import { command } from '../../src/core/command.ts'
import { Secret } from '../../src/core/secret.ts'
import { startRelease } from '../../src/plan/index.ts'
import { prepare } from '../../src/smoke/plan.ts'
import { quicken } from '../../src/smoke/readiness.ts'
import { render } from '../../src/smoke/index.ts'
import { opened, scaled } from '../../src/smoke/shape.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'

interface Shape {
  /** Of launchway.yml. */
  images: string
  files: Record<string, string>
  /** Which service is tested with which image. */
  ours: Record<string, string>
}

const app = 'image: registry.invalid/app'
const images = (...names: string[]): string =>
  `images:\n${names.map((name) => `  ${name}: { context: ${name}, repositories: [registry.invalid/${name}] }`).join('\n')}`

/** As people's projects are, each for the smallest stack that has its peculiarities. */
const shapes: Record<string, Shape> = {
  'one service, built to a target for developers, with the repository mounted over it': {
    images: 'images: { app: { context: ., target: dev, repositories: [registry.invalid/app] } }',
    files: { 'compose.yaml': `services: { web: { build: { context: ., target: dev }, ports: ['8000:8000'], volumes: ['.:/code'] } }` },
    ours: { web: 'app' },
  },
  'a cache beside it, and a signal of its own': {
    images: app,
    files: {
      'compose.yaml': `services:\n  redis: { image: redislabs/redismod, ports: ['6379:6379'] }\n  web: { build: ., stop_signal: SIGINT, ports: ['8000:8000'], depends_on: [redis] }`,
    },
    ours: { web: 'app' },
  },
  'a proxy with its file mounted, a back end, and a database with a password in a file and a health check': {
    images: 'images: { backend: { context: backend, target: builder, repositories: [registry.invalid/backend] } }',
    files: {
      'compose.yaml': `
services:
  db:
    image: mariadb:10-focal
    command: --default-authentication-plugin=mysql_native_password
    restart: always
    healthcheck: { test: ['CMD-SHELL', 'mysqladmin ping -h 127.0.0.1 --password="$$(cat /run/secrets/db-password)"'], interval: 3s, retries: 5, start_period: 30s }
    secrets: [db-password]
    volumes: ['db-data:/var/lib/mysql']
    environment: [MYSQL_DATABASE=example, MYSQL_ROOT_PASSWORD_FILE=/run/secrets/db-password]
    expose: [3306, 33060]
  backend: { build: { context: backend, target: builder }, secrets: [db-password], depends_on: { db: { condition: service_healthy } } }
  proxy:
    image: nginx
    volumes: [{ type: bind, source: ./proxy/nginx.conf, target: /etc/nginx/conf.d/default.conf, read_only: true }]
    ports: ['80:80']
    depends_on: [backend]
volumes: { db-data: }
secrets: { db-password: { file: db/password.txt } }
`,
      'db/password.txt': 'db-q5n2g',
      'proxy/nginx.conf': 'server { listen 80; }',
    },
    ours: { backend: 'backend' },
  },
  'two services that build the same under two names': {
    images: `images:\n  web1: { context: web, repositories: [registry.invalid/web1] }\n  web2: { context: web, repositories: [registry.invalid/web2] }`,
    files: {
      'compose.yaml': `services:\n  web1: { build: ./web, hostname: web1, ports: ['81:5000'] }\n  web2: { build: ./web, hostname: web2, ports: ['82:5000'] }\n  nginx: { build: ./nginx, ports: ['80:80'], depends_on: [web1, web2] }`,
    },
    ours: { web1: 'web1', web2: 'web2' },
  },
  'a front end and a back end in networks of their own, packages in a volume without a name': {
    images: images('backend', 'frontend'),
    files: {
      'compose.yaml': `
services:
  frontend: { build: frontend, ports: ['3000:3000'], stdin_open: true, volumes: ['./frontend:/usr/src/app', '/usr/src/app/node_modules'], networks: [react-express], restart: always, container_name: frontend }
  backend: { container_name: backend, build: backend, volumes: ['./backend:/usr/src/app'], networks: [express-mongo, react-express], expose: ['3000'], init: true }
  mongo: { image: 'mongo:4.2.0', container_name: mongo, volumes: ['mongo_data:/data/db'], networks: [express-mongo] }
networks: { react-express: {}, express-mongo: {} }
volumes: { mongo_data: {} }
`,
    },
    ours: { frontend: 'frontend', backend: 'backend' },
  },
  'variables with a default, one that has to be there, and an image with a name beside its build': {
    images: app,
    files: {
      '.env': 'NEEDED=yes\nTAG=3\n',
      'compose.yaml': `services:\n  web: { build: ., image: "team/app:\${TAG}", environment: { A: "\${A:-none}", B: "\${NEEDED:?say it}" } }\n  worker: { image: "team/app:\${TAG}", command: [work] }`,
    },
    ours: { web: 'app', worker: 'app' },
  },
  'an address of its own in a range of its own, and another name server': {
    images: app,
    files: {
      'compose.yaml': `
services:
  web: { build: ., networks: { inner: { ipv4_address: 172.30.9.2 } }, dns: [172.30.9.3], cap_add: [NET_ADMIN], sysctls: [net.ipv4.ip_unprivileged_port_start=0], tmpfs: [/run], ports: ['53:53/udp', '8080:80'] }
networks: { inner: { driver: bridge, ipam: { config: [{ subnet: 172.30.9.0/24 }] } } }
`,
    },
    ours: { web: 'app' },
  },
  'a router that reads labels from the engine': {
    images: images('backend'),
    files: {
      'compose.yaml': `
services:
  frontend: { image: 'traefik:2.6', command: --providers.docker --entrypoints.web.address=:80, ports: ['80:80'], volumes: ['/var/run/docker.sock:/var/run/docker.sock'], depends_on: [backend], security_opt: [no-new-privileges:true] }
  backend: { build: backend, labels: [traefik.enable=true, 'traefik.http.routers.go.rule=Path(\`/\`)'] }
`,
    },
    ours: { backend: 'backend' },
  },
  'images built with arguments from one Dockerfile elsewhere': {
    images: `images:\n  api: { context: ., dockerfile: docker/Dockerfile, args: { KIND: api }, repositories: [registry.invalid/api] }\n  job: { context: ., dockerfile: docker/Dockerfile, args: { KIND: job }, repositories: [registry.invalid/job] }`,
    files: {
      'compose.yaml': `
x-build: &build { context: ., dockerfile: docker/Dockerfile }
services:
  job: { build: { <<: *build, args: [KIND=job] }, command: '/bin/sh -c "echo $$HOSTNAME"', depends_on: { api: { condition: service_started, restart: true } } }
  api: { build: { <<: *build, args: { KIND: api } }, deploy: { replicas: 2, resources: { limits: { memory: 64M } }, restart_policy: { condition: any } } }
`,
    },
    ours: { api: 'api', job: 'job' },
  },
  'services that extend another, and files that include others': {
    images: app,
    files: {
      'common.yaml': `services: { base: { build: ., environment: { A: b }, volumes: ['./conf:/conf:ro'] } }`,
      'db/compose.yaml': `services: { db: { image: postgres, environment: { POSTGRES_PASSWORD: mysecretpassword }, volumes: ['data:/var/lib/postgresql/data'] } }\nvolumes: { data: }`,
      'compose.yaml': `include: [db/compose.yaml]\nservices:\n  web: { extends: { file: common.yaml, service: base }, depends_on: [db] }\n  shell: { extends: web, profiles: [tools], command: [sh] }`,
    },
    ours: { web: 'app' },
  },
  'configs written in the file, several files of variables, and limits': {
    images: app,
    files: {
      'a.env': 'A=1\n',
      'compose.yaml': `
services:
  web:
    build: .
    env_file: [a.env, { path: missing.env, required: false }]
    configs: [{ source: site, target: /etc/site.conf }]
    ulimits: { nofile: { soft: 1024, hard: 2048 }, memlock: -1 }
    extra_hosts: ['gate:127.0.0.1']
    logging: { driver: syslog, options: { syslog-address: 'tcp://192.0.2.1:514' } }
configs: { site: { file: ./site.conf } }
`,
      'site.conf': 'x',
    },
    ours: { web: 'app' },
  },
  'a broker, a database and a job, each waiting for the one before': {
    images: images('etl'),
    files: {
      'compose.yaml': `
services:
  redpanda: { image: redpanda, command: [redpanda, start, --smp 1], ports: ['8081:8081', '9092:9092'], volumes: ['./kafka:/app'] }
  db: { image: mariadb, environment: { MYSQL_ROOT_PASSWORD: whalehello }, healthcheck: { test: [CMD, healthcheck.sh, --connect], interval: 1s } }
  topics: { image: redpanda, command: [rpk, topic, create, order], depends_on: { redpanda: { condition: service_started } }, restart: on-failure }
  etl: { image: etl, platform: linux/amd64, build: { context: etl }, environment: { DATABASE_URL: 'mysql://root:whalehello@db:3306/mysql' }, restart: unless-stopped, depends_on: { topics: { condition: service_completed_successfully }, db: { condition: service_healthy } } }
`,
    },
    ours: { etl: 'etl' },
  },
}

describe.concurrent('a project of the shape', () => {
  it.each(Object.entries(shapes))('%s is planned and rendered, and compose takes what comes of it', async (_, shape) => {
    const root = temporaryFolder()
    const said = `${shape.images}\nbranches: { main: {} }\nscan: false\n`
    for (const [name, text] of Object.entries({ ...shape.files, 'launchway.yml': said })) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), text)
    }
    const { ports } = localPorts(root)
    const { plan } = await startRelease('launchway.yml', { event: 'pull_request', sha: '0'.repeat(40) }, ports)
    if (plan.smoke === undefined) throw new Error('nothing to test')
    const { project } = await render(plan.smoke, ports)
    const candidates = plan.images.map((image) => ({ image, reference: `${image.repositories[0]}:candidate` }))
    const prepared = prepare(project, { plan: plan.smoke, candidates, root, project: 'shape', owner: 'nobody' })
    const { file } = quicken(scaled(opened(prepared.file, prepared), plan.smoke), true, 60_000)
    expect(Object.fromEntries([...prepared.ours].map(([service, { image }]) => [service, image.name]))).toEqual(shape.ours)
    const words = ['compose', '--project-name', 'shape', '--project-directory', root, '--file', '-', 'config', '--quiet']
    expect(await processExec.run(command('docker', words, { stdin: new Secret(JSON.stringify(file)) }))).toMatchObject({ code: 0 })
  })
})
