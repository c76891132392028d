import type { Place } from '../core/error.ts'
import { keysOf } from '../core/objects.ts'

/** `error`: a release fails by it, or a secret gets out. `warning`: it will hurt one day. `hint`: it could be better. */
export const severities = ['error', 'warning', 'hint'] as const
export type Severity = (typeof severities)[number]

/** What is looked at, in the order in which people read of it. */
export const topics = {
  configuration: 'launchway.yml',
  image: 'Images and what they start',
  compose: 'Compose files',
  machine: 'This machine',
  secrets: 'Secrets',
  registry: 'Registries',
  github: 'GitHub',
  host: 'Hosts',
} as const
export type Topic = keyof typeof topics
export const topicNames: readonly Topic[] = keysOf(topics)

/** A place in a file of the repository, or whatever else is meant. */
export type Where =
  | Place
  | { host: string; environment?: string }
  | { registry: string }
  | { environment: string }
  | { tool: string }
  | { repository: string }

/** What can be mended without asking: it changes no meaning. */
export type Mend =
  /** Line ends of a file, and the byte order mark at its beginning. */
  | { kind: 'text'; file: string }
  /** Lines added to an ignore file, which is made where there is none. */
  | { kind: 'ignore'; file: string; lines: readonly string[] }
  /** Permission bits added to a file or folder. */
  | { kind: 'mode'; file: string; add: number }

/** One thing that a rule has found. */
export interface Found {
  where: Where
  what: string
  /** Instead of what the rule says. */
  fix?: string
  severity?: Severity
  mend?: Mend
}

/** What is looked for. Its id is a contract: scripts may read it. */
export interface Rule<Seen> {
  id: string
  topic: Topic
  severity: Severity
  /** What it looks for, for the list in the guide: what follows "Looks for". */
  looks: string
  /** Why it will hurt. */
  why: string
  /** What to do. */
  fix: string
  find(this: void, seen: Seen): Found[]
}

/** The same without what it sees: for the list. */
export type RuleEntry = Omit<Rule<never>, 'find'>

/** A check that could not be made. */
export interface Skipped {
  check: string
  reason: string
}

/** What a rule has found, with all that a reader needs. */
export interface Finding {
  rule: string
  topic: Topic
  severity: Severity
  where: Where
  what: string
  why: string
  fix: string
  /** `--fix` can mend it. */
  fixable: boolean
  mend?: Mend
}

/** What rules say of what was seen; the same thing once, whoever has it. */
export function judge<Seen>(rules: readonly Rule<Seen>[], seen: Seen): Finding[] {
  return distinct(
    rules.flatMap(({ id, topic, severity, why, fix, find }) =>
      find(seen).map((one) => ({
        rule: id,
        topic,
        severity: one.severity ?? severity,
        where: one.where,
        what: one.what,
        why,
        fix: one.fix ?? fix,
        fixable: one.mend !== undefined,
        ...(one.mend === undefined ? {} : { mend: one.mend }),
      })),
    ),
  )
}

/** Two environments may start the same image, and two hosts be of the same configuration. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const byName = new Map(findings.map((one) => [`${one.rule} ${showWhere(one.where)} ${one.what}`, one]))
  return [...byName.values()]
}

/** `Dockerfile:3`, or the host. */
export function showWhere(where: Where): string {
  if ('file' in where) return [where.file, where.line, where.column].filter((part) => part !== undefined).join(':')
  if ('host' in where) return where.host
  if ('registry' in where) return where.registry
  if ('environment' in where) return where.environment
  return 'tool' in where ? where.tool : where.repository
}
