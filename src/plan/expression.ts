import { formatDate } from '../config/date-format.ts'
import type { Template, ValueName } from '../config/template.ts'
import { branchOf, type Facts, isOnDefaultBranch, shortSha, tagOf, type Trigger } from './trigger.ts'

/** What a template comes to in this release: the same words in a tag, a label and an annotation. */
export function expanded(template: Template, trigger: Trigger, facts: Facts): string {
  return template
    .map((part) => {
      if (typeof part === 'string') return part
      if (part.name !== 'date' && part.name !== 'commit_date') return valueOf(part.name, trigger, facts)
      return formatDate(timeOf(part.name, trigger, facts), part.format, part.zone)
    })
    .join('')
}

function timeOf(name: 'date' | 'commit_date', trigger: Trigger, { now, committed }: Facts): Date {
  const time = (name === 'commit_date' ? (trigger.committed ?? committed) : undefined) ?? now
  if (time === undefined) throw new TypeError('an expression asks for the date, and nobody has said what time it is')
  return time
}

function valueOf(name: ValueName, trigger: Trigger, facts: Facts): string {
  switch (name) {
    case 'branch':
      return branchOf(trigger) ?? ''
    case 'tag':
      return tagOf(trigger) ?? ''
    case 'sha':
      return shortSha(trigger)
    case 'base_ref':
      return (tagOf(trigger) === undefined ? (trigger.pullRequest === undefined ? undefined : trigger.base) : trigger.taggedOn) ?? ''
    case 'is_default_branch':
      return String(isOnDefaultBranch(trigger, facts))
    case 'is_not_default_branch':
      return String(!isOnDefaultBranch(trigger, facts))
    // Those of a version have no place outside of its pattern: config/template.ts refuses them.
    case 'raw':
    case 'version':
    case 'major':
    case 'minor':
    case 'patch':
      return ''
    default:
      return name satisfies never
  }
}
