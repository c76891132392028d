import { describe, expect, it } from 'vitest'
import type { SmokeCheck } from '../../src/core/gates.ts'
import { smokeVariable } from '../../src/core/names.ts'
import { followed } from '../../src/smoke/ask-http.ts'
import { checksFailed } from '../../src/smoke/checks.ts'
import { reachedPorts } from '../../src/smoke/reach.ts'
import { chosen } from '../../src/smoke/shape.ts'
import { failureIn } from './support/deploy.ts'
import { around, asked, http, plan, serving } from './support/standing.ts'

describe('the order of checks', () => {
  it('is as they name each other, whatever their order in the file', async () => {
    const seen: string[] = []
    const web = await serving('web', ({ url }, answer) => {
      seen.push(url ?? '')
      answer.end('ok')
    })
    const done = await asked([http('c', '/c', { after: ['b', 'a'] }), http('b', '/b', { after: ['a'] }), http('a', '/a')], around([web]))
    expect(seen).toEqual(['/a', '/b', '/c'])
    expect(done.map(({ name, passed }) => [name, passed])).toEqual([
      ['a', true],
      ['b', true],
      ['c', true],
    ])
  })

  it('ends where one fails: what comes after it is not asked, and is not told as a failure of its own', async () => {
    const seen: string[] = []
    const web = await serving('web', ({ url }, answer) => {
      seen.push(url ?? '')
      answer.writeHead(url === '/a' ? 500 : 200).end('oh')
    })
    const done = await asked(
      [http('a', '/a', { timeoutMs: 2_000 }), http('b', '/b', { after: ['a'] }), http('c', '/c', { after: ['b'] })],
      around([web]),
    )
    expect(new Set(seen)).toEqual(new Set(['/a']))
    expect(done.map(({ name, passed }) => [name, passed])).toEqual([
      ['a', false],
      ['b', false],
      ['c', false],
    ])
    const { message, hint } = checksFailed(done, new Map([['web', 'boom']]))
    expect(message).toBe('the check "a" failed')
    expect(hint).toContain('b: not asked, since "a" failed')
    expect(hint).toContain('answered: 500')
  })
})

describe('some of the checks', () => {
  it('come with those that they wait for, in the order of the file, and without the others', () => {
    const checks = [http('d', '/'), http('c', '/', { after: ['b'] }), http('b', '/', { after: ['a'] }), http('a', '/')]
    const names = (only: string[]): string[] => chosen({ ...plan, checks }, only).checks.map(({ name }) => name)
    expect(names(['c'])).toEqual(['c', 'b', 'a'])
    expect(names(['a', 'd'])).toEqual(['d', 'a'])
    expect(failureIn(() => names(['e', 'cc']))).toMatchObject({ code: 'USAGE', message: 'there is no check "e"' })
  })
})

describe('a question over HTTP', () => {
  it('is posted with its headers and its body', async () => {
    const web = await serving('web', (request, answer) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const { host, 'content-type': type, 'content-length': length } = request.headers
        answer.writeHead(201).end(`${request.method ?? ''} ${host ?? ''} ${type ?? ''} ${length ?? ''} ${body}`)
      })
    })
    const check = http('post', '/jobs', {
      method: 'POST',
      requestHeaders: { host: 'shop.example.org', 'content-type': 'application/json' },
      body: '{"n":1}',
      status: 201,
      contains: 'POST shop.example.org application/json 7 {"n":1}',
    })
    expect(await asked([check], around([web]))).toMatchObject([{ passed: true, evidence: 'answered 201' }])
  })

  it('follows redirects inside the stack, and says the way', async () => {
    const web = await serving('web', ({ url, headers }, answer) => {
      const to = { '/': '/login', '/login': 'http://api/x' }[url ?? '']
      if (to === undefined) answer.end(`${headers.host ?? ''}${url ?? ''}`)
      else answer.writeHead(302, { location: to }).end()
    })
    const api = await serving(
      'api',
      ({ url, headers, method }, answer) => void answer.end(`${method ?? ''} ${headers.host ?? ''}${url ?? ''}`),
    )
    const [done] = await asked([http('a', '/', { redirects: 2, contains: 'GET api/x' })], around([web, api]))
    expect(done).toMatchObject({ passed: true })
    expect(done?.evidence).toBe(
      'GET http://web/\n  answered: 302, to /login\nGET http://web/login\n  answered: 302, to http://api/x\nanswered 200',
    )
    const [tooFar] = await asked([http('a', '/', { redirects: 1, timeoutMs: 2_000 })], around([web, api]))
    expect(tooFar?.evidence).toContain('wanted: at most 1 redirects')
  })

  it('takes a redirect for the answer where that one is asked for', async () => {
    const web = await serving('web', (_, answer) => void answer.writeHead(302, { location: '/x' }).end())
    expect(await asked([http('a', '/', { redirects: 3, status: 302 }), http('b', '/', { status: 302 })], around([web]))).toMatchObject([
      { passed: true },
      { passed: true },
    ])
  })

  it('that wants a file of certificates which is not there says so', async () => {
    const web = await serving('web', (_, answer) => void answer.end())
    const [done] = await asked([http('a', '/', { scheme: 'https', ca: 'tls/ca.pem', timeoutMs: 2_000 })], around([web]))
    expect(done?.evidence).toContain('ca: there is no file tls/ca.pem')
  })
})

