/** YAML reads `8080` and `true` as what they look like; an environment has texts alone. */
export function texts(values: Record<string, string | number | boolean>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))
}
