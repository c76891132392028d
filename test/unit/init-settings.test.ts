import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { config, dockerfile, read, repository, run } from './support/init.ts'

/** The sources are mounted, so that it is for developers, and its services are written one by one. */
const developers = (web: string, others = ''): Record<string, string> => ({
  Dockerfile: dockerfile,
  'compose.yaml': `services:\n  web: { build: ., ports: ["80:5000"], volumes: [".:/code"]${web} }\n${others}`,
})

async function made(files: Record<string, string>): Promise<{ production: Record<string, unknown>; notes: string[] }> {
  const folder = repository(files)
  const { notes } = await run(folder)
  loadConfig(read(folder), 'launchway.yml')
  const { environments } = config(folder) as { environments: { production: Record<string, unknown> } }
  return { production: environments.production, notes: notes.filter((note) => !/^web mounts \. at |^the volume /.test(note)) }
}

describe('a setting of a service that is written into launchway.yml by itself', () => {
  it.each<[string, string, object]>([
    ['restart', 'restart: always', { restart: 'always' }],
    ['a limit of memory', 'mem_limit: 512m', { memory: '512m' }],
    ['a limit of memory in bytes', 'mem_limit: 1073741824', { memory: '1024m' }],
    ['processors', 'cpus: "1.5"', { cpus: 1.5 }],
    [
      'limits of deploy',
      'deploy: { resources: { limits: { cpus: "0.5", memory: 1G, pids: 99 } } }',
      { cpus: 0.5, memory: '1G', options: ['--pids-limit=99'] },
    ],
    ['one container', 'deploy: { replicas: 1 }', {}],
    ['time to stop', 'stop_grace_period: 45s', { 'stop-timeout': '45s' }],
    [
      'rights',
      'cap_drop: [ALL], cap_add: [CHOWN], group_add: [1000], privileged: false',
      { 'cap-drop': ['ALL'], 'cap-add': ['CHOWN'], 'group-add': ['1000'] },
    ],
    ['devices', 'devices: [/dev/ttyUSB0]', { devices: ['/dev/ttyUSB0'] }],
    [
      'a log',
      'logging: { driver: json-file, options: { max-size: 10m } }',
      { logging: { driver: 'json-file', options: { 'max-size': '10m' } } },
    ],
    ['labels', 'labels: [team=shop, plain]', { labels: { team: 'shop', plain: '' } }],
    ['labels of a mapping', 'labels: { team: "${TEAM:-shop}", tier: 1 }', { labels: { team: 'shop', tier: '1' } }],
    [
      'what has options of docker run',
      'read_only: true, init: true, tmpfs: /tmp, security_opt: ["no-new-privileges:true"], shm_size: 256m, hostname: shop, working_dir: /srv, dns: 1.1.1.1',
      {
        options: [
          '--read-only',
          '--init',
          '--tmpfs=/tmp',
          '--security-opt=no-new-privileges:true',
          '--shm-size=256m',
          '--hostname=shop',
          '--workdir=/srv',
          '--dns=1.1.1.1',
        ],
      },
    ],
    [
      'limits of processes, settings of the kernel, names of others',
      'ulimits: { nproc: 65535, nofile: { soft: 1000, hard: 2000 } }, sysctls: [net.core.somaxconn=1024], extra_hosts: { "host.docker.internal": host-gateway }',
      {
        options: [
          '--ulimit=nproc=65535',
          '--ulimit=nofile=1000:2000',
          '--sysctl=net.core.somaxconn=1024',
          '--add-host=host.docker.internal:host-gateway',
        ],
      },
    ],
    ['what is of no consequence', 'develop: { watch: [] }, x-own: 1, pull_policy: always, links: [db]', {}],
  ])('%s', async (_, yaml, expected) => {
    const { production, notes } = await made(developers(`, ${yaml}`))
    const { host: _host, port: _port, publish: _publish, ...rest } = production
    expect(rest).toEqual(expect.objectContaining(expected))
    expect(notes).toEqual([])
  })

  it.each([
    ['several containers of it', 'deploy: { replicas: 3 }', /^web runs in 3 containers \(deploy\.replicas\), and once in launchway\.yml: /],
    ['several by scale', 'scale: 2', /^web runs in 2 containers \(scale\)/],
    [
      'all that has no key, in one sentence',
      'tty: true, gpus: all, deploy: { update_config: { order: start-first } }',
      /^web: launchway\.yml has no place for its tty, gpus, deploy\.update_config: /,
    ],
    ['a value that nobody has said', 'mem_limit: "${LIMIT:?}"', /no place for its mem_limit: /],
    [
      'a value that launchway refuses',
      'mem_limit: 1m, labels: { launchway.app: x }, restart: sometimes',
      /its mem_limit, labels, restart: /,
    ],
    ['a link of another name', 'links: ["db:database"]', /its links: /],
    ['a health check that asks for no path', 'healthcheck: { test: [CMD, ./well] }', /^the health check of web is left out: /],
    ['how it is built', 'x-a: 1', /^web is built with secrets, ssh: /],
    ['further ports', 'x-b: 1', /^web is on 3 ports of the host, .* 9090, 9091 is left out$/],
  ])('%s, is told of', async (what, yaml, note) => {
    const files = developers(`, ${yaml}`)
    const compose = files['compose.yaml'] ?? ''
    const built =
      what === 'how it is built'
        ? compose.replace('build: .', 'build: { context: ., secrets: [a], ssh: [default], cache_from: [x] }')
        : compose
    const { notes } = await made({
      ...files,
      'compose.yaml': what === 'further ports' ? built.replace('"80:5000"', '"80:5000", "9090:9090", "9091:9091"') : built,
    })
    expect(notes).toEqual([expect.stringMatching(note)])
  })

  it('of a database as far as an accessory has it', async () => {
    const db =
      '  db: { image: "redis:7", mem_limit: 1g, shm_size: 256m, stop_grace_period: 1m30s, restart: always, cap_drop: [ALL], volumes: [{ type: tmpfs, target: /t }, { type: volume, source: d, target: /d, read_only: true }] }\n'
    const { production, notes } = await made(developers('', db))
    expect(production['accessories']).toEqual({
      db: {
        image: 'redis:7',
        'stop-timeout': '90s',
        restart: 'always',
        memory: '1g',
        options: ['--shm-size=256m', '--tmpfs=/t'],
        volumes: ['shop-d:/d:ro'],
      },
    })
    expect(notes).toEqual([expect.stringMatching(/^db: launchway\.yml has no place for its cap_drop: /)])
  })

  it('networks that keep services apart are told of once', async () => {
    const others = '  db: { image: "redis:7", networks: [back] }\n  cache: { image: "redis:7", networks: { back: } }\n'
    expect((await made(developers(', networks: [front, back]', others))).notes).toEqual([
      'all are on one network in launchway.yml, and apart in the compose file (web: back front; db: back; cache: back): networks: under each says otherwise',
    ])
    expect((await made(developers(', networks: [back]', others))).notes).toEqual([])
  })
})

