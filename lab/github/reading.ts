import type { IncomingHttpHeaders } from 'node:http'
import { Json, type Operation, Row } from './description.ts'
import { fit, type Misfit, unknownKeys } from './fit.ts'
import { invalid, Refusal } from './refusal.ts'

export interface Incoming {
  method: string
  url: URL
  headers: IncomingHttpHeaders
  raw: Buffer
}

/** The path's and the query's parameters and the body, with defaults filled in, or a 422 that names all that is wrong. */
export function read(operation: Operation, incoming: Incoming, pathNames: Record<string, string>): { parameters: Row; body: Row } {
  const misfits: Misfit[] = []
  const parameters: Row = {}
  for (const { name, in: place, required, schema } of operation.parameters) {
    const sent = place === 'path' ? pathNames[name] : place === 'query' ? (incoming.url.searchParams.get(name) ?? undefined) : undefined
    if (sent === undefined && !required && schema['default'] === undefined) continue
    const fitted = fit(schema, sent === undefined ? undefined : typed(schema, sent))
    if (fitted.misfits.length > 0)
      misfits.push(...fitted.misfits.map(({ what }) => ({ where: name, what: `${what} (${place} parameter)` })))
    else if ('value' in fitted) parameters[name] = fitted.value
  }
  const known = new Set(operation.parameters.flatMap(({ name, in: place }) => (place === 'query' ? [name] : [])))
  for (const name of incoming.url.searchParams.keys())
    if (!known.has(name)) misfits.push({ where: name, what: `"${name}" is not a permitted query parameter.` })

  const body = readBody(operation, incoming)
  misfits.push(...body.misfits)
  if (misfits.length > 0) throw invalid(misfits)
  return { parameters, body: body.value }
}

/** Everything in an address is a string; this is what the schema takes it for. */
function typed(schema: Row, sent: string): Json {
  if (schema['type'] === 'integer' && /^-?\d+$/.test(sent)) return Number(sent)
  if (schema['type'] === 'boolean' && /^(true|false)$/.test(sent)) return sent === 'true'
  return sent
}

function readBody({ requestBody }: Operation, { headers, raw }: Incoming): { value: Row; misfits: Misfit[] } {
  const schema = requestBody?.content['application/json']?.schema
  const type = headers['content-type']?.split(';')[0]?.trim()
  if (schema === undefined) {
    const stray = requestBody === undefined && raw.length > 0
    return { value: {}, misfits: stray ? [{ where: '', what: 'This operation takes no body.' }] : [] }
  }
  if (raw.length === 0) return { value: {}, misfits: requestBody?.required === true ? fit(schema, {}).misfits : [] }
  if (type !== 'application/json')
    throw new Refusal(415, `Unsupported 'Content-Type' header: '${type ?? ''}'. It must be 'application/json'.`)
  const sent = parsed(raw)
  const fitted = fit(schema, sent)
  const misfits = [...unknownKeys(schema, sent), ...fitted.misfits]
  return { value: 'value' in fitted ? Row.parse(fitted.value) : {}, misfits }
}

function parsed(raw: Buffer): Json {
  try {
    return Json.parse(JSON.parse(raw.toString('utf8')))
  } catch {
    throw new Refusal(400, 'Problems parsing JSON')
  }
}
