import { z } from 'zod'
import { plain } from './plain.ts'
import type { Answer } from './probe.ts'
import { cut } from './text.ts'

/** One value of a JSON document that is no list and no object. */
export const JsonScalar = z.union([plain.text, z.number(), plain.flag, z.null()])
type JsonScalar = z.infer<typeof JsonScalar>

/** What is asked over HTTP, and what the answer must be like. Names of headers are in lower case. */
export const httpCheck = {
  method: plain.optionalText,
  requestHeaders: plain.optionalTextByName,
  body: plain.optionalText,
  status: plain.optionalInt,
  contains: plain.optionalText,
  /** Regular expression that the body must match, `^` and `$` being ends of lines. */
  matches: plain.optionalText,
  /** Values in a body of JSON, by JSON Pointer (RFC 6901): `/workers/0/state`. */
  json: z.record(plain.text, JsonScalar).optional(),
  /** Headers that the answer must have; an empty text means any value. */
  headers: plain.textByName,
  /** The headers that protect visitors must be there. */
  security: plain.optionalFlag,
}
type Wanted = Pick<z.infer<z.ZodObject<typeof httpCheck>>, 'status' | 'contains' | 'matches' | 'json' | 'headers' | 'security'>

/** Where a scheme is spoken when its URL names no port. */
export function defaultPort(scheme: string): number {
  return scheme === 'https' ? 443 : 80
}

/** What of an answer is not as it was asked for, in words; nothing when it passes. */
export function wrongIn(wanted: Wanted, answer: Answer, scheme: 'http' | 'https' = 'http'): string[] {
  const { status, contains, matches, json = {}, headers, security = false } = wanted
  const right = status === undefined ? answer.status >= 200 && answer.status <= 299 : answer.status === status
  return [
    ...(right ? [] : [`status ${status ?? '200 to 299'}`]),
    ...(contains === undefined || answer.body.includes(contains) ? [] : [`a body with ${JSON.stringify(contains)}`]),
    ...(matches === undefined || new RegExp(matches, 'm').test(answer.body) ? [] : [`a body that matches ${matches}`]),
    ...wrongInJson(json, answer.body),
    ...Object.entries(headers).flatMap(([name, value]) => {
      const found = answer.headers[name]
      return found !== undefined && (value === '' || found === value) ? [] : [`the header ${name}${value === '' ? '' : `: ${value}`}`]
    }),
    ...(security ? unprotected(answer.headers, scheme) : []),
  ]
}

function wrongInJson(wanted: Readonly<Record<string, JsonScalar>>, body: string): string[] {
  const pointers = Object.entries(wanted)
  if (pointers.length === 0) return []
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    return ['a body of JSON']
  }
  return pointers.flatMap(([pointer, value]) => {
    const found = at(document, pointer)
    if (found !== undefined && found.value === value) return []
    const is = found === undefined ? 'which is not there' : `which is ${shortly(found.value)}`
    return [`${pointer === '' ? 'the JSON' : pointer} to be ${JSON.stringify(value)}, ${is}`]
  })
}

/**
 * What a JSON Pointer points at.
 * @see https://www.rfc-editor.org/rfc/rfc6901
 */
function at(document: unknown, pointer: string): { value: unknown } | undefined {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    const isThere = Array.isArray(value)
      ? /^(0|[1-9]\d*)$/.test(key) && Number(key) < value.length
      : typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    if (!isThere || typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, key)
  }
  return { value }
}

function shortly(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value) ?? ''
  return cut(text, 100)
}

/**
 * Which of the headers are missing that keep a page from being framed, its types from being guessed, and its visitors
 * from coming without TLS: what every site can send, whatever it is. HSTS means nothing outside of TLS.
 * @see https://owasp.org/www-project-secure-headers/
 */
function unprotected(headers: Answer['headers'], scheme: 'http' | 'https'): string[] {
  const { 'strict-transport-security': hsts = '', 'x-content-type-options': types = '', 'x-frame-options': frames = '' } = headers
  const policy = headers['content-security-policy'] ?? ''
  const maxAge = Number(/(?:^|;)\s*max-age\s*=\s*"?(\d+)/i.exec(hsts)?.[1] ?? 0)
  return [
    ...(scheme === 'http' || maxAge > 0 ? [] : ['the header strict-transport-security, with a max-age above 0']),
    ...(types.trim().toLowerCase() === 'nosniff' ? [] : ['the header x-content-type-options: nosniff']),
    ...(/^\s*(deny|sameorigin)\s*$/i.test(frames) || /(?:^|[;,])\s*frame-ancestors\s/i.test(policy)
      ? []
      : ['the header x-frame-options: DENY or SAMEORIGIN, or a content-security-policy with frame-ancestors']),
  ]
}

/** The headers that a failed check shows: those that it asks about. */
export function askedHeaders({ headers, security = false }: Pick<Wanted, 'headers' | 'security'>): string[] {
  const protecting = ['strict-transport-security', 'x-content-type-options', 'x-frame-options', 'content-security-policy']
  return [...new Set([...Object.keys(headers), ...(security ? protecting : [])])]
}
