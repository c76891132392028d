import type { TagRule } from '../config/image-tags.ts'
import { toTag } from '../core/reference.ts'
import { branchOf, tagOf, type Trigger } from './trigger.ts'

/** The tags that the rules give for this trigger, in their order, each once. A rule that does not apply gives none. */
export function imageTags(rules: readonly TagRule[], trigger: Trigger): string[] {
  return [...new Set(rules.flatMap((rule) => tagBy(rule, trigger)))]
}

/**
 * Those of them that are made once, and never name anything else: a whole version and a git tag, unless their rule says
 * otherwise; and whatever else a rule says it of.
 */
export function immutableTags(rules: readonly TagRule[], trigger: Trigger): string[] {
  const isFixed = (rule: TagRule): boolean => {
    if (rule.overwrite !== undefined) return !rule.overwrite
    if (rule.type === 'semver') return /\b(raw|version|patch)\b/.test(chosenPattern(rule.pattern, tagOf(trigger)))
    return rule.type === 'ref' && rule.event === 'tag'
  }
  return imageTags(rules.filter(isFixed), trigger)
}

function tagBy(rule: TagRule, trigger: Trigger): string[] {
  const core = valueOf(rule, trigger)
  const tag = core === undefined || core === '' ? '' : toTag(`${rule.prefix}${core}${rule.suffix}`)
  return tag === '' ? [] : [tag]
}

function valueOf(rule: TagRule, trigger: Trigger): string | undefined {
  switch (rule.type) {
    case 'ref':
      if (rule.event === 'branch') return branchOf(trigger)
      if (rule.event === 'tag') return tagOf(trigger)
      return trigger.pullRequest === undefined ? undefined : `pr-${trigger.pullRequest}`
    case 'sha':
      // The tag of a commit must never name anything else.
      return `${rule.format === 'short' ? trigger.sha.slice(0, 7) : trigger.sha}${trigger.dirty === true ? '-dirty' : ''}`
    case 'raw':
      return rule.value
    case 'semver':
      return semver(rule.pattern, tagOf(trigger))
    default:
      return rule satisfies never
  }
}

/** @see https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string */
const version = /^v?((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[\w.-]+)?)(?:\+[\w.-]+)?$/

function semver(pattern: string, tag: string | undefined): string | undefined {
  const [raw, full, major, minor, patch] = version.exec(tag ?? '') ?? []
  if (raw === undefined || full === undefined) return undefined
  const values: Record<string, string | undefined> = { raw, version: full, major, minor, patch }
  return chosenPattern(pattern, tag).replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => values[name] ?? '')
}

/** A prerelease must not move the tags of what is released: only the whole version, or the tag as it is, may name it. */
function chosenPattern(pattern: string, tag: string | undefined): string {
  const [, full = ''] = version.exec(tag ?? '') ?? []
  return full.includes('-') && !/^\{\{\s*raw\s*\}\}$/.test(pattern) ? '{{version}}' : pattern
}
