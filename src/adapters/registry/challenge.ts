/** What a registry asks for when it answers 401. */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: string; service?: string }

/**
 * Reads a WWW-Authenticate header.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const [, scheme, rest] = /^\s*(\w+)\s*(.*)$/s.exec(header ?? '') ?? []
  if (scheme?.toLowerCase() === 'basic') return { scheme: 'basic' }
  if (scheme?.toLowerCase() !== 'bearer') return undefined
  const parameters = new Map<string, string>()
  for (const [, name, quoted, bare] of (rest ?? '').matchAll(/(\w+)=(?:"([^"]*)"|([^",\s]+))/g)) {
    if (name !== undefined) parameters.set(name.toLowerCase(), quoted ?? bare ?? '')
  }
  const realm = parameters.get('realm')
  const service = parameters.get('service')
  if (realm === undefined || !URL.canParse(realm)) return undefined
  return { scheme: 'bearer', realm, ...(service === undefined ? {} : { service }) }
}
