import type { Breach } from './rules.ts'
import { schemasAt, shapeOf } from './schema-below.ts'
import { githubExpression } from './template.ts'

type Found = Pick<Breach, 'message' | 'onKey' | 'line'> & { path: PropertyKey[] }

/**
 * Texts that hold an expression of GitHub Actions, `${{ … }}`, wherever they stand: nothing replaces it in this file, and as
 * it stands nobody means it. `$\{{` in a label is none.
 */
export function foreignBreaches(said: unknown, path: (string | number)[] = []): Breach[] {
  if (typeof said === 'string') return at(said, path)
  if (Array.isArray(said)) return said.flatMap((item, index) => foreignBreaches(item, [...path, index]))
  if (said === null || typeof said !== 'object') return []
  return Object.entries(said).flatMap(([key, value]) => [
    ...at(key, [...path, key]).map((breach) => ({ ...breach, onKey: true })),
    ...foreignBreaches(value, [...path, key]),
  ])
}

function at(text: string, path: (string | number)[]): Breach[] {
  const [before, ...more] = text.split('${{')
  if (before === undefined || more.length === 0) return []
  const [name = '', key] = [path.at(-1), path.at(-2)]
  const hasSecrets = key === 'env' && schemasAt(path.slice(0, -2)).flatMap(shapeOf).includes('secrets')
  const instead = hasSecrets ? `; name ${name} under secrets, and its value comes from the environment of the step` : ''
  return [{ path, line: before.split('\n').length - 1, message: `${path.join('.')}: ${githubExpression}${instead}` }]
}

/** What else is wrong with a text has its reason in the expression. */
export function withForeign(foreign: readonly Breach[], found: readonly Found[]): Found[] {
  const places = new Map(foreign.map((breach) => [breach.path.join('\0'), breach]))
  return [
    ...foreign,
    ...found.filter(({ path, line }) => {
      const same = places.get(path.map(String).join('\0'))
      return same === undefined || (line !== undefined && line !== same.line)
    }),
  ]
}
