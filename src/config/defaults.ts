/**
 * What a file says with its `defaults` written into every environment that says nothing of them itself. A mapping takes
 * in a mapping, key by key; anything else that an environment says stands in the place of the default. So an environment
 * is checked as if its author had written all of it out.
 * @param value the file's content, of the form that the schema asks for
 */
export function withDefaults(value: unknown): unknown {
  if (!isMapping(value) || !isMapping(value['defaults']) || !isMapping(value['environments'])) return value
  const { defaults, environments } = value
  const filled: [string, unknown][] = Object.entries(environments).map(([name, own]) => [
    name,
    isMapping(own) ? over(fitting(defaults, own), own) : own,
  ])
  return { ...value, environments: Object.fromEntries<unknown>(filled) }
}

type Mapping = Record<string, unknown>

/** Two ways to say the same: an environment's own word leaves no room for the other one in the defaults. */
const eitherOr = ['host', 'hosts']

function fitting(defaults: Mapping, own: Mapping): Mapping {
  const isSaid = eitherOr.some((key) => Object.hasOwn(own, key))
  return Object.fromEntries(Object.entries(defaults).filter(([key]) => !(isSaid && eitherOr.includes(key))))
}

function over(below: unknown, above: unknown): unknown {
  if (!isMapping(below) || !isMapping(above)) return above
  const added = Object.entries(above).map(([key, own]) => [key, Object.hasOwn(below, key) ? over(below[key], own) : own])
  return { ...below, ...Object.fromEntries(added) }
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where what is wrong was written: in the environment, or else in the defaults that it comes from. */
export function writtenAt(path: readonly PropertyKey[], value: unknown): readonly PropertyKey[] {
  const [first, , ...rest] = path
  const common = ['defaults', ...rest]
  return first === 'environments' && rest.length > 0 && !isThere(path, value) && isThere(common, value) ? common : path
}

function isThere(path: readonly PropertyKey[], value: unknown): boolean {
  let at = value
  for (const part of path) {
    if (Array.isArray(at)) at = at[Number(part)]
    else if (isMapping(at) && Object.hasOwn(at, part)) at = at[String(part)]
    else return false
  }
  return at !== undefined
}
