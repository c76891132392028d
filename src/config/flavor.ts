import { nearest } from '../core/nearest.ts'
import { entryFields } from './tag-entry.ts'
import { globalNames, parseTemplate, type Template } from './template.ts'

/** What holds for all tags of a release. @see https://github.com/docker/metadata-action#flavor-input */
export interface Flavor {
  /** Whether `latest` is one of them; `auto` where the first tag names a version or a git tag. */
  latest: 'auto' | 'true' | 'false'
  /** For rules that have none of their own. */
  prefix: Affix
  suffix: Affix
}

interface Affix {
  text: Template
  onLatest: boolean
}

const none: Affix = { text: [], onLatest: false }
/** Where the configuration speaks the language of docker/metadata-action. */
export const flavorOfRules: Flavor = { latest: 'auto', prefix: none, suffix: none }
/** Where nobody has asked for any tag: `latest` moves for those alone who want it. */
export const flavorOfDefaults: Flavor = { ...flavorOfRules, latest: 'false' }

const keys = ['latest', 'prefix', 'suffix', 'onlatest']

/** One entry put over what was there before; or in words what is wrong with it. */
export function withFlavor(before: Flavor, entry: string): Flavor | string {
  const fields = entryFields(entry)
  if (typeof fields === 'string') return fields
  const flavor: Flavor = { ...before }
  let affix: 'prefix' | 'suffix' | undefined
  for (const { key, value } of fields) {
    if (key === undefined) return `"${value}" is not key=value`
    if (key === 'latest') {
      if (value !== 'auto' && value !== 'true' && value !== 'false') return `latest is auto, true or false, not "${value}"`
      flavor.latest = value
    } else if (key === 'prefix' || key === 'suffix') {
      const text = parseTemplate(value, globalNames)
      if (typeof text === 'string') return `${key}: ${text}`
      flavor[key] = { text, onLatest: false }
      affix = key
    } else if (key === 'onlatest') {
      if (value !== 'true' && value !== 'false') return `onlatest is true or false, not "${value}"`
      if (affix === undefined) return 'onlatest stands behind the prefix or suffix that it is about: prefix=dev-,onlatest=true'
      flavor[affix] = { ...flavor[affix], onLatest: value === 'true' }
    } else {
      const meant = nearest(key, keys)
      return `unknown key "${key}"; ${meant === undefined ? `known: ${keys.join(', ')}` : `did you mean "${meant}"?`}`
    }
  }
  return flavor
}
