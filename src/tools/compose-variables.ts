/** The variables of a compose file as it is written: what has a default, what somebody must set. */

/** Variables that somebody must set, and what for. */
export type Variables = Map<string, Use>
type Use = 'port' | 'image' | 'folder' | 'user' | 'value'

const variable = /\$(?:(\$)|\{(\w+)(?:(:?[-?+])([^}]*))?\}|(\w+))/g

/** The text with the defaults of its variables; a variable that has none stays, as `$NAME`. */
export function filled(text: string): string
export function filled(text: string | undefined): string | undefined
export function filled(text: string | undefined): string | undefined {
  return text?.replaceAll(
    variable,
    (_, dollar?: string, braced?: string, operator?: string, word?: string, bare?: string) =>
      dollar ?? (operator?.endsWith('-') === true ? (word ?? '') : operator?.endsWith('+') === true ? '' : `$${braced ?? bare ?? ''}`),
  )
}

/** Variables that have no default, wherever they stand in the services. */
export function variablesOf(services: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Variables {
  const found: Variables = new Map()
  // What says most of its value comes first: a user's number may stand in a command as well.
  for (const use of ['port', 'image', 'folder', 'user', 'value'] as const)
    for (const { name, operator } of mentioned(Object.values(services).map((service) => partOf(service, use))))
      if (!/[-+]$/.test(operator) && !found.has(name)) found.set(name, use)
  return found
}

const keysOf = { port: 'ports', image: 'image', folder: 'volumes', user: 'user' } as const

function partOf(service: Readonly<Record<string, unknown>>, use: Use): unknown {
  if (use !== 'value') return service[keysOf[use]]
  const { ports: _ports, image: _image, volumes: _volumes, user: _user, ...rest } = service
  return rest
}

/** Every variable in a value and in what it holds, whether it has a default or not. */
export function mentioned(value: unknown): { name: string; operator: string }[] {
  if (typeof value === 'string')
    return [...value.matchAll(variable)].flatMap(([, dollar, braced, operator = '', , bare]) => {
      const name = braced ?? bare
      return dollar !== undefined || name === undefined ? [] : [{ name, operator }]
    })
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap((inner) => mentioned(inner)) : []
}

/** A word as the container gets it, where what compose writes into it is in its environment: `$$NAME` and `${NAME}` are its own. */
export function ofContainer(text: string): string {
  return text.replaceAll(variable, (whole: string, dollar?: string, _braced?: string, operator?: string, word?: string) =>
    dollar !== undefined ? '$' : operator?.endsWith('-') === true ? (word ?? '') : operator?.endsWith('+') === true ? '' : whole,
  )
}

export function asked(texts: readonly string[]): string[] {
  return [...new Set(mentioned(texts).flatMap(({ name, operator }) => (/[-+]$/.test(operator) ? [] : name)))]
}
