import { z } from 'zod'
import { parseJson } from './json.ts'

const Annotated = z.object({ annotations: z.record(z.string(), z.string()).optional() })

/** Which of these annotations a manifest or an index does not have, or has otherwise. */
export function missingAnnotations(body: Buffer, annotations: Readonly<Record<string, string>>): string[] {
  const has = parseJson(body.toString(), Annotated)?.annotations ?? {}
  return Object.keys(annotations).filter((name) => has[name] !== annotations[name])
}
