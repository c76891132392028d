import { nearest } from '../core/nearest.ts'
import type { Breach } from './rules.ts'
import type { Config } from './schema.ts'

type Kind = 'branches' | 'tags'

/** What branches and tags do: names that no branch can have, and environments that are not there. */
export function refBreaches(config: Config): Breach[] {
  const { environments: byName = {} } = config
  const environments = Object.keys(byName)
  const found: Breach[] = []
  for (const kind of ['branches', 'tags'] as const) {
    for (const [pattern, target] of Object.entries(config[kind] ?? {})) {
      const wrong = unfit(kind, pattern)
      if (wrong !== undefined) found.push({ path: [kind, pattern], onKey: true, message: `${kind}: ${wrong}` })
      const name = typeof target === 'string' ? target : target.environment
      if (name === undefined || Object.hasOwn(byName, name)) continue
      const meant = nearest(name, environments)
      const known = environments.length === 0 ? 'there are none' : `known: ${environments.join(', ')}`
      const path = typeof target === 'string' ? [kind, pattern] : [kind, pattern, 'environment']
      found.push({
        path,
        message: `${kind}.${pattern}: no environment "${name}"; ${meant === undefined ? known : `did you mean "${meant}"?`}`,
      })
    }
  }
  return found
}

/**
 * Why a pattern would never fit, and what to write. Whoever comes from a workflow's filters writes what GitHub knows there;
 * here only the star has a meaning.
 * @see https://git-scm.com/docs/git-check-ref-format
 */
function unfit(kind: Kind, pattern: string): string | undefined {
  const one = kind === 'branches' ? 'branch' : 'tag'
  if (pattern.trim() === '') return `a ${one} has a name: an empty one fits none; "**" fits all`
  if (pattern.trim() !== pattern) return `no ${one} has a space at its ends: write ${quoted(pattern.trim())} for ${quoted(pattern)}`
  const [, of, rest = ''] = /^refs\/(heads|tags)\/(.*)$/s.exec(pattern) ?? []
  if (of !== undefined)
    return `names stand here without "refs/${of}/": write ${quoted(rest)}${(of === 'heads') === (kind === 'branches') ? '' : ` under ${of === 'heads' ? 'branches' : 'tags'}`}`
  if (pattern.startsWith('!'))
    return `${quoted(pattern)} leaves nothing out: "!" has no meaning here. An exact name goes before a pattern: ${quoted(pattern.slice(1))}: {} builds and deploys nothing`
  const letter = /[[?]/.exec(pattern)?.[0]
  if (letter !== undefined)
    return `"${letter}" stands for nothing but itself here, and no ${one} can have it in ${quoted(pattern)}: * is any text without a slash, ** any text; write ${quoted(withStars(pattern))}`
  // eslint-disable-next-line no-control-regex -- git forbids them, too
  const forbidden = /[\s~^:\\\u0000-\u001f\u007f]|\.\.|@\{|\/\/|^\/|\/$|\.lock$|\.$/.exec(pattern)?.[0]
  return forbidden === undefined ? undefined : `git allows no ${one} with ${quoted(forbidden)} there: ${quoted(pattern)} would fit none`
}

/** `v*.*.*` of `v[0-9]+.[0-9]+.[0-9]+`: as close as stars come. */
function withStars(pattern: string): string {
  return pattern.replaceAll(/(\[[^\]]*\]?|\?)[+*?]*/g, '*').replaceAll(/\*{3,}/g, '**')
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
