import { LaunchwayError } from '../core/error.ts'
import type { FindingClass } from '../core/gates.ts'
import type { ScanException } from '../core/release.ts'
import { findingName } from '../core/words.ts'
import { type Entry, means } from '../tools/trivy-ignore.ts'
import type { Found } from '../tools/trivy-report.ts'

/** How long before its end an exception is announced. */
const noticeMs = 14 * 86_400_000

/** Where an exception stands. @param now in milliseconds since 1970 */
export function stateOf({ until }: Pick<Entry, 'until'>, now: number): ScanException['state'] {
  if (until === undefined) return 'open'
  return until < now ? 'ended' : until - now <= noticeMs ? 'ending' : 'open'
}

/** The exceptions of a run, with what each lets pass: those of the file, then those of VEX documents. */
export function exceptionsOf(
  file: string | undefined,
  entries: readonly Entry[],
  images: readonly { name: string; findings: readonly Found[] }[],
  now: number,
): ScanException[] {
  const passed = images.flatMap(({ name, findings }) =>
    findings.flatMap(({ exempt, ...finding }) =>
      exempt === undefined ? [] : [{ exempt, id: finding.id, name: findingName(name, finding) }],
    ),
  )
  const byFile = (source: string): boolean => file !== undefined && isOf(file, source)
  const listed = entries.map((entry): ScanException => {
    const state = stateOf(entry, now)
    const mine = passed.filter(
      ({ id, exempt }) => means(entry, id) && byFile(exempt.source) && state !== 'ended' && exempt.reason === (entry.reason ?? ''),
    )
    return {
      id: entry.id,
      source: file ?? '',
      ...(entry.until === undefined ? {} : { until: new Date(entry.until).toISOString() }),
      ...(entry.owner === undefined ? {} : { owner: entry.owner }),
      ...(entry.reason === undefined ? {} : { reason: entry.reason }),
      state,
      findings: mine.map(({ name }) => name),
    }
  })
  const others = passed.filter(({ exempt, name }) => !byFile(exempt.source) || !listed.some(({ findings }) => findings.includes(name)))
  return [
    ...listed,
    ...others.map(({ id, exempt: { source, reason }, name }): ScanException => ({
      id,
      source: byFile(source) ? (file ?? '') : source.slice(source.lastIndexOf('/') + 1),
      ...(reason === '' ? {} : { reason }),
      state: 'open',
      findings: [name],
    })),
  ]
}

/**
 * What has ended lets nothing pass: that is Trivy's doing, and not believed unseen.
 * @throws LaunchwayError SCAN_BLOCKED with the place of the entry
 */
export function refuseEnded(
  file: string | undefined,
  entries: readonly Entry[],
  images: readonly { name: string; findings: readonly Found[] }[],
  now: number,
): void {
  for (const { name, findings } of images) {
    for (const { exempt, ...finding } of findings) {
      if (exempt === undefined || file === undefined || !isOf(file, exempt.source)) continue
      const behind = entries.filter((entry) => means(entry, finding.id) && (entry.reason ?? '') === exempt.reason)
      const [entry] = behind
      if (entry === undefined || behind.some((one) => stateOf(one, now) !== 'ended')) continue
      throw new LaunchwayError(
        'SCAN_BLOCKED',
        `the exception for ${finding.id} has ended, and Trivy still lets ${findingName(name, finding)} pass`,
        {
          hint: `Remove the entry in line ${entry.line} of ${file}, or give it a new end. Where it goes on, another version of Trivy is in PATH than launchway is tested with.`,
          place: { file, line: entry.line },
        },
      )
    }
  }
}

const isOf = (file: string, source: string): boolean => source === file || source.endsWith(`/${file}`)

/** The list of the file that each class of findings is looked up in. */
const listOf: Record<FindingClass, string> = {
  os: 'vulnerabilities',
  library: 'vulnerabilities',
  secret: 'secrets',
  misconfig: 'misconfigurations',
  license: 'licenses',
}

/** Of what blocks although an entry has its id: where that stands, and why it lets nothing pass. */
export function besides(
  file: string | undefined,
  entries: readonly Entry[],
  blocked: readonly Pick<Found, 'id' | 'class'>[],
  now: number,
): string[] {
  const found = blocked.flatMap((finding) =>
    entries
      .filter((entry) => stateOf(entry, now) !== 'ended' && means({ id: entry.id.toUpperCase() }, finding.id.toUpperCase()))
      .map((entry) => `${finding.id}: the exception at ${file ?? ''}:${entry.line} does not match it${whyNot(entry, finding)}`),
  )
  return [...new Set(found)]
}

function whyNot(entry: Entry, { id, class: of }: Pick<Found, 'id' | 'class'>): string {
  if (entry.list !== undefined && entry.list !== listOf[of]) return `: it stands under ${entry.list}, not under ${listOf[of]}`
  if (!means(entry, id)) return `: upper and lower case count, write ${id}`
  const where = (['purls', 'paths'] as const).flatMap((key) => (entry[key] === undefined ? [] : [`${key} ${entry[key].join(', ')}`]))
  return where.length === 0 ? '' : `: ${where.join('; ')}`
}

/** Entries that let nothing pass, in one line; undefined where there are none. */
export function idle(file: string | undefined, exceptions: readonly ScanException[]): string | undefined {
  const ids = exceptions.filter(({ source, state, findings }) => source === file && state !== 'ended' && findings.length === 0)
  if (ids.length === 0) return undefined
  const things = ids.length === 1 ? 'an exception matches' : `${ids.length} exceptions match`
  return `${file}: ${things} nothing that was found: ${[...new Set(ids.map(({ id }) => id))].join(', ')}`
}

/** What ends soon, in one message; undefined where nothing does. */
export function announcement(entries: readonly Entry[], now: number): { message: string; line: number } | undefined {
  const ending = entries.filter((entry) => stateOf(entry, now) === 'ending')
  const [first] = ending
  if (first === undefined) return undefined
  const words = ending.map(({ id, until = now, owner }) => {
    const days = Math.floor((until - now) / 86_400_000)
    const when = days === 0 ? 'within a day' : days === 1 ? 'in 1 day' : `in ${days} days`
    return `${id} on ${new Date(until).toISOString().slice(0, 10)}, ${when}${owner === undefined ? '' : ` (${owner})`}`
  })
  return {
    message: `${ending.length === 1 ? 'an exception ends' : `${ending.length} exceptions end`} soon: ${words.join('; ')}`,
    line: first.line,
  }
}
