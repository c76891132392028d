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

/**
 * The same for what a later version may have written: keys that are not known are left out, at whatever depth, where
 * the schema is strict about them.
 */
export function parseLater<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    const json: unknown = JSON.parse(text)
    const strict = schema.safeParse(json)
    return strict.success || !dropUnknownKeys(json, strict.error) ? strict.data : schema.safeParse(json).data
  } catch {
    return undefined
  }
}

/** Whether there were any. */
export function dropUnknownKeys(json: unknown, { issues }: z.ZodError): boolean {
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys')
  for (const { path, keys } of unknown) {
    const holder = path.reduce<unknown>((value, key) => (isObject(value) ? Reflect.get(value, key) : undefined), json)
    if (isObject(holder)) for (const key of keys) Reflect.deleteProperty(holder, key)
  }
  return unknown.length > 0
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
