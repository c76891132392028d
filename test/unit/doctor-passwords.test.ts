import { describe, expect, it } from 'vitest'
import { findingsIn, showsOnly } from './support/doctor.ts'

type Files = Record<string, string>
const compose = (services: string, more: Files = {}): Files => ({ 'compose.yaml': `services:\n${services}`, ...more })

const rows: [what: string, files: Files, expected: string[]][] = [
  [
    'one in a file of variables, with its line there, also from another folder',
    {
      'launchway.yml':
        'image: ghcr.io/team/app\nsmoke: { compose: deploy/stack.yml }\nenvironments:\n  production: { host: deploy@a.example.org, port: 1, publish: 80, health: /, env-files: [app.env] }\n',
      'app.env': 'SECRET_KEY=changeme\n',
      'deploy/stack.yml':
        'services:\n  db: { image: "postgres:15", env_file: [db.env, { path: ../more.env, required: false }, gone.env] }\n',
      'deploy/db.env': '# of the database\nexport POSTGRES_PASSWORD="postgres" # for now\nPOSTGRES_DB=shop\n',
      'more.env': 'APP_PASSWORD=shop\nAPI_TOKEN=c29tZXRoaW5n\n',
    },
    [
      'app.env:1: SECRET_KEY is "changeme" unless somebody changes it',
      'deploy/db.env:2: POSTGRES_PASSWORD is "postgres" unless somebody changes it',
      'more.env:1: APP_PASSWORD is "shop" unless somebody changes it',
    ],
  ],
  [
    "a database that asks nobody, and one whose switch is off or is somebody's to set",
    compose(
      '  db: { image: "postgres:15", environment: { POSTGRES_HOST_AUTH_METHOD: trust } }\n  sql:\n    image: mysql:8\n    environment: ["MYSQL_ALLOW_EMPTY_PASSWORD=yes"]\n  own: { image: "bitnami/redis:7", environment: { ALLOW_EMPTY_PASSWORD: "no" } }\n  asked: { image: "mysql:8", environment: { MYSQL_ALLOW_EMPTY_PASSWORD: "${EMPTY}" } }\n  other: { image: "postgres:15", environment: { POSTGRES_HOST_AUTH_METHOD: scram-sha-256 } }\n',
    ),
    [
      'compose.yaml:2:73: nobody is asked for a password: POSTGRES_HOST_AUTH_METHOD is trust',
      'compose.yaml:5:19: nobody is asked for a password: MYSQL_ALLOW_EMPTY_PASSWORD is yes',
    ],
  ],
  [
    'what a product comes with, a word with a number behind it, and the default of a variable inside of a URL',
    compose(
      '  s3:\n    image: minio/minio:1\n    environment:\n      MINIO_ROOT_PASSWORD: minioadmin\n      ADMIN_PASSWORD: ${PW:-password123}\n      DATABASE_URL: postgres://app:${DB_PASSWORD:-Secret1!}@db/app\n      OTHER_URL: postgres://app:${DB_PASSWORD}@db/app\n      THIRD_PASSWORD: ${PW:-}\n',
    ),
    [
      'compose.yaml:5:28: MINIO_ROOT_PASSWORD is "minioadmin" unless somebody changes it',
      'compose.yaml:6:23: ADMIN_PASSWORD is "password123" unless somebody changes it',
      'compose.yaml:7:21: DATABASE_URL is "Secret1!" unless somebody changes it',
    ],
  ],
  [
    'the name of its user, of its service or of its product, and not where that is no password',
    compose(
      '  db: { image: "mariadb:11", environment: { MARIADB_USER: wiki, MARIADB_PASSWORD: wiki2024, TOKEN_ISSUER: wiki, S3_ACCESS_KEY: wiki } }\n  queue: { image: "acme/broker:1", environment: { ADMIN_PASS: Broker, QUEUE_TOKEN: queue } }\n  web: { image: "shop:1", environment: { URL: "amqp://worker:worker@queue", SECRET_KEY: app, API_KEY: k2J9-xxw1-77 } }\n',
    ),
    [
      'compose.yaml:2:83: MARIADB_PASSWORD is "wiki2024" unless somebody changes it',
      'compose.yaml:3:63: ADMIN_PASS is "Broker" unless somebody changes it',
      'compose.yaml:3:84: QUEUE_TOKEN is "queue" unless somebody changes it',
      'compose.yaml:4:47: URL is "worker" unless somebody changes it',
      'compose.yaml:4:89: SECRET_KEY is "app" unless somebody changes it',
    ],
  ],
  [
    'one on a command line, and none where a variable is',
    {
      ...compose(
        '  a: { image: "redis:7", command: redis-server --requirepass redis }\n  b: { image: "redis:7", command: [redis-server, --requirepass, "${REDIS_PASSWORD:-hunter}"] }\n  c: { image: "app:1", command: [run, "--admin-password=${PW:-admin}", --password-file, /run/pw] }\n  d: { image: "app:1", command: pg_dump --no-password postgres --bypass app }\n',
      ),
      'launchway.yml':
        'image: ghcr.io/team/app\nenvironments:\n  production:\n    host: deploy@a.example.org\n    port: 1\n    publish: 80\n    health: /\n    accessories:\n      cache: { image: "redis:7", command: [redis-server, --requirepass, cache1] }\n      db: { image: "postgres:15", env: { POSTGRES_HOST_AUTH_METHOD: trust } }\n',
    },
    [
      'compose.yaml:2:35: the password "redis" stands on its command line',
      'compose.yaml:4:33: the password "admin" stands on its command line',
      'launchway.yml:9:34: the password "cache1" stands on its command line',
      'launchway.yml:10:42: nobody is asked for a password: POSTGRES_HOST_AUTH_METHOD is trust',
    ],
  ],
]

describe('doctor finds passwords that everybody knows', () => {
  it.each(rows)('%s', async (_, files, expected) => {
    expect(showsOnly('default-password', await findingsIn(files)).toSorted()).toEqual(expected.toSorted())
  })
})
