import { describe, expect, it } from 'vitest'
import { resolveSmoke } from '../../src/config/gates.ts'
import { SmokeCheck, type SmokePlan } from '../../src/core/gates.ts'
import { run, config, up } from '../../src/tools/compose.ts'
import { display } from '../../src/core/command.ts'
import { Secret } from '../../src/core/secret.ts'
import { configOf, problems } from './support/config.ts'

const base = 'image: ghcr.io/team/app\nbranches: { master: {} }\n'
const resolved = (smoke: string, found: string | undefined = 'compose.yaml') =>
  resolveSmoke(configOf(`${base}${smoke}`), found === undefined ? {} : { compose: found })

function plan(smoke: string): SmokePlan {
  const found = resolved(smoke)
  if (typeof found === 'string') throw new Error(found)
  return found
}

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

  it('may be several stacks, each with what it shares with the others and its own in its place', () => {
    const plan = resolved(`smoke:
  env: { A: 1 }
  timeout: 10s
  checks: [{ tcp: "web:80" }]
  variants: { postgres: {}, mysql: { compose: mysql.yml, env: { B: 2 }, scale: { web: 2 } } }
`)
    const [shared, other] = [
      { env: { A: '1' }, timeoutMs: 10_000 },
      { env: { B: '2' }, scale: { web: 2 }, timeoutMs: 10_000 },
    ]
    expect(plan).toMatchObject({
      variants: { postgres: { compose: ['compose.yaml'], ...shared }, mysql: { compose: ['mysql.yml'], ...other } },
    })
    expect(typeof plan === 'string' ? [] : Object.values(plan.variants ?? {}).map(({ checks }) => checks.length)).toEqual([1, 1])
  })

  it('has none of its own where each variant names its files', () => {
    const without = (smoke: string) => resolveSmoke(configOf(`${base}${smoke}`), {})
    expect(without('smoke: { variants: { a: { compose: a.yml } } }')).toMatchObject({
      compose: ['a.yml'],
      variants: { a: { compose: ['a.yml'] } },
    })
    expect(without('smoke: { variants: { a: { compose: a.yml }, b: {} } }')).toBe('there is no compose file')
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

  it('has checks of every kind, with what they ask as their names', () => {
    const { checks } = plan(`smoke:
  checks:
    - { tcp: "redis:6379", timeout: 5s }
    - { run: web, command: [flask, check], stdout: fine }
    - { script: test/smoke.sh, args: [--fast] }
    - { log: worker, never: Traceback, matches: ready }
    - { log: worker, never: Traceback, after: "redis:6379 takes connections" }
    - { http: "http://web/jobs", body: { n: [1, null] }, request-headers: { X-Trace: "1" }, after: [test/smoke.sh --fast] }
    - { http: "http://web/jobs", body: n=1, request-headers: { Content-Type: text/plain }, method: PUT }
    - { http: "https://web/", ca: ca.pem, redirects: 2, security: true, matches: ^hello, json: { /a/0: null } }
`)
    expect(checks).toEqual([
      { kind: 'tcp', name: 'redis:6379 takes connections', service: 'redis', port: 6379, timeoutMs: 5_000 },
      { kind: 'run', name: 'run web: flask check', service: 'web', command: ['flask', 'check'], stdout: 'fine', timeoutMs: 30_000 },
      { kind: 'script', name: 'test/smoke.sh --fast', script: 'test/smoke.sh', args: ['--fast'], timeoutMs: 300_000 },
      {
        kind: 'log',
        name: 'log of worker: ready, never Traceback',
        service: 'worker',
        matches: 'ready',
        never: 'Traceback',
        timeoutMs: 30_000,
      },
      {
        kind: 'log',
        name: 'log of worker: never Traceback',
        service: 'worker',
        never: 'Traceback',
        after: ['redis:6379 takes connections'],
        timeoutMs: 30_000,
      },
      expect.objectContaining({
        name: 'POST http://web/jobs',
        method: 'POST',
        body: '{"n":[1,null]}',
        requestHeaders: { 'content-type': 'application/json', 'x-trace': '1' },
        after: ['test/smoke.sh --fast'],
      }),
      expect.objectContaining({
        name: 'PUT http://web/jobs',
        method: 'PUT',
        body: 'n=1',
        requestHeaders: { 'content-type': 'text/plain' },
      }),
      expect.objectContaining({
        name: 'https://web/',
        ca: 'ca.pem',
        redirects: 2,
        security: true,
        matches: '^hello',
        json: { '/a/0': null },
      }),
    ])
    for (const check of checks) expect(SmokeCheck.parse(JSON.parse(JSON.stringify(check)))).toEqual(check)
  })

  it.each([
    ['a pattern that is none', '{ log: web, matches: "(" }', 'smoke.checks.0.matches: not a regular expression: ('],
    ['another that is none', '{ log: web, never: "[" }', 'smoke.checks.0.never: not a regular expression: ['],
    ['one for a body that is none', '{ http: "http://web/", matches: "[" }', 'smoke.checks.0.matches: not a regular expression: ['],
    [
      'a log of which nothing is asked',
      '{ log: web }',
      'smoke.checks.0: a log needs matches, never, or both: what must be in it, what must not',
    ],
    ['a slip of a key', '{ http: "http://web/", statuss: 200 }', 'smoke.checks.0: unknown key "statuss"; did you mean "status"?'],
    ['a slip of a key beside a wrong value', '{ http: web, metod: GET }', 'smoke.checks.0: unknown key "metod"; did you mean "method"?'],
    ['a slip of the kind', '{ htp: "http://web/" }', 'smoke.checks.0: unknown key "htp"; did you mean "http"?'],
    ['no kind', '{ command: [x] }', 'smoke.checks.0: needs one of the keys http, tcp, exec, run, script, log'],
    ['a kind without its command', '{ run: web }', 'smoke.checks.0.command: expected a list, received undefined'],
    ['tcp without a port', '{ tcp: redis }', 'smoke.checks.0.tcp: must be a service and a port inside its container, such as redis:6379'],
    ['a port that is none', '{ tcp: "redis:70000" }', 'smoke.checks.0.tcp: 70000 is no port: they go from 1 to 65535'],
    ['a port of a URL that is none', '{ http: "http://web:70000/" }', 'smoke.checks.0.http: 70000 is no port: they go from 1 to 65535'],
    ['a script of the machine', '{ script: /usr/bin/true }', 'smoke.checks.0.script: must be a path inside the repository, from its root'],
    [
      'a script out of the repository',
      '{ script: a/../../b.sh }',
      'smoke.checks.0.script: must be a path inside the repository, from its root',
    ],
    [
      'a path in JSON that is none',
      '{ http: "http://web/", json: { status: ok } }',
      'the name "status" must be a JSON Pointer, such as /status or /workers/0/name',
    ],
    [
      'a ca without TLS',
      '{ http: "http://web/", ca: a.pem }',
      'smoke.checks.0: ca needs a URL with https, or redirects: over http there is no certificate',
    ],
    [
      'a body that is not sent',
      '{ http: "http://web/", method: GET, body: a }',
      'smoke.checks.0: GET sends no body: leave method out, or say POST',
    ],
    [
      'two headers in one',
      '{ http: "http://web/", request-headers: { A: "b\\nC: d" } }',
      'smoke.checks.0.request-headers.A: must be a line of plain characters',
    ],
    [
      'an order after nothing',
      '{ tcp: "a:1", after: pst }, { tcp: "b:1", name: post }',
      'smoke.checks.0.after: no check "pst"; did you mean "post"?',
    ],
    ['an order after itself', '{ tcp: "a:1", name: a, after: a }', 'smoke.checks.0.after: "a" cannot wait for itself'],
    [
      'an order that goes round',
      '{ tcp: "a:1", name: a, after: c }, { tcp: "a:1", name: b, after: a }, { tcp: "a:1", name: c, after: b }',
      'smoke.checks.0.after: "a" and "c" wait for each other',
    ],
    [
      'an order after what ends last',
      '{ log: web, never: x, name: quiet }, { tcp: "a:1", after: quiet }',
      'smoke.checks.1.after: "quiet" ends with the last of the others because of its never, so nothing can come after it: put never into a check of its own',
    ],
  ])('refuses %s', (_, checks, said) => {
    expect(problems(`${base}smoke: { checks: [${checks}] }`).join('\n')).toContain(said)
  })

  it('takes a script in a folder with dots in its name', () => {
    expect(plan('smoke: { checks: [{ script: ./a..b/check }] }').checks).toMatchObject([{ script: './a..b/check' }])
  })
})

describe('compose', () => {
  const stack = {
    project: 'p',
    directory: '/srv/team/deploy',
    env: { B: '2' },
    file: { services: { web: { image: 'x', environment: { A: 'secret$$' } } } },
  }

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
})
