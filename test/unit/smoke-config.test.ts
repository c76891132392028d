import { describe, expect, it } from 'vitest'
import { resolveSmoke } from '../../src/config/gates.ts'
import { run, exec, config, up } from '../../src/tools/compose.ts'
import { display } from '../../src/core/command.ts'
import { Secret } from '../../src/core/secret.ts'
import { configOf, problems } from './support/config.ts'

const base = 'image: ghcr.io/team/app\nbranches: { master: {} }\n'
const resolved = (smoke: string, found: string | undefined = 'compose.yaml') =>
  resolveSmoke(configOf(`${base}${smoke}`), found === undefined ? {} : { compose: found })

describe('smoke in launchway.yml', () => {
  it('is the compose file that is there when nothing is said', () => {
    expect(resolved('')).toEqual({
      compose: ['compose.yaml'],
      composeFound: true,
      profiles: [],
      env: {},
      timeoutMs: 180_000,
      prepare: [],
      checks: [],
    })
  })

  it('is nothing without one, or where it is not wanted, and says why', () => {
    expect(resolveSmoke(configOf(base), {})).toBe('there is no compose file')
    expect(resolved('smoke: false')).toBe('smoke: false')
  })

  it('is written out in full', () => {
    expect(
      resolved(`smoke:
  compose: [a.yml, b.yml]
  env: { PORT: 8000, DEBUG: true }
  timeout: 90s
  prepare: [{ run: app, command: [migrate] }, { exec: db, command: [seed, --all], timeout: 10s }]
  checks:
    - { http: "https://web/health?deep=1", headers: { X-A: "" } }
    - { http: "http://web:5000", status: 204, contains: ok, name: n, timeout: 5s }
    - { exec: redis, command: [redis-cli, ping], stdout: PONG }
    - { log: worker, matches: "ready\\\\." }
`),
    ).toEqual({
      compose: ['a.yml', 'b.yml'],
      profiles: [],
      env: { PORT: '8000', DEBUG: 'true' },
      timeoutMs: 90_000,
      prepare: [
        { kind: 'run', service: 'app', command: ['migrate'], name: 'run app: migrate', timeoutMs: 300_000 },
        { kind: 'exec', service: 'db', command: ['seed', '--all'], name: 'exec db: seed --all', timeoutMs: 10_000 },
      ],
      checks: [
        {
          kind: 'http',
          name: 'https://web/health?deep=1',
          scheme: 'https',
          service: 'web',
          port: 443,
          path: '/health?deep=1',
          headers: { 'x-a': '' },
          timeoutMs: 30_000,
        },
        {
          kind: 'http',
          name: 'n',
          scheme: 'http',
          service: 'web',
          port: 5000,
          path: '/',
          status: 204,
          contains: 'ok',
          headers: {},
          timeoutMs: 5_000,
        },
        {
          kind: 'exec',
          name: 'exec redis: redis-cli ping',
          service: 'redis',
          command: ['redis-cli', 'ping'],
          stdout: 'PONG',
          timeoutMs: 30_000,
        },
        { kind: 'log', name: String.raw`log of worker: ready\.`, service: 'worker', matches: String.raw`ready\.`, timeoutMs: 30_000 },
      ],
    })
  })

  it('keeps the name of a service as it is written, whatever a URL would make of it', () => {
    expect(resolved('smoke: { checks: [{ http: "http://Web_1:5000/" }] }')).toMatchObject({ checks: [{ service: 'Web_1', port: 5000 }] })
  })

  it('refuses a pattern that is none', () => {
    expect(problems(`${base}smoke: { checks: [{ log: web, matches: "(" }] }`).join('\n')).toContain('not a regular expression')
  })
})

describe('compose', () => {
  const stack = { project: 'p', directory: '/srv/team/deploy', file: { services: { web: { image: 'x', environment: { A: 'secret$$' } } } } }

  it('renders with every file and profile, and the variables of the test', () => {
    const call = config({ files: ['/srv/team/a.yml', '/srv/team/b.yml'], profiles: ['dev'], directory: '/srv/team', env: { A: '1' } })
    expect(display(call)).toBe(
      'docker compose --file /srv/team/a.yml --file /srv/team/b.yml --profile dev --project-directory /srv/team config --format json',
    )
    expect(call.env).toEqual({ A: '1' })
  })

  it('gets a project by its standard input alone, as a secret', () => {
    const begin = 'docker compose --progress quiet --project-name p --project-directory /srv/team/deploy --file -'
    expect(display(up(stack))).toBe(`${begin} up --detach --no-build --no-recreate`)
    expect(display(run(stack, 'web', ['sh', '-c', 'a b']))).toBe(`${begin} run --rm --no-deps -T web sh -c 'a b'`)
    const { stdin } = up(stack)
    expect(stdin).toBeInstanceOf(Secret)
    expect(stdin instanceof Secret ? JSON.parse(stdin.reveal()) : undefined).toEqual(stack.file)
  })

  it('gets none for a command in a running container: it would be the input of that command', () => {
    expect(exec('p', 'web', ['true'])).toEqual({ file: 'docker', args: ['compose', '--project-name', 'p', 'exec', '-T', 'web', 'true'] })
  })
})
