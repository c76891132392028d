import { describe, expect, it } from 'vitest'
import { parseConf } from '../../src/doctor/nginx-conf.ts'
import { findingsIn, plainConfig, told } from './support/doctor.ts'

type Files = Record<string, string>
const compose = (text: string, more: Files = {}): Files => ({ 'docker-compose.yml': `services:\n${text}`, ...more })
const proxy = (conf: string): Files => ({ 'web/proxy.conf': conf, 'web/Dockerfile': 'FROM nginx:1\n' })
const mounted = "volumes: ['./web/proxy.conf:/etc/nginx/conf.d/default.conf:ro']"

const rows: [what: string, files: Files, expected: string[]][] = [
  [
    'a root without rights that becomes another user, as a command line has it',
    compose('  app:\n    image: shop:1\n    command: [uwsgi, --ini, app.ini, --uid, "1000"]\n    cap_drop: [ALL]\n'),
    ['error capabilities-dropped docker-compose.yml:5:15: app begins as root without any right, and uWSGI becomes another user'],
  ],
  [
    'a root without rights that becomes another user, as images of others do',
    compose(
      '  db: { image: "postgres:15", cap_drop: [all] }\n  cache: { image: "docker.io/library/redis:7", cap_drop: [ALL], user: "999" }\n  proxy: { image: "shop/nginx-exporter:1", cap_drop: [ALL] }\n',
    ),
    ['error capabilities-dropped docker-compose.yml:2:41: db begins as root without any right, and postgres becomes another user'],
  ],
  [
    'an nginx of a user who may not write into its folders; its own users may',
    compose(
      '  web: { image: "nginx:1", user: "38305:58102" }\n  ok: { build: ./web, user: "38305:58102", group_add: [nginx] }\n  own: { image: "nginx:1", user: "101:101" }\n',
      proxy(''),
    ),
    ['error group-missing docker-compose.yml:2:34: web runs nginx as 38305:58102, who is not in the group nginx'],
  ],
  [
    'a port of the host that is asked inside of the stack, by nginx and by a check',
    {
      ...compose(
        `  web:\n    build: ./web\n    ports: ['60037:8080']\n    ${mounted}\n  app:\n    image: shop:1\n    ports: ['\${APP_PORT:-60038}:5000', '9000:9000']\n`,
        proxy('# proxy_pass http://app:60038;\nserver {\n  listen 8080;\n  location / { proxy_pass http://app:60038; }\n}\n'),
      ),
      'launchway.yml': `${plainConfig}smoke:\n  checks:\n    - { http: "http://web:60037/", name: page }\n    - { tcp: "app:9000" }\n    - { http: "http://web:8080/" }\n`,
    },
    [
      'error port-outside web/proxy.conf:4: nginx asks app:60038, which is its port outside; inside it is 5000',
      'error port-outside launchway.yml:7:7: the check "page" asks web:60037, which is its port outside; inside it is 8080',
    ],
  ],
  [
    'a published port at which nobody listens',
    compose(
      `  web:\n    build: ./web\n    ports: ['60037:8080', '60038:80']\n    ${mounted}\n`,
      proxy('server {\n  listen [::]:80;\n  listen 127.0.0.1:8081 ssl;\n}\n'),
    ),
    ['error port-unheard docker-compose.yml:4:13: 60037:8080 leads to 8080, and nginx listens on 80, 8081'],
  ],
  [
    'nothing of the port that the configuration of the image listens on, beside one of another name',
    compose(
      `  web:\n    build: ./web\n    ports: ['60037:80', '60038:8080']\n    volumes: ['./web/proxy.conf:/etc/nginx/conf.d/proxy.conf']\n`,
      proxy('server {\n  listen 8080;\n}\n'),
    ),
    [],
  ],
  [
    'sources over what was built from them, where it is not for developers',
    {
      ...compose("  web:\n    build: .\n    volumes: ['./:/app', './uploads:/app/uploads']\n", { 'uploads/x': '' }),
      'docker-compose.dev.yml': "services:\n  web:\n    volumes: ['.:/app']\n",
      'launchway.yml': `${plainConfig}smoke: { compose: [docker-compose.yml, docker-compose.dev.yml] }\n`,
    },
    ['warning sources-mounted docker-compose.yml:4:15: web mounts the repository, from which its image is built'],
  ],
]

describe('doctor finds in compose files what containers meet inside of a stack', () => {
  it.each(rows)('%s', async (_, files, expected) => {
    const rules = new Set(['capabilities-dropped', 'group-missing', 'port-outside', 'port-unheard', 'sources-mounted'])
    const found = (await findingsIn(files)).filter(({ rule }) => rules.has(rule))
    expect(found.map(told).toSorted()).toEqual(expected.toSorted())
  })
})

describe('a configuration of nginx', () => {
  it.each<[string, number[], [string, number][]]>([
    ['server { listen 80 default_server; }', [80], []],
    ['server {\n listen 8080;\n listen [::]:8080;\n listen unix:/run/x;\n}', [8080], []],
    [
      'upstream a { server app:5000; server db; }\n location / { proxy_pass https://app/x; }',
      [],
      [
        ['app', 5000],
        ['app', 443],
      ],
    ],
    ['# listen 81;\nproxy_pass http://$up;\nproxy_pass http://127.0.0.1:1;', [], []],
  ])('%j', (text, listens, passes) => {
    const conf = parseConf(text)
    expect([conf.listens, conf.passes.map(({ name, port }) => [name, port])]).toEqual([listens, passes])
  })
})