describe('a port on one address of the host', () => {
  it.each([
    ['"127.0.0.1:8000:5000"', "publish: '127.0.0.1:8000'"],
    ['"[::1]:8000:5000"', "publish: '[::1]:8000'"],
    ['{ target: 5000, published: 8000, host_ip: 10.0.0.1 }', "publish: '10.0.0.1:8000'"],
  ])('%s is told of', async (port, says) => {
    const files = developers('')
    const compose = (files['compose.yaml'] ?? '').replace('"80:5000"', port)
    const { production, notes } = await made({ ...files, 'compose.yaml': compose })
    expect(production['publish']).toBe(8000)
    expect(notes).toEqual([expect.stringContaining(says)])
  })

  it.each(['"0.0.0.0:8000:5000"', '"8000:5000"', '{ target: 5000, published: 8000 }'])('%s is on all of them', async (port) => {
    const files = developers('')
    expect((await made({ ...files, 'compose.yaml': (files['compose.yaml'] ?? '').replace('"80:5000"', port) })).notes).toEqual([])
  })
})

describe('a setting that launchway.yml cannot say', () => {
  it.each([
    ['deploy: { replicas: 3 }', 'web has deploy'],
    ['pids_limit: 9', 'web has pids_limit'],
    ['extends: { file: base.yaml, service: web }', 'web has extends'],
    ['networks: { default: { aliases: [shop] } }', 'web has other names or an address in its networks'],
    ['volumes: [{ type: tmpfs, target: /tmp }]', 'web has tmpfs'],
  ])('has the compose file itself deployed: %s', async (yaml, why) => {
    const folder = repository({ Dockerfile: dockerfile, 'compose.yaml': `services: { web: { build: ., ports: ["80:5000"], ${yaml} } }` })
    await run(folder)
    expect(config(folder)).toMatchObject({ environments: { production: { compose: 'compose.yaml' } } })
    expect(read(folder)).toContain(`would lose something: ${why}.`)
  })
})

