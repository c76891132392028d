import type { z } from 'zod'

/**
 * What a text of somebody else's holds, if it is JSON of that shape; undefined otherwise, and no error of the parser's:
 * that one quotes the text, which may hold secrets.
 */
export function parseJson<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
