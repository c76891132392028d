import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { resolveEnvironment, resolveRegistries } from '../../src/config/resolve.ts'
import type { Environment } from '../../src/core/deployment.ts'
import { serviceWarnings } from '../../src/plan/warnings.ts'
import { failureIn } from './support/deploy.ts'

const head = 'image: ghcr.io/team/shop\nenvironments:\n  production:\n    host: a.example.org\n'
const indent = (text: string): string => text.replaceAll(/^/gm, '    ')

function environment(text: string): Environment {
  const found = resolveEnvironment(loadConfig(`${head}${indent(text)}`, 'launchway.yml'), 'production', undefined)
  if (found === undefined) throw new Error('no environment')
  return found
}

function problems(text: string): string {
  return failureIn(() => loadConfig(`${head}${indent(text)}`, 'launchway.yml')).hint ?? ''
}

describe('the keys of a service', () => {
  it('what is not said of restart, logging, env files and overlap is what most want', () => {
    expect(environment('command: [x]').services[0]).toMatchObject({ restart: 'unless-stopped', envFiles: [], overlap: true })
    expect(environment('command: [x]').services[0]?.logging).toBeUndefined()
  })

  it('what is said arrives', () => {
    const text =
      'restart: on-failure:3\nlogging: { driver: journald, options: { tag: shop, mode: 1 } }\nenv-files: [deploy/a.env]\noverlap: false'
    expect(environment(text).services[0]).toMatchObject({
      restart: 'on-failure:3',
      logging: { driver: 'journald', options: { tag: 'shop', mode: '1' } },
      envFiles: ['deploy/a.env'],
      overlap: false,
    })
  })

  it.each([
    'data:/data',
    'a.b_c-1:/data/x y:ro',
    '/srv/files:/files',
    '/srv/a b:/files:ro,z',
    '/:/host:rslave',
    'data:/data:nocopy',
    '/var/run/docker.sock:/var/run/docker.sock',
  ])('a volume is taken: %s', (volume) => {
    expect(environment(`volumes: ["${volume}"]`).services[0]).toMatchObject({ volumes: [volume] })
    expect(
      environment(`services: { web: {} }\naccessories: { db: { image: "redis:7", volumes: ["${volume}"] } }`).accessories[0],
    ).toMatchObject({ volumes: [volume] })
  })

  it.each([
    [
      './conf/x.conf:/etc/x.conf',
      'is of the repository, which no host has: copy it into the image, or write the service in a compose file',
    ],
    ['conf/x.conf:/etc/x.conf:ro', 'is of the repository, which no host has'],
    ['../x:/x', 'is of the repository, which no host has'],
    ['.:/app', 'is of the repository, which no host has'],
    ['~/data:/d', 'nobody knows whose home that is on the host: write the whole path, such as /home/deploy/data:/data'],
    ['nonsense', 'must be name:/path or /folder:/path, with :ro where it is only read'],
    ['data:relative', 'must be name:/path or /folder:/path'],
    ['/data', 'must be name:/path or /folder:/path'],
    ['', 'must be name:/path or /folder:/path'],
    ['${HOME}/x:/x', 'must be name:/path or /folder:/path'],
    ['data:/data:readonly', 'what comes after the second colon must be options of docker run --volume, such as ro'],
  ])('a volume is refused: "%s"', (volume, why) => {
    expect(problems(`volumes: ["${volume}"]`)).toContain(`environments.production.volumes.0: "${volume}"`)
    expect(problems(`volumes: ["${volume}"]`)).toContain(why)
    expect(problems(`services: { web: {} }\naccessories: { db: { image: "redis:7", volumes: ["${volume}"] } }`)).toContain(why)
  })

  it.each([
    ['restart: sometimes', 'must be no, always, unless-stopped, on-failure or on-failure:5'],
    ['options: [--log-driver=none]', '--log-driver among the options is not seen by launchway; use logging'],
    ['options: [--log-opt, tag=x]', '--log-opt among the options is not seen by launchway; use logging'],
    ['options: [--env-file, x]', '--env-file among the options is not seen by launchway; use env-files'],
  ])('%s is refused: %s', (text, message) => {
    expect(problems(text)).toContain(message)
  })
})