describe('a redirect', () => {
  const standing = {
    stack: { project: 'p', directory: '/', env: {}, file: { services: { web: {}, Api: {} } } },
    reached: [
      { service: 'web', port: 5000 },
      { service: 'web', port: 443 },
      { service: 'Api', port: 80 },
    ],
  }
  const from = { scheme: 'http', service: 'web', port: 5000, path: '/a?b', method: 'POST', host: 'web:5000', body: 'x' } as const
  it.each<[string, number, string, object | string]>([
    ['to a path stays', 302, '/c', { scheme: 'http', service: 'web', port: 5000, path: '/c', method: 'GET', host: 'web:5000' }],
    ['that keeps the method posts again', 307, '/c', { path: '/c', method: 'POST', body: 'x' }],
    ['to its own address stays', 303, 'http://web:5000/d', { port: 5000, path: '/d' }],
    ['into TLS goes to that port', 301, 'https://web/', { scheme: 'https', service: 'web', port: 443, host: 'web' }],
    ['to another service is one to that', 302, 'http://api/', { service: 'Api', port: 80, host: 'Api' }],
    [
      'out of the stack is not followed',
      302,
      'https://sso.example.org/',
      'sso.example.org is no service of the stack, so it is not followed',
    ],
    [
      'to a port that nobody opened is not followed',
      302,
      'http://web:9/',
      'web:9 is neither published in the compose file nor asked by a check, so it cannot be reached',
    ],
    ['to something else than HTTP is not followed', 302, 'mailto:a@b', 'that is not HTTP'],
  ])('%s', (_, status, location, expected) => {
    const next = followed(from, status, location, standing)
    expect({ next }).toMatchObject({ next: expected })
  })

  it('without the body is one without', () => {
    expect(followed(from, 302, '/c', standing)).not.toHaveProperty('body')
  })

  it('to the name that was given as Host is one to the service that was asked', () => {
    const asked = { ...from, host: 'shop.example.org' }
    expect(followed(asked, 302, 'http://shop.example.org/x', standing)).toMatchObject({
      service: 'web',
      port: 5000,
      host: 'shop.example.org',
    })
    expect(followed(asked, 302, 'https://shop.example.org/x', standing)).toMatchObject({
      service: 'web',
      port: 443,
      host: 'shop.example.org',
    })
  })
})

describe('the ports that can be reached', () => {
  const published = [
    { service: 'web', port: 80 },
    { service: 'db', port: 5432 },
  ]
  const script: SmokeCheck = { kind: 'script', name: 's', script: 's.sh', args: [], timeoutMs: 1 }
  const tcp: SmokeCheck = { kind: 'tcp', name: 't', service: 'redis', port: 6379, timeoutMs: 1 }
  const names = (checks: readonly SmokeCheck[]): string[] =>
    reachedPorts({ ...plan, checks: [...checks] }, published).map(({ service, port }) => `${service}:${port}`)
  it.each<[string, SmokeCheck[], string[]]>([
    ['without checks are those that are published', [], ['web:80', 'db:5432']],
    ['are those that are asked', [tcp, http('h', '/'), http('h', '/2')], ['redis:6379', 'web:80']],
    ['of a script are all of them', [tcp, script], ['redis:6379', 'web:80', 'db:5432']],
    ['of redirects are all of them', [http('h', '/', { redirects: 1 })], ['web:80', 'db:5432']],
  ])('%s', (_, checks, expected) => {
    expect(names(checks)).toEqual(expected)
  })

  it('have names in capitals, and two of the same name are refused', () => {
    expect(smokeVariable('my-web.1', 5000)).toBe('LAUNCHWAY_SMOKE_MY_WEB_1_5000')
    const both = [
      { service: 'a-b', port: 80 },
      { service: 'a_b', port: 80 },
    ]
    expect(failureIn(() => reachedPorts({ ...plan, checks: [script] }, both))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'smoke: a script could not tell the services a-b and a_b apart',
    })
    expect(reachedPorts({ ...plan, checks: [] }, both)).toEqual(both)
  })
})
