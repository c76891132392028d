import type { Flavor } from '../config/flavor.ts'
import type { TagRule } from '../config/image-tags.ts'
import type { Template } from '../config/template.ts'
import { LaunchwayError } from '../core/error.ts'
import { toTag } from '../core/reference.ts'
import { cut } from '../core/text.ts'
import { expanded } from './expression.ts'
import { groupsIn } from './pattern.ts'
import { branchOf, type Facts, isOnDefaultBranch, longSha, shortSha, tagOf, type Trigger } from './trigger.ts'
import { pep440, semver, type Version } from './version.ts'

/** What a rule came to: a tag, or why it gives none although it is for this event. */
interface TagOutcome {
  rule: string
  tag?: string
  reason?: string
}

export interface TagSet {
  /** Each once, those of the highest priority first. */
  tags: string[]
  /**
   * Those of them that are made once, and never name anything else: a whole version and a git tag, unless their rule says
   * otherwise; and whatever else a rule says it of.
   */
  immutable: string[]
  outcomes: TagOutcome[]
}

/** What a rule names, before its prefix and suffix; `{}` where it is not for this event. */
interface Named {
  value?: string
  /** Where there is none, in words. */
  reason?: string
  /** It names a version or a git tag: `latest=auto` follows it. */
  isRelease?: boolean
  /** It names one version, and no other will have the name. */
  isFixed?: boolean
}

/** Docker's longest. */
const longest = 128

/**
 * The tags that the rules give for this trigger.
 * @throws LaunchwayError USAGE for a tag that is too long to say what it should
 */
export function imageTags(rules: readonly TagRule[], flavor: Flavor, trigger: Trigger, facts: Facts): TagSet {
  const expand = (template: Template): string => expanded(template, trigger, facts)
  const outcomes: TagOutcome[] = []
  const immutable = new Set<string>()
  let isRelease: boolean | undefined
  for (const rule of rules.toSorted((a, b) => b.priority - a.priority)) {
    if (!isEnabled(rule, trigger, facts)) continue
    const { value, reason, ...named } = nameOf(rule, trigger, facts)
    if (reason !== undefined) outcomes.push({ rule: rule.entry, reason })
    if (value === undefined) continue
    const [prefix, suffix] = [expand(rule.prefix ?? flavor.prefix.text), expand(rule.suffix ?? flavor.suffix.text)]
    // Nothing at all is what an expression that does not apply leaves, and no mistake.
    if (`${prefix}${value}${suffix}` === '') continue
    const tag = tagFrom(prefix, value, suffix, rule)
    outcomes.push(
      tag === '' ? { rule: rule.entry, reason: `no letter of "${short(value)}" may stand in a tag` } : { rule: rule.entry, tag },
    )
    if (tag === '') continue
    isRelease ??= named.isRelease ?? false
    if (rule.overwrite === undefined ? named.isFixed === true : !rule.overwrite) immutable.add(tag)
  }
  if (isRelease !== undefined && (flavor.latest === 'auto' ? isRelease : flavor.latest === 'true')) {
    const affix = ({ text, onLatest }: Flavor['prefix']): string => (onLatest ? expand(text) : '')
    outcomes.push({ rule: `flavor: latest=${flavor.latest}`, tag: toTag(`${affix(flavor.prefix)}latest${affix(flavor.suffix)}`) })
  }
  return { tags: [...new Set(outcomes.flatMap(({ tag }) => tag ?? []))], immutable: [...immutable], outcomes }
}

/** A branch may be cut, what tells variants apart may not; of a version and a git tag every letter counts. */
function tagFrom(prefix: string, value: string, suffix: string, rule: TagRule): string {
  const whole = toTag(`${prefix}${value}${suffix}`)
  if (whole.length <= longest) return whole
  const end = toTag(`_${suffix}`).slice(1)
  const room = longest - end.length
  if (rule.type === 'ref' && rule.event === 'branch' && prefix.length < room) return `${toTag(`${prefix}${value}`).slice(0, room)}${end}`
  throw new LaunchwayError('USAGE', `${short(rule.entry)} gives a tag of ${whole.length} characters: ${short(whole)}`, {
    hint: `An image tag has at most ${longest}. Cut, it could be that of another version.`,
  })
}

