import { describe, expect, it } from 'vitest'
import { findingsIn, plainConfig, told } from './support/doctor.ts'

type Files = Record<string, string | undefined>
type Row = [what: string, files: Files, expected: string[], modes?: Record<string, number>]

const service = (more: string): string => plainConfig.replace('health: /healthz }', `health: /healthz, ${more} }`)
const compose = (text: string): Files => ({ 'compose.yaml': text })

const rows: Row[] = [
  // launchway.yml.
  [
    'a service that nobody asks whether it works',
    { 'launchway.yml': plainConfig.replace(', health: /healthz', '') },
    ['warning health-missing launchway.yml:4:3: nobody asks web whether it works'],
  ],
  [
    'one whose image says how to ask',
    {
      'launchway.yml': plainConfig.replace(', health: /healthz', ''),
      Dockerfile: 'FROM python:3.12\nCOPY app.py /\nHEALTHCHECK CMD ["true"]\n',
    },
    [],
  ],
  [
    'a secret in plain text',
    {
      'launchway.yml': service('env: { SECRET_KEY: abc123xyz, DATABASE_URL: "postgres://app:changeme@db/app", SECRET_KEY_FILE: /run/key }'),
    },
    [
      'error secret-in-configuration launchway.yml:4:110: SECRET_KEY stands here in plain text',
      'error secret-in-configuration launchway.yml:4:133: DATABASE_URL stands here in plain text',
    ],
  ],
  [
    'passwords in addresses, also without a user, but no variables',
    {
      'launchway.yml': service(
        'env: { A: "postgres://shop:Tr0ub4dor3xK9@db/shop", B: "redis://:pw@r:6379/0", C: "postgres://shop:$PASSWORD@db/shop", D: "https://a.example.org:8080/x@y" }, accessories: { q: { image: "redis:7", env: { U: "amqp://a:bcdefg@q" } } }',
      ),
    },
    [
      'error secret-in-configuration launchway.yml:4:110: A stands here in plain text',
      'error secret-in-configuration launchway.yml:4:154: B stands here in plain text',
      'error secret-in-configuration launchway.yml:4:305: U stands here in plain text',
    ],
  ],
  [
    'databases beside the services whose data is in their container alone',
    {
      'launchway.yml': service(
        'accessories: { bare: { image: "postgres:17" }, kept: { image: "postgres:17", volumes: ["d:/var/lib/postgresql/data"] }, host: { image: "mysql:8", volumes: ["/srv/m:/var/lib/mysql"] }, script: { image: "mongo:7", volumes: ["/srv/i:/i:ro"] }, own: { image: "postgres:17", env: { PGDATA: /own }, volumes: ["d2:/own"] }, cache: { image: "redis:7" } }',
      ),
    },
    [
      'warning data-unnamed launchway.yml:4:126: bare (postgres:17) keeps its data in no volume that has a name',
      'warning data-unnamed launchway.yml:4:297: script (mongo:7) keeps its data in no volume that has a name',
    ],
  ],
  [
    'a tag that every release moves, and no other',
    { 'launchway.yml': `image-tags: "type=raw,value=latest"\n${plainConfig}` },
    ['warning tag-floating launchway.yml:1:1: every release is pushed as latest and nothing else'],
  ],
  [
    'tags of which all move, in lines, and one as a name alone',
    {
      'launchway.yml': `image-tags: |\n  # two of them\n  latest\n  type=raw,value=stable,suffix=-x\n  type=sha,enable=false\n${plainConfig}`,
    },
    ['warning tag-floating launchway.yml:1:1: every release is pushed as latest, stable-x and nothing else'],
  ],
  [
    'tags in lines of which one names the commit',
    { 'launchway.yml': `image-tags: |\n  type=raw,value=latest\n  type=sha\n${plainConfig}` },
    [],
  ],
  [
    'a tag that says when, by its suffix',
    { 'launchway.yml': `image-tags: ["type=raw,value=v,suffix={{date 'YYYY'}}"]\n${plainConfig}` },
    [],
  ],
  [
    'a tag that says which, by what stands before all of them',
    { 'launchway.yml': `image-tags: latest\nflavor: 'prefix={{sha}}-'\n${plainConfig}` },
    [],
  ],

  // Compose files.
  [
    'a container name outside of a file for developers',
    {
      'launchway.yml': `${plainConfig}smoke: { compose: [docker-compose.yml, docker-compose-development.yml] }\n`,
      'docker-compose.yml': 'services:\n  web:\n    image: ghcr.io/team/app\n    container_name: web\n',
      'docker-compose-development.yml': 'services:\n  web:\n    container_name: web-dev\n',
    },
    ['warning container-name docker-compose.yml:4:21: container_name: web'],
  ],
  [
    'passwords that everybody knows',
    compose(
      'services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: postgres\n      POSTGRES_USER: admin\n  app:\n    image: shop:1\n    environment:\n      - ADMIN_PWD=${ADMIN_PWD:-cornflow1234}\n      - DATABASE_URL=postgres://cornflow:cornflow@db/cornflow\n      - SECRET_KEY=${SECRET_KEY:?}\n      - FERNET_KEY=THISNEEDSTOBECHANGED\n',
    ),
    [
      'warning default-password compose.yaml:5:26: POSTGRES_PASSWORD is "postgres" unless somebody changes it',
      'warning default-password compose.yaml:10:9: ADMIN_PWD is "cornflow1234" unless somebody changes it',
      'warning default-password compose.yaml:13:9: FERNET_KEY is "THISNEEDSTOBECHANGED" unless somebody changes it',
      'warning default-password compose.yaml:11:9: DATABASE_URL is "cornflow" unless somebody changes it',
    ],
  ],
  [
    'a database that is open to the world',
    {
      'launchway.yml': `${plainConfig}    accessories: { cache: { image: "redis:7", port: 6379, publish: 6379 } }\n`.replace(
        'production: { host: deploy@a.example.org, port: 5000, url: https://a.example.org, health: /healthz }',
        'production:\n    host: deploy@a.example.org\n    port: 5000\n    url: https://a.example.org\n    health: /healthz',
      ),
      ...compose(
        'services:\n  db:\n    image: mysql:8\n    ports: ["${DB_PORT:-3306}:3306", "127.0.0.1:3307:3306"]\n  mq:\n    image: rabbitmq:3\n    ports:\n      - target: 15672\n        published: "15672"\n  web: { image: "shop:1", ports: ["5000:5000"] }\n',
      ),
    },
    [
      'warning database-public compose.yaml:4:13: db (MySQL) is open to the world: ${DB_PORT:-3306}:3306',
      'warning database-public compose.yaml:8:9: mq (the console of RabbitMQ) is open to the world: 15672:15672',
      'warning database-public launchway.yml:9:59: cache (Redis) is open to the world: publish: 6379',
    ],
  ],
  [
    'a database at a port that nobody chose, or in the network of the host',
    {
      'launchway.yml': `${plainConfig}    accessories: { cache: { image: "redis:7", port: 6379, networks: [host] } }\n`.replace(
        'production: { host: deploy@a.example.org, port: 5000, url: https://a.example.org, health: /healthz }',
        'production:\n    host: deploy@a.example.org\n    port: 5000\n    url: https://a.example.org\n    health: /healthz',
      ),
      ...compose(
        'services:\n  db: { image: "postgres:15", ports: ["5432", "127.0.0.1::5432"] }\n  long: { image: "mysql:8", ports: [{ target: 3306 }, { target: 3306, host_ip: 127.0.0.1 }] }\n  olap: { image: "clickhouse/clickhouse-server:25", ports: ["8123:8123"] }\n  net: { image: "bitnami/postgresql:15", network_mode: host }\n  web: { image: "shop:1", network_mode: host, ports: ["80"] }\n  near: { image: "mongo:7", expose: [27017] }\n',
      ),
    },
    [
      'warning database-public compose.yaml:2:39: db (PostgreSQL) is open to the world: 5432, at a port that the engine chooses',
      'warning database-public compose.yaml:3:37: long (MySQL) is open to the world: 3306, at a port that the engine chooses',
      'warning database-public compose.yaml:4:61: olap (clickhouse) is open to the world: 8123:8123',
      'warning database-public compose.yaml:5:56: net (postgresql) listens on the addresses of the host: network_mode: host',
      'warning database-public launchway.yml:9:59: cache (Redis) listens on the addresses of the host: networks: [host]',
    ],
  ],
  [
    'compose files that are named and not there, by their place in launchway.yml',
    {
      'launchway.yml': `image: ghcr.io/team/app
smoke: { compose: [gone.yml, there.yml], variants: { other: { compose: off.yml } } }
environments:
  production: { host: deploy@a.example.org, compose: prod.yml }
  staging: { host: deploy@a.example.org, compose: { files: [there.yml, more.yml], project: x } }
  cluster: { host: deploy@a.example.org, swarm: stack.yml }
`,
      'there.yml': 'services: {}\n',
    },
    [
      'error compose-file-missing launchway.yml:2:20: there is no gone.yml',
      'error compose-file-missing launchway.yml:2:72: there is no off.yml',
      'error compose-file-missing launchway.yml:4:54: there is no prod.yml',
      'error compose-file-missing launchway.yml:5:72: there is no more.yml',
      'error compose-file-missing launchway.yml:6:49: there is no stack.yml',
    ],
  ],
  [
    'configs and secrets that are read from a file that is not there',
    compose(
      'services:\n  web: { image: "shop:1", configs: [site, own], secrets: [key, var] }\nconfigs:\n  site: { file: ./site.conf }\n  there: { file: app.py }\n  own: { external: true }\n  text: { content: x }\nsecrets:\n  key: { file: run/key.txt }\n  var: { environment: KEY }\n  far: { file: "${DIR}/x" }\n  root: { file: /etc/key }\n',
    ),
    [
      'error mount-missing compose.yaml:4:17: the config site is read from site.conf, which is not there',
      'warning mount-missing compose.yaml:9:16: the secret key is read from run/key.txt, which is not there',
    ],
  ],
  [
    'scripts with Windows line ends that are mounted, alone or in a folder whose scripts an image runs',
    {
      'launchway.yml': `${plainConfig}smoke: { compose: [deploy/compose.yaml, compose.dev.yaml] }\n`,
      'deploy/compose.yaml':
        'services:\n  db:\n    image: postgres:15\n    volumes: ["./init.sh:/docker-entrypoint-initdb.d/init.sh", "./more:/docker-entrypoint-initdb.d", "../tools:/tools", "./init.sql:/docker-entrypoint-initdb.d/i.sql"]\n  web:\n    image: shop:1\n    entrypoint: /run\n    volumes: [{ type: bind, source: ../bin/run, target: /run }]\n',
      'compose.dev.yaml': 'services:\n  web: { volumes: ["./dev.sh:/dev.sh"] }\n',
      'deploy/init.sh': '#!/bin/sh\necho\r\n',
      'deploy/init.sql': 'SELECT 1;\r\n',
      'deploy/more/a.sh': 'echo\r\n',
      'deploy/more/b.sh': 'echo\n',
      'deploy/more/deep/c.sh': 'echo\r\n',
      'tools/win.sh': 'echo\r\n',
      'bin/run': '#!/bin/sh\r\n',
      'dev.sh': 'echo\r\n',
    },
    [
      'error script-line-ends bin/run:1: run has Windows line ends (CRLF)',
      'error script-line-ends deploy/init.sh:2: init.sh has Windows line ends (CRLF)',
      'error script-line-ends deploy/more/a.sh:1: a.sh has Windows line ends (CRLF)',
    ],
  ],
  [
    'databases on hosts whose data is in their container alone',
    {
      'launchway.yml': plainConfig.replace(
        'port: 5000, url: https://a.example.org, health: /healthz',
        'compose: [docker-compose.yml, docker-compose.override.yml]',
      ),
      'docker-compose.yml':
        'services:\n  web: { image: ghcr.io/team/app }\n  named: { image: "postgres:15", volumes: ["data:/var/lib/postgresql/data"] }\n  folder: { image: "mysql:8", volumes: [{ type: bind, source: /srv/db, target: /var/lib/mysql }] }\n  elsewhere: { image: "mongo:7" }\n  nameless: { image: "postgres:15", volumes: [/var/lib/postgresql/data] }\n  memory: { image: "mariadb:11", volumes: [{ type: tmpfs, target: /var/lib/mysql }] }\n  cache: { image: "redis:7" }\n  begun: { image: "postgres:15", volumes: ["/srv/init.sql:/docker-entrypoint-initdb.d/init.sql"] }\n  whole: { image: "postgres:18", volumes: ["data:/var/lib/postgresql"] }\n  own: { image: "postgres:15", environment: { PGDATA: /own }, volumes: ["data:/own"] }\nvolumes: { data: {} }\n',
      'docker-compose.override.yml': 'services:\n  elsewhere: { volumes: ["data:/data/db"] }\n',
      // Of the smoke test alone: it shall forget.
      'compose.yaml': 'services:\n  db: { image: "postgres:15" }\n',
    },
    [
      'warning data-unnamed docker-compose.yml:6:22: nameless (postgres:15) keeps its data in no volume that has a name',
      'warning data-unnamed docker-compose.yml:7:20: memory (mariadb:11) keeps its data in no volume that has a name',
      'warning data-unnamed docker-compose.yml:9:19: begun (postgres:15) keeps its data in no volume that has a name',
    ],
  ],
  [
    'mounts that are not there, or that the user of the container may not read',
    {
      ...compose(
        'services:\n  web:\n    image: proxy:1\n    user: "38305:58102"\n    volumes:\n      - ./nginx.conf:/etc/nginx/conf.d/default.conf:ro\n      - ./static:/app/static\n      - data:/data\n      - type: bind\n        source: ./tls.key\n        target: /tls.key\nvolumes: { data: {} }\n',
      ),
      'nginx.conf': '',
      'tls.key': '',
    },
    [
      'warning mount-missing compose.yaml:7:9: static is mounted and is not there',
      'warning mount-unreadable compose.yaml:6:9: nginx.conf has mode 640, and the container runs as 38305:58102',
      'warning mount-unreadable compose.yaml:9:9: tls.key has mode 600, and the container runs as 38305:58102',
    ],
    { 'nginx.conf': 0o640, 'tls.key': 0o600 },
  ],
  [
    'images of others without a version',
    compose(
      'services:\n  web: { build: ., image: shop }\n  worker: { image: shop }\n  api: { image: ghcr.io/team/app }\n  too: { image: ghcr.io/team/app:latest }\n  db: { image: postgres }\n',
    ),
    ['hint image-floating compose.yaml:6:16: postgres is whatever is newest'],
  ],
  [
    'images of others without a version, beside one that another file builds',
    {
      ...compose('services:\n  web: { build: ., image: shop }\n'),
      'launchway.yml': `${plainConfig}smoke: { compose: [compose.yaml, migrate.yml] }\n`,
      'migrate.yml': 'services:\n  migrate: { image: shop }\n  db: { image: postgres }\n',
    },
    ['hint image-floating migrate.yml:3:16: postgres is whatever is newest'],
  ],
]

describe('doctor finds in the files of a repository, of launchway.yml and compose files', () => {
  it.each(rows)('%s', async (_, files, expected, modes) => {
    expect((await findingsIn(files, modes)).map(told).toSorted()).toEqual(expected.toSorted())
  })
})
