import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { apiUrl, find, type Handler, number, text } from '../call.ts'
import { Json } from '../description.ts'
import { Refusal } from '../refusal.ts'

/** As much of SARIF as GitHub insists on before it looks at the results. */
const Sarif = z.looseObject({
  version: z.literal('2.1.0'),
  runs: z.array(z.looseObject({ tool: z.looseObject({ driver: z.looseObject({ name: z.string() }) }), results: z.array(Json) })),
})

export const codeScanning: Record<string, Handler> = {
  'code-scanning/upload-sarif': (call) => {
    const { state, repository, body } = call
    const ref = text(body['ref'])
    if (/^refs\/pull\/\d+\/merge$/.test(ref) && body['commit_sha'] !== repository.shaOf(ref))
      throw new Refusal(400, 'ref is a pull request merge but commit_oid is not a merge commit')
    const id = `sarif-${state.newId()}`
    const url = apiUrl(call, 'code-scanning/sarifs', id)
    const asks = state.processingAsks
    repository.sarifs.push({ id, asks, commit_sha: body['commit_sha'] ?? '', ref, ...opened(text(body['sarif'])) })
    return { status: 202, body: { id, url } }
  },

  /** An upload is taken whatever is in it; whether it can be used is known here. */
  'code-scanning/get-sarif': (call) => {
    const upload = find(call.repository.sarifs, 'id', call.parameters['sarif_id'])
    const { errors } = upload
    const asks = number(upload['asks'])
    upload['asks'] = asks - 1
    if (asks > 0) return { status: 200, body: { processing_status: 'pending', analyses_url: null, errors: null } }
    const analyses_url = `${apiUrl(call, 'code-scanning/analyses')}?sarif_id=${text(call.parameters['sarif_id'])}`
    return {
      status: 200,
      body:
        errors === null
          ? { processing_status: 'complete', analyses_url, errors: null }
          : { processing_status: 'failed', analyses_url: null, errors: errors ?? [] },
    }
  },
}

/** A SARIF upload is gzipped, then base64. */
function opened(sarif: string): { document: Json; errors: string[] | null } {
  try {
    const document = Json.parse(JSON.parse(gunzipSync(Buffer.from(sarif, 'base64')).toString('utf8')))
    const parsed = Sarif.safeParse(document)
    return { document, errors: parsed.success ? null : [z.prettifyError(parsed.error)] }
  } catch (error) {
    return { document: null, errors: [error instanceof Error ? error.message : String(error)] }
  }
}