describe('data of a database', () => {
  it.each([
    [
      'in a folder beside the compose file',
      'postgres:17',
      ', volumes: ["./pgdata:/var/lib/postgresql/data"]',
      'shop-db-data:/var/lib/postgresql/data',
      /"\$PWD\/pgdata:\/from:ro" .* --entrypoint cp postgres:17 -a/,
    ],
    ['in a folder that git has', 'mysql:8', ', volumes: ["./kept:/var/lib/mysql:rw"]', 'shop-db-data:/var/lib/mysql', /"\$PWD\/kept:/],
    ['of another image in a folder beside it', 'redis:7', ', volumes: ["../cache:/data"]', 'shop-db-data:/data', /"\$PWD\/\.\.\/cache:/],
    ['in no volume', 'mariadb:11', '', 'shop-db-data:/var/lib/mysql', /^db has no volume of a name for \/var\/lib\/mysql /],
    ['in no volume, since PostgreSQL 18', 'postgres:18-alpine', '', 'shop-db-data:/var/lib/postgresql', /^db has no volume of a name/],
    ['in an anonymous volume', 'mongo', ', volumes: [/data/db]', 'shop-db-data:/data/db', /^db has no volume of a name/],
  ])('%s gets a volume of a name', async (_, image, more, volume, note) => {
    const files = { ...developers('', `  db: { image: "${image}"${more} }\n`), 'kept/ibdata1': '' }
    const { production, notes } = await made(files)
    expect(production['accessories']).toEqual({ db: { image, volumes: [volume] } })
    expect(notes).toEqual([expect.stringMatching(note)])
  })

  it.each([
    ['in a volume that has a name', 'postgres:17', 'volumes: ["d:/var/lib/postgresql/data"]', ['shop-d:/var/lib/postgresql/data']],
    ['in a folder of the host', 'postgres:17', 'volumes: ["/srv/d:/var/lib/postgresql"]', ['/srv/d:/var/lib/postgresql']],
    ['of a cache', 'redis:7', 'command: redis-server', undefined],
  ])('%s stays as it is', async (_, image, more, volumes) => {
    const { production } = await made(developers('', `  db: { image: "${image}", ${more} }\n`))
    expect(production).toHaveProperty('accessories.db.image', image)
    expect((production['accessories'] as { db: { volumes?: string[] } }).db.volumes).toEqual(volumes)
  })

  it('of what is built here in a folder that git does not have is told of as data', async () => {
    const compose = 'services: { web: { build: ., ports: ["80:5000"], volumes: ["./uploads:/srv/uploads"] } }'
    const { notes } = await made({ Dockerfile: dockerfile, 'compose.yaml': compose })
    expect(notes).toEqual([
      'web mounts ./uploads at /srv/uploads, which git does not have: give what it keeps there a volume, such as volumes: ["web-data:/srv/uploads"]',
    ])
  })
})
