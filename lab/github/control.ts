import { z } from 'zod'
import type { Answer } from './call.ts'
import { Json } from './description.ts'
import { Fault, Permissions } from './faults.ts'
import type { Incoming } from './reading.ts'
import { invalid, notFound } from './refusal.ts'
import type { Seen, State } from './state.ts'

export interface Control {
  state: State
  seen: Seen[]
  faults: Fault[]
  permissions: Permissions
}

const Ref = z.strictObject({
  repository: z.string().regex(/^[^/]+\/[^/]+$/),
  ref: z.string().startsWith('refs/'),
  sha: z.string().regex(/^[0-9a-f]{40}$/),
})

const Processing = z.strictObject({ asks: z.int().min(0) })

/** What GitHub does not have: what a test looks at and sets. No token is asked for. */
export function control({ state, seen, faults, permissions }: Control, { method, url, raw }: Incoming): Answer {
  switch (`${method} ${url.pathname}`) {
    case 'GET /lab/state':
      return { status: 200, body: Json.parse(JSON.parse(JSON.stringify({ repositories: state.repositories, faults, permissions }))) }
    case 'GET /lab/requests':
      return { status: 200, body: seen.map((request) => ({ ...request })) }
    case 'POST /lab/fail':
      faults.push(taken(Fault, raw))
      return { status: 204 }
    case 'POST /lab/permissions':
      Object.assign(permissions, taken(Permissions, raw))
      return { status: 204 }
    case 'POST /lab/processing':
      state.processingAsks = taken(Processing, raw).asks
      return { status: 204 }
    case 'POST /lab/refs': {
      const { repository, ref, sha } = taken(Ref, raw)
      const [owner = '', name = ''] = repository.split('/')
      state.repository(owner, name).refs[ref.slice('refs/'.length)] = sha
      return { status: 204 }
    }
    default:
      throw notFound()
  }
}

function taken<T>(schema: z.ZodType<T>, raw: Buffer): T {
  const text = raw.toString('utf8')
  const parsed = schema.safeParse(text === '' ? {} : JSON.parse(text))
  if (!parsed.success) throw invalid(parsed.error.issues.map(({ path, message }) => ({ where: path.map(String).join('.'), what: message })))
  return parsed.data
}
