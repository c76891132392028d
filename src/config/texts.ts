/** The loader leaves `8080` and `true` as the file spells them (said.ts); the schema lets an editor take them for what they look like. */
export function texts(values: Record<string, string | number | boolean>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))
}
