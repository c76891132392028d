import { JournalLine } from '../../core/journal.ts'
import { parseJson } from '../../core/json.ts'
import type { Ports } from '../../core/ports.ts'
import { showMs } from '../../core/units.ts'
import { parseKept } from '../kept.ts'
import { homeOf } from '../program.ts'
import { type Answer, ask, askAll, connectTo, exitOf, type Facts, hostsOf, showRefusal, type Target } from './hosts.ts'
import { historyProgram } from './program.ts'

/** What a host did in one attempt, by its journal. */
export interface Entry {
  /** When it began: ISO 8601, by the host's clock. */
  at: string
  release: string
  /** What people call the release; absent where nobody knows any more. */
  version?: string
  /** `deploy`, `rollback`, `stop`, …; absent in journals of versions that did not write it. */
  did?: string
  by?: string
  /** `done`, `undone`, `failed` or `broken`; `unfinished` while it runs, or when it was ended from outside. */
  outcome: string
  /** Why it did not end well: the first line of the evidence. */
  reason?: string
  /** From begin to end; to the second, which is what the journal has. */
  seconds?: number
  /** In which nobody served. */
  downtimeMs?: number
  /** From the switch to the proven answer. */
  switchMs?: number
}

/** What ran when on each host, newest first. */
export async function history(target: Target, of: { limit: number; host: string | undefined }, ports: Ports): Promise<Answer> {
  const { swarm } = target.environment
  if (swarm !== undefined) {
    const { historyOfStack } = await import('../swarm/index.ts')
    const seen = await historyOfStack({ ...target, swarm }, of.limit, ports)
    const shown = seen.entries.map((entry) => ports.redact(showEntry({ ...entry, host: seen.host })))
    return {
      text: `${(shown.length === 0 ? [`nothing has been deployed to ${target.environment.name} yet`] : shown).join('\n')}\n`,
      json: [seen],
    }
  }
  const answers = await askAll(
    hostsOf(target, of.host),
    async (host) => {
      await using remote = await connectTo(host, target, ports)
      return { entries: entriesOf(await ask(remote, historyProgram(homeOf(target), of.limit))).slice(0, of.limit) }
    },
    ports,
  )
  const refusals = answers.flatMap(({ host, error }) => (error === undefined ? [] : [showRefusal(host, error)]))
  const rows = answers.flatMap((one) => (one.error === undefined ? one.entries.map((entry) => ({ ...entry, host: one.host })) : []))
  const shown = rows.toSorted((one, other) => other.at.localeCompare(one.at)).map((row) => ports.redact(showEntry(row)))
  const nothing = rows.length === 0 && refusals.length === 0 ? [`nothing has been deployed to ${target.environment.name} yet`] : []
  return { text: `${[...refusals, ...shown, ...nothing].join('\n')}\n`, json: answers, ...exitOf(answers) }
}

/** Newest first. */
export function entriesOf(facts: Facts): Entry[] {
  const labels = new Map(facts.all('release').map(([id = '', ...text]) => [id, parseKept(text.join('\t'))?.label]))
  const lines = facts.all('line').flatMap((text) => parseJson(text.join('\t'), JournalLine) ?? [])
  return [...Map.groupBy(lines, ({ attempt }) => attempt).values()].map((of) => entryOf(of, labels)).toReversed()
}

function entryOf(lines: readonly JournalLine[], labels: ReadonlyMap<string, string | undefined>): Entry {
  const [first] = lines
  if (first === undefined) throw new TypeError('an attempt without a line')
  const end = lines.find(({ step }) => step === 'end')
  const failed = lines.find(({ step, state }) => state === 'failed' && step !== 'end')
  const who = lines.find(({ by }) => by !== undefined)
  const version = who?.version ?? labels.get(first.release)
  const downtimes = lines.flatMap(({ step, ms }) => (step === 'downtime' && ms !== undefined ? [ms] : []))
  const proofs = new Map(
    lines.flatMap(({ step, state, service = '', ms }) => (step === 'probe' && state === 'done' ? [[service, ms ?? 0]] : [])),
  )
  const [reason = ''] = (failed?.note ?? (end?.state === 'done' ? '' : (end?.note ?? ''))).split('\n')
  const why = failed === undefined ? reason : [failed.service, failed.step, reason].filter(Boolean).join(' ')
  return {
    at: new Date(first.at * 1000).toISOString(),
    release: first.release,
    ...(version === undefined ? {} : { version }),
    ...(who?.did === undefined ? {} : { did: who.did }),
    ...(who?.by === undefined ? {} : { by: who.by }),
    outcome: end?.state ?? 'unfinished',
    ...(why === '' || end?.state === 'done' ? {} : { reason: why }),
    ...(end === undefined ? {} : { seconds: end.at - first.at }),
    ...(downtimes.length === 0 ? {} : { downtimeMs: Math.max(...downtimes) }),
    ...(proofs.size === 0 ? {} : { switchMs: Math.max(...proofs.values()) }),
  }
}

/** `2026-11-21 10:16:02Z  a.example.org  deploy v2 (release …) by ada@laptop: done in 12 s, switched in 70 ms` */
function showEntry(entry: Entry & { host: string }): string {
  const { at, host, did = 'deploy', version, release, by, outcome, reason, seconds, downtimeMs, switchMs } = entry
  const called = version === undefined ? `release ${release}` : `${version} (release ${release})`
  const took = seconds === undefined ? '' : ` in ${showMs(Math.max(seconds, 1) * 1000)}`
  const details = [
    ...(switchMs === undefined ? [] : [`switched in ${showMs(switchMs)}`]),
    ...(downtimeMs === undefined ? [] : [`${showMs(downtimeMs)} without service`]),
    ...(reason === undefined ? [] : [reason]),
  ]
  const words = [`${outcome}${took}`, ...details].join(', ')
  return `${at.slice(0, 19).replace('T', ' ')}Z  ${host}  ${did} ${called}${by === undefined ? '' : ` by ${by}`}: ${words}`
}
