import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Answer, Handler } from './call.ts'
import { type Control, control } from './control.ts'
import { Json, type Operation, operations, type Row, Row as RowValue } from './description.ts'
import { checkPermission, meetFault } from './faults.ts'
import { fit } from './fit.ts'
import { graphql } from './graphql.ts'
import { workflows } from './people.ts'
import { type Incoming, read } from './reading.ts'
import { notFound, Refusal } from './refusal.ts'
import { routes as allRoutes } from './routes/index.ts'
import { type Seen, State } from './state.ts'

export interface LabGitHub extends AsyncDisposable {
  /** The API's address, as GITHUB_API_URL has it. The same API answers under `/api/v3`, as on GitHub Enterprise. */
  url: string
  close(): Promise<void>
}

export interface LabGitHubSettings {
  token: string
  /** Tokens of people, with their logins; `token` is that of a workflow. */
  people?: Readonly<Record<string, string>>
  /** By operationId. Only a test of the server itself brings others. */
  routes?: Readonly<Record<string, Handler>>
}

/** Starts a server that plays a part of GitHub's REST API, as strictly as GitHub's own description allows. */
export async function startLabGitHub({ token, people = {}, routes = allRoutes }: LabGitHubSettings): Promise<LabGitHub> {
  for (const { operationId } of operations) if (routes[operationId] === undefined) throw new Error(`no route plays ${operationId}`)
  const controlled: Control = { state: new State(), seen: [], faults: [], permissions: {} }
  const logins = new Map([[token, workflows], ...Object.entries(people)])
  let origin = ''

  const server = createServer((request, response) => {
    void (async () => {
      const incoming = await receive(request, origin)
      const isControl = incoming.url.pathname.startsWith('/lab/')
      const answer = await answered(() =>
        isControl ? control(controlled, incoming) : play(incoming, { logins, routes, controlled, origin }),
      )
      if (!isControl) controlled.seen.push(seen(incoming, answer))
      send(response, answer)
    })()
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  origin = `http://127.0.0.1:${address.port}`

  const close = (): Promise<void> => {
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
    server.closeAllConnections()
    return closed
  }
  return { url: origin, close, [Symbol.asyncDispose]: close }
}

interface Stage {
  /** By their tokens. */
  logins: ReadonlyMap<string, string>
  routes: Readonly<Record<string, Handler>>
  controlled: Control
  origin: string
}

function play(incoming: Incoming, { logins, routes, controlled, origin }: Stage): Answer {
  const { method, url, headers } = incoming
  if (headers['user-agent'] === undefined)
    throw new Refusal(403, 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.')
  if (headers.authorization === undefined) throw new Refusal(401, 'Requires authentication')
  const [, token = ''] = /^(?:token|bearer) (.*)$/i.exec(headers.authorization) ?? []
  const who = logins.get(token)
  if (who === undefined) throw new Refusal(401, 'Bad credentials')

  if (method === 'POST' && /^(?:\/api)?\/graphql$/.test(url.pathname)) {
    const fault = meetFault(controlled.faults, method, '/graphql', { template: '/graphql' })
    if (fault !== undefined) throw fault
    return graphql(incoming.raw, who)
  }
  const path = url.pathname.replace(/^\/api\/v3(?=\/)/, '').replace(/^\/api\/uploads(?=\/)/, '/uploads')
  const found = match(method, path)
  if (found === undefined) throw notFound()
  const { operation, names } = found
  const fault = meetFault(controlled.faults, method, path, operation)
  if (fault !== undefined) throw fault
  checkPermission(controlled.permissions, operation)

  const { parameters, body } = read(operation, incoming, names)
  const repository = controlled.state.repository(names['owner'] ?? '', names['repo'] ?? '')
  const handler = routes[operation.operationId]
  if (handler === undefined) throw notFound()
  const answer = handler({ state: controlled.state, repository, parameters, body, raw: incoming.raw, headers, url, origin, who })
  checkAnswer(operation, answer)
  return answer
}

function match(method: string, path: string): { operation: Operation; names: Record<string, string> } | undefined {
  for (const operation of operations) {
    const groups = operation.method === method ? operation.pattern.exec(path)?.groups : undefined
    if (groups !== undefined)
      return { operation, names: Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)])) }
  }
  return undefined
}

/** What this server says must fit the description as well: a mistake of the lab is not to pass for a behaviour of GitHub. */
function checkAnswer({ operationId, responses }: Operation, { status, body }: Answer): void {
  const described = responses[String(status)]
  if (described === undefined) throw new Error(`${operationId} is not described to answer ${status}`)
  if (Buffer.isBuffer(body)) return
  const schema = described.content?.['application/json']?.schema
  if (schema === undefined && body !== undefined) throw new Error(`${operationId} is not described to have a body with ${status}`)
  const misfits = schema === undefined ? [] : fit(schema, body).misfits
  if (misfits.length === 0) return
  const list = misfits.map(({ where, what }) => `${where === '' ? 'the whole' : where}: ${what}`)
  throw new Error(`the answer of ${operationId} does not fit the description at ${list.join('; ')}`)
}

async function answered(call: () => Answer): Promise<Answer> {
  try {
    return call()
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal(500, error instanceof Error ? error.message : String(error))
    return { status: refusal.status, body: refusal.body, headers: refusal.headers }
  }
}

async function receive(request: IncomingMessage, origin: string): Promise<Incoming> {
  return { method: request.method ?? 'GET', url: new URL(request.url ?? '/', origin), headers: request.headers, raw: await buffer(request) }
}

function seen({ method, url, headers, raw }: Incoming, { status }: Answer): Seen {
  return { method, path: `${url.pathname}${url.search}`, status, body: bodySeen(headers['content-type'] ?? '', raw) }
}

function bodySeen(type: string, raw: Buffer): Row | string | null {
  if (raw.length === 0) return null
  if (!type.startsWith('application/json')) return `${raw.length} bytes of ${type}`
  const parsed = RowValue.safeParse(Json.safeParse(quietly(() => JSON.parse(raw.toString('utf8')))).data)
  return parsed.success ? parsed.data : raw.toString('utf8')
}

function quietly(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (body === undefined) response.writeHead(status, headers).end()
  else if (Buffer.isBuffer(body)) response.writeHead(status, { 'content-type': 'application/octet-stream', ...headers }).end(body)
  else response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(JSON.stringify(body))
}
