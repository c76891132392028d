import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wrongIn } from '../../src/core/http-check.ts'
import type { Answer } from '../../src/core/probe.ts'

const answer = { status: 200, headers: { 'content-type': 'text/html' }, body: 'it works\nas it should' }
type Wanted = Omit<Parameters<typeof wrongIn>[0], 'headers'> & { headers?: Record<string, string> }
const wrong = (wanted: Wanted, of: Partial<Answer> = {}, scheme?: 'http' | 'https') =>
  wrongIn({ headers: {}, ...wanted }, { ...answer, ...of }, scheme)

describe('an answer', () => {
  it.each<[Wanted, string[]]>([
    [{}, []],
    [{ status: 200, contains: 'works', headers: { 'content-type': 'text/html' } }, []],
    [{ headers: { 'content-type': '' } }, []],
    [{ status: 204 }, ['status 204']],
    [{ contains: 'fails' }, ['a body with "fails"']],
    [{ matches: '^as it .*d$' }, []],
    [{ matches: '^works' }, ['a body that matches ^works']],
    [{ headers: { etag: '', 'content-type': 'text/plain' } }, ['the header etag', 'the header content-type: text/plain']],
  ])('of %j lacks %j', (asked, lacking) => {
    expect(wrong(asked)).toEqual(lacking)
  })

  it('of another status than any from 200 to 299 is wrong where none was asked for', () => {
    for (const [status, count] of [
      [199, 1],
      [200, 0],
      [299, 0],
      [302, 1],
      [503, 1],
    ] as const)
      expect(wrong({}, { status })).toHaveLength(count)
  })
})

describe('a body of JSON', () => {
  const body = JSON.stringify({
    status: 'ok',
    workers: [
      { name: 'a', jobs: 0 },
      { name: 'b', 'last/seen': null, 'a~b': true },
    ],
    nothing: null,
    constructor: 1,
  })
  const at = (pointer: string, value: string | number | boolean | null): string[] => wrong({ json: { [pointer]: value } }, { body })

  it.each<[string, string | number | boolean | null]>([
    ['/status', 'ok'],
    ['/workers/0/jobs', 0],
    ['/workers/1/last~1seen', null],
    ['/workers/1/a~0b', true],
    ['/nothing', null],
    ['/constructor', 1],
  ])('has at %s the value %j', (pointer, value) => {
    expect(at(pointer, value)).toEqual([])
  })

  it.each<[string, string | number | boolean | null, string]>([
    ['/status', 'fine', '/status to be "fine", which is "ok"'],
    ['/workers/0/jobs', '0', '/workers/0/jobs to be "0", which is 0'],
    ['/workers/0/jobs', false, '/workers/0/jobs to be false, which is 0'],
    ['/workers', 2, '/workers to be 2, which is a list'],
    ['/workers/2/name', 'c', '/workers/2/name to be "c", which is not there'],
    ['/workers/00/name', 'a', '/workers/00/name to be "a", which is not there'],
    ['/workers/length', 2, '/workers/length to be 2, which is not there'],
    ['/status/length', 2, '/status/length to be 2, which is not there'],
    ['/toString', null, '/toString to be null, which is not there'],
    ['', 'x', 'the JSON to be "x", which is an object'],
  ])('has not at %s the value %j', (pointer, value, said) => {
    expect(at(pointer, value)).toEqual([said])
  })

  it('may be one value, and is told where it is none', () => {
    expect(wrong({ json: { '': 'up' } }, { body: '"up"' })).toEqual([])
    expect(wrong({ json: { '/a': 1, '/b': 2 } }, { body: '<html>' })).toEqual(['a body of JSON'])
  })

  it('is found at whatever key, once its ~ and / are written as the standard has it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
        fc.oneof(fc.string(), fc.integer(), fc.boolean()),
        (keys, value) => {
          const document = keys.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value)
          const pointer = keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
          expect(wrong({ json: { [pointer]: value } }, { body: JSON.stringify(document) })).toEqual([])
        },
      ),
    )
  })
})

describe('the headers that protect visitors', () => {
  const all = { 'strict-transport-security': 'max-age=31536000', 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' }
  const lacking = (headers: Record<string, string>, scheme: 'http' | 'https' = 'https'): string[] =>
    wrong({ security: true }, { headers }, scheme).map((line) => /^the header ([a-z-]+)/.exec(line)?.[1] ?? line)

  it.each<[string, Record<string, string>, string[]]>([
    ['all there', all, []],
    [
      'all there, in other words',
      { ...all, 'x-frame-options': 'SameOrigin', 'strict-transport-security': 'includeSubDomains; max-age="9"' },
      [],
    ],
    [
      'framing refused by a policy',
      { ...all, 'x-frame-options': '', 'content-security-policy': "default-src 'self'; frame-ancestors 'none'" },
      [],
    ],
    [
      'a policy that says nothing of frames',
      { ...all, 'x-frame-options': '', 'content-security-policy': "default-src 'self'" },
      ['x-frame-options'],
    ],
    ['framing allowed', { ...all, 'x-frame-options': 'ALLOWALL' }, ['x-frame-options']],
    ['HSTS taken back', { ...all, 'strict-transport-security': 'max-age=0' }, ['strict-transport-security']],
    ['types guessed', { ...all, 'x-content-type-options': 'sniff' }, ['x-content-type-options']],
    ['none there', {}, ['strict-transport-security', 'x-content-type-options', 'x-frame-options']],
  ])('%s', (_, headers, missing) => {
    expect(lacking(headers)).toEqual(missing)
  })

  it('have no HSTS among them without TLS, where it means nothing', () => {
    expect(lacking({}, 'http')).toEqual(['x-content-type-options', 'x-frame-options'])
  })
})
