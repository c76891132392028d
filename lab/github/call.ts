import type { IncomingHttpHeaders } from 'node:http'
import { type Json, type Row, Row as RowValue } from './description.ts'
import { notFound } from './refusal.ts'
import type { Repository, State } from './state.ts'

/** One request that has been found to fit the description. */
export interface Call {
  state: State
  repository: Repository
  /** From the path and the query, with their defaults. */
  parameters: Row
  /** The JSON body with its defaults; empty when the operation takes none. */
  body: Row
  /** The bytes of the body. */
  raw: Buffer
  headers: IncomingHttpHeaders
  /** The path and query as they came. */
  url: URL
  /** Where this server is reached. */
  origin: string
  /** The login that the token belongs to. */
  who: string
}

export interface Answer {
  status: number
  body?: Json | Buffer
  headers?: Record<string, string>
}

export type Handler = (call: Call) => Answer

/** The API's address of something in the call's repository. */
export function apiUrl(call: Call, ...path: (string | number)[]): string {
  return [`${call.origin}/repos/${call.repository.fullName}`, ...path].join('/')
}

/** A page that people would read. */
export function htmlUrl(call: Call, ...path: (string | number)[]): string {
  return [`${call.origin}/${call.repository.fullName}`, ...path].join('/')
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}

export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(String(id)).toString('base64url')}`
}

/** The row whose key has the value that the path names, else 404. */
export function find(rows: readonly Row[], key: string, value: Json | undefined): Row {
  const row = rows.find((candidate) => candidate[key] === value)
  if (row === undefined) throw notFound()
  return row
}

/** The keys of a body that were sent. */
export function pick(body: Row, ...keys: string[]): Row {
  return Object.fromEntries(keys.flatMap((key) => (body[key] === undefined ? [] : [[key, body[key]]])))
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

export function number(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0
}

export function rows(value: Json | undefined): Row[] {
  return RowValue.array().parse(value ?? [])
}

/** One page of a list, with the Link header that leads to the others. */
export function listed(call: Call, all: readonly Row[]): Answer {
  const { rows, link } = page(call, all)
  return { status: 200, body: rows, headers: link === '' ? {} : { link } }
}

export function page(call: Call, all: readonly Row[]): { rows: Row[]; link: string } {
  const size = Math.min(Math.max(number(call.parameters['per_page']), 1), 100)
  const current = Math.max(number(call.parameters['page']), 1)
  const last = Math.max(Math.ceil(all.length / size), 1)
  const link = (target: number, relation: string): string => {
    const url = new URL(call.url)
    url.searchParams.set('page', String(target))
    return `<${url.href}>; rel="${relation}"`
  }
  const links = [
    ...(current > 1 ? [link(current - 1, 'prev')] : []),
    ...(current < last ? [link(current + 1, 'next'), link(last, 'last')] : []),
    ...(current > 1 ? [link(1, 'first')] : []),
  ]
  return { rows: all.slice((current - 1) * size, current * size), link: links.join(', ') }
}

/** Newest first, as GitHub lists most things. */
export function newest(all: readonly Row[]): Row[] {
  return all.toReversed()
}
