import { z } from 'zod'
import type { Answer } from './call.ts'
import { Refusal } from './refusal.ts'

const Asked = z.object({ query: z.string() })

/** The one question of GitHub's other API that is asked: whose token this is. Every kind of token gets an answer to it. */
export function graphql(raw: Buffer, who: string): Answer {
  const asked = Asked.safeParse(JSON.parse(raw.toString('utf8')))
  if (!asked.success) throw new Refusal(400, 'A query attribute must be specified and must be a string.')
  if (/^(?:query)?\{viewer\{login\}\}$/.test(asked.data.query.replaceAll(/\s/g, '')))
    return { status: 200, body: { data: { viewer: { login: who } } } }
  return { status: 200, body: { errors: [{ message: 'The lab plays no other query than { viewer { login } }.' }] } }
}