function short(text: string): string {
  return cut(text, 60)
}

function isEnabled({ enable }: TagRule, trigger: Trigger, facts: Facts): boolean {
  if (enable === 'true' || enable === 'false') return enable === 'true'
  return isOnDefaultBranch(trigger, facts) === (enable === 'default')
}

function nameOf(rule: TagRule, trigger: Trigger, facts: Facts): Named {
  switch (rule.type) {
    case 'ref':
      return refName(rule.event, trigger)
    case 'sha':
      if (trigger.sha === '') return {}
      return { value: rule.format === 'short' ? shortSha(trigger) : longSha(trigger) }
    case 'raw':
      return { value: expanded(rule.value, trigger, facts) }
    case 'schedule':
      return trigger.event === 'schedule' ? { value: expanded(rule.pattern, trigger, facts) } : {}
    case 'edge':
      return isEdge(rule.branch, trigger, facts) ? { value: 'edge' } : {}
    case 'match':
      return matchName(rule, trigger, facts)
    case 'semver':
    case 'pep440':
      return versionName(rule, trigger, facts)
    default:
      return rule satisfies never
  }
}

function refName(event: 'branch' | 'tag' | 'pr', trigger: Trigger): Named {
  if (event === 'pr') return trigger.pullRequest === undefined ? {} : { value: String(trigger.pullRequest) }
  const name = event === 'branch' ? branchOf(trigger) : tagOf(trigger)
  return name === undefined ? {} : { value: name, isRelease: event === 'tag', isFixed: event === 'tag' }
}

function isEdge(branch: string | undefined, trigger: Trigger, facts: Facts): boolean {
  const name = branchOf(trigger)
  return name !== undefined && name === (branch ?? trigger.defaultBranch ?? facts.defaultBranch)
}

/** What a rule about versions reads: its value, else the tag that was pushed. */
function subject(value: Template | undefined, trigger: Trigger, facts: Facts): string | undefined {
  return value === undefined ? tagOf(trigger) : expanded(value, trigger, facts)
}

function matchName(rule: Extract<TagRule, { type: 'match' }>, trigger: Trigger, facts: Facts): Named {
  const text = subject(rule.value, trigger, facts)
  if (text === undefined) return {}
  const value = groupsIn(rule.pattern, text, rule.entry)[rule.group]
  return value === undefined ? { reason: `"${short(text)}" does not match ${rule.pattern.source}` } : { value, isRelease: true }
}

function versionName(rule: Extract<TagRule, { type: 'semver' | 'pep440' }>, trigger: Trigger, facts: Facts): Named {
  const whole = subject(rule.value, trigger, facts)
  if (whole === undefined) return {}
  // What does not match is read as a whole, as docker/metadata-action does.
  const matched = rule.match === undefined ? undefined : groupsIn(rule.match, whole, rule.entry)[1]
  const text = (matched ?? whole).replaceAll('/', '-')
  const version = rule.type === 'semver' ? semver(text) : pep440(text)
  if (version === undefined) return { reason: `"${short(text)}" is no version by ${rule.type === 'semver' ? 'semver.org' : 'PEP 440'}` }
  const isWhole = rule.pattern.some((part) => typeof part === 'object' && ['raw', 'version', 'patch'].includes(part.name))
  return { value: patterned(rule.pattern, version), isRelease: !version.special, isFixed: version.special || isWhole }
}

/** A prerelease must not move the tags of what is released: only the whole version, or the tag as it is, may name it. */
function patterned(pattern: Template, version: Version): string {
  const [first, ...more] = pattern
  const isRaw = more.length === 0 && typeof first === 'object' && first.name === 'raw'
  if (version.special) return isRaw ? version.raw : version.version
  return pattern.map((part) => (typeof part === 'string' ? part : versionPart(part.name, version))).join('')
}

function versionPart(name: string, { raw, version, major, minor, patch }: Version): string {
  const parts: Record<string, string> = { raw, version, major, minor, patch }
  return parts[name] ?? ''
}