describe('accessories', () => {
  it('give an environment a network of its own, for all that says no other', () => {
    const { services, accessories } = environment(
      'services: { web: {}, worker: { networks: [back] } }\naccessories: { redis: { image: "redis:7" }, db: { image: "postgres:15", networks: [back] } }',
    )
    expect(services.map(({ networks }) => networks)).toEqual([['shop.production'], ['back']])
    expect(accessories.map(({ networks }) => networks)).toEqual([['shop.production'], ['back']])
    expect(environment('services: { web: {} }').services[0]?.networks).toEqual([])
  })

  it('have every default filled in', () => {
    expect(environment('accessories: { redis: { image: "redis:7", env: { A: 1 }, publish: 6379, port: 6379 } }').accessories).toEqual([
      {
        name: 'redis',
        image: 'redis:7',
        port: 6379,
        publish: '6379',
        health: { timeoutMs: 60_000, settleMs: 1_000 },
        env: { A: '1' },
        secrets: [],
        volumes: [],
        networks: ['shop.production'],
        stopTimeoutMs: 10_000,
        labels: {},
        options: [],
        restart: 'unless-stopped',
        envFiles: [],
      },
    ])
  })

  it('are asked by their command as services are', () => {
    const health = 'health: { command: [redis-cli, ping], interval: 2s, retries: 5 }'
    expect(environment(`accessories: { redis: { image: "redis:7", ${health} } }`).accessories[0]?.health).toEqual({
      ...{ command: ['redis-cli', 'ping'], intervalMs: 2_000, retries: 5, timeoutMs: 60_000, settleMs: 1_000 },
    })
  })

  it.each([
    ['accessories: { redis: { image: "redis:7", health: { retries: 3 } } }', 'retries is that of a command'],
    ['services: { redis: {} }\naccessories: { redis: { image: "redis:7" } }', 'a service has this name already'],
    ['accessories: { web: { image: "redis:7" } }', 'a service has this name already'],
    ['accessories: { redis: {} }', 'accessories.redis.image'],
    ['accessories: { redis: { image: "--privileged" } }', 'must be the reference of an image'],
    ['accessories: { redis: { image: "redis:7", publish: 6379 } }', 'publish needs port'],
    ['accessories: { redis: { image: "redis:7", env: { A: b }, secrets: [A] } }', 'A is both in env and in secrets'],
    ['accessories: { redis: { image: "redis:7", secrets: [PATH] } }', 'a secret cannot be called PATH'],
    ['accessories: { redis: { image: "redis:7", labels: { launchway.release: x } } }', "launchway's own"],
    ['accessories: { redis: { image: "redis:7", options: [--name=x] } }', 'launchway itself decides --name'],
    ['accessories: { redis: { image: "redis:7", overlap: false } }', 'unknown key "overlap"'],
    [
      'services: { web: { port: 80, publish: 80 } }\naccessories: { redis: { image: "redis:7", port: 1, publish: "127.0.0.1:80" } }',
      'port 127.0.0.1:80 is published by web already',
    ],
  ])('%s is refused: %s', (text, message) => {
    expect(problems(text)).toContain(message)
  })

  it('are pulled with the login of a registry that registries names, and the general login is for none of them', () => {
    const text = `${head}    accessories: { db: { image: "private.example.org/db:1" }, redis: { image: "redis:7" } }\nregistries: { private.example.org: { username: ci, password: DB_PULL } }\n`
    expect(resolveRegistries(loadConfig(text, 'launchway.yml'))).toEqual([
      { host: 'ghcr.io', generalLogin: ['ghcr.io'], plainHttp: false },
      { host: 'private.example.org', username: 'ci', password: 'DB_PULL', plainHttp: false },
    ])
  })
})

describe('a service that looks like a scheduler', () => {
  const warned = (text: string): string[] => serviceWarnings(loadConfig(`${head}${indent(text)}`, 'launchway.yml'), 'production')

  it.each([
    ['command: [celery, -A, shop, beat]', 'web runs celery beat'],
    ['command: [/usr/local/bin/celery, -A, shop, worker, -B]', 'web runs celery beat'],
    ['command: [sh, -c, "exec celery -A shop beat -l info"]', 'web runs celery beat'],
    ['services: { jobs: { entrypoint: [rqscheduler] } }', 'jobs runs rqscheduler'],
    ['command: [camcops_server, launch_scheduler]', 'web runs launch_scheduler'],
    ['command: [supercronic, /etc/crontab]', 'web runs supercronic'],
    ['command: [rq, worker, --name, high]', 'web runs a worker whose name is always high'],
    ['command: [celery, -A, shop, worker, -n, one@shop]', 'web runs a worker whose name is always one@shop'],
  ])('%s: suggests overlap: false', (text, what) => {
    expect(warned(text)).toEqual([expect.stringContaining(what)])
    expect(warned(text)[0]).toContain('overlap: false')
  })

  it.each([
    'command: [celery, -A, shop, worker]',
    'command: [celery, -A, shop, worker, -n, "one@%h"]',
    'command: [celery, -A, shop, beat]\noverlap: false',
    'command: [celery, -A, shop, beat]\noverlap: true',
    'command: [gunicorn, "beat:app"]',
    'command: [x]',
  ])('%s: says nothing', (text) => {
    expect(warned(text)).toEqual([])
  })

  it('is no matter of an environment that is not deployed to', () => {
    expect(serviceWarnings(loadConfig(`${head}    command: [celery, beat]\n`, 'launchway.yml'), undefined)).toEqual([])
  })
})

describe('a variable that nobody fills in', () => {
  const warned = (text: string): string[] => serviceWarnings(loadConfig(`${head}${indent(text)}`, 'launchway.yml'), 'production')

  it.each([
    ['env: { URL: "http://${HOST}/" }', 'web gets URL with ${HOST} in it as it stands'],
    ['env: { A: "${B:-c}" }', 'web gets A with ${B} in it as it stands'],
    ['env: { A: "${B:?needed}" }', 'web gets A with ${B} in it as it stands'],
    ['services: { api: { env: { A: "${A}" } } }', 'api gets A with ${A} in it as it stands'],
    ['accessories: { db: { image: "db:1", env: { A: "${A}" } } }', 'db gets A with ${A} in it as it stands'],
  ])('%s: is told of, with what gives a value', (text, what) => {
    expect(warned(text)).toEqual([expect.stringContaining(what)])
    expect(warned(text)[0]).toContain('under secrets')
  })

  it.each([
    'env: { A: "$HOME" }',
    'env: { A: "${}" }',
    'env: { A: "${a.b}" }',
    'env: { A: "#{B}" }',
    'env: { A: 5 }',
    'command: [sh, -c, "echo ${HOME}"]',
    'secrets: [A]',
  ])('%s: says nothing', (text) => {
    expect(warned(text)).toEqual([])
  })
})
