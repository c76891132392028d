import { escapeText, placeOf } from '../core/composed.ts'

/**
 * While a project is rendered, a placeholder stands in for the value of each secret, so that no value gets into the record
 * and where one is used can be seen. The text that is kept is that of core/composed.ts.
 */

const [before, after] = ['launchway-value-of-', '-launchway']
const pattern = new RegExp(`${before}(\\w+?)${after}`, 'g')

export const placeholderFor = (name: string): string => `${before}${name}${after}`

/** The secrets that a value uses, however deep in it. */
export function secretsIn(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(pattern)].map(([, name = '']) => name)
  if (value === null || typeof value !== 'object') return []
  return [...new Set(Object.values(value).flatMap(secretsIn))]
}

/** As it is kept. */
export function composed(text: string): string {
  let kept = ''
  let from = 0
  for (const match of text.matchAll(pattern)) {
    kept += escapeText(text.slice(from, match.index)) + placeOf(match[1] ?? '')
    from = match.index + match[0].length
  }
  return kept + escapeText(text.slice(from))
}

/** As people read it. */
export const shownSecrets = (text: string): string => text.replaceAll(pattern, (_, name: string) => placeOf(name))

/** The secret that a text is, and nothing else. */
export function onlySecret(text: string): string | undefined {
  const [name, ...others] = secretsIn(text)
  return name !== undefined && others.length === 0 && text === placeholderFor(name) ? name : undefined
}
