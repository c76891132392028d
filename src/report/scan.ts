import { findingName, findingText, scannerOf, severities } from '../core/words.ts'
import type { Finding, ScanException, ScannedImage, ScanSection, ThreatList } from '../core/release.ts'
import { classNames } from '../core/scan-rule.ts'
import { code, prose, short, table } from './markdown.ts'

/** Findings that are listed one by one; a summary has a limit, and nobody reads a thousand rows there. */
export const listed = 50
/** The same of what has changed, at most. */
const changed = 20

/** What is new, mended and still there beside what the environment runs: what a reader wants to know first. */
export function changeParts({ against, images }: ScanSection, most: number): string[] {
  const shown = most > listed ? most : changed
  if (against === undefined) return []
  const ours = images.filter(({ others }) => others === undefined)
  const rows = ours.flatMap(({ name, findings }) =>
    findings.filter(({ exempt }) => exempt !== true).map((finding): [string, Finding] => [name, finding]),
  )
  const of = (status: Finding['status']): [string, Finding][] => rows.filter(([, finding]) => finding.status === status)
  const [fresh, fixed, existing] = [of('new'), of('fixed'), of('existing')]
  const beside = `${code(against.version)} in ${prose(against.environment)}`
  const moved = [...fresh, ...fixed]
  const rest = moved.length - shown
  return [
    `**${fresh.length} new, ${fixed.length} fixed, ${existing.length} still there** beside ${beside}`,
    ...(moved.length === 0
      ? []
      : [
          ...tables(
            ['', 'finding'],
            moved.slice(0, shown).map(([image, finding]) => ({ image, finding, before: [finding.status] })),
          ),
        ]),
    ...(rest > 0 ? [`… and ${rest} more; all are in the release record.`] : []),
  ]
}

/** What a scan found: how many of each severity in each image, what the rules decide, and by which exceptions what passes. */
export function scanParts(scan: ScanSection, most: number): string[] {
  const { images, rules, exceptions, reports, tool, database, lists = [] } = scan
  const [blocking, warned] = [decidedRows(scan, 'fail'), decidedRows(scan, 'warn')]
  const ignored = rules.filter(({ action, findings }) => action === 'ignore' && findings.length > 0)
  return [
    table(['vulnerabilities', ...severities.map((severity) => severity.toLowerCase())], images.flatMap(countRows)),
    ...images.flatMap(lookedParts),
    ...(blocking.length > 0 ? decidedTable('blocks', 'that block', blocking, most) : nothingBlocks(scan)),
    ...(warned.length === 0 ? [] : decidedTable('warns', 'that are warned of', warned, most)),
    ...images.flatMap(rebuildParts),
    ...(ignored.length === 0
      ? []
      : [
          table(
            ['passes by a rule', 'findings'],
            ignored.map(({ rule, findings }) => [prose(rule), String(findings.length)]),
          ),
        ]),
    ...exceptionParts(exceptions, most),
    ...(reports.length === 0
      ? []
      : [
          table(
            ['file', 'note'],
            reports.map(({ path, note = '' }) => [code(path), prose(note)]),
          ),
        ]),
    [`${prose(`${tool.name} ${tool.version}`)}, database of ${prose(database.updated)}`, ...lists.map(listWords)].join('; '),
  ]
}

/** What rules were asked with beside the database: enough to find that very list again. */
function listWords({ path, made, entries, digest }: ThreatList): string {
  return `${code(path)} of ${made === undefined ? 'a day that it does not say' : prose(made.slice(0, 10))}, ${entries} vulnerabilities (${code(short(digest))})`
}

/** An image's own vulnerabilities apart from those of what it stands on, where that is known; then what else was found. */
function countRows({ name: plainName, findings, base, others: reference }: ScannedImage): string[][] {
  const name =
    reference === undefined ? plainName : `${plainName}, not built here (${reference.replace(/@sha256:([0-9a-f]{12}).*$/, '@$1')})`
  const open = findings.filter(({ status, exempt }) => status !== 'fixed' && exempt !== true)
  const row = (title: string, of: readonly Finding[]): string[] => [
    title,
    ...severities.map((severity) => String(of.filter((finding) => finding.severity === severity).length)),
  ]
  const vulnerabilities = open.filter((finding) => scannerOf[finding.class] === 'vuln')
  const own = vulnerabilities.filter((finding) => finding.base !== true)
  return [
    ...(base === undefined
      ? [row(prose(name), vulnerabilities)]
      : [
          row(`${prose(name)}, its own`, own),
          row(
            `${prose(name)}, of ${code(base.reference)}`,
            vulnerabilities.filter((finding) => finding.base === true),
          ),
        ]),
    ...(['secret', 'misconfig', 'license'] as const).flatMap((kind) => {
      const others = open.filter((finding) => finding.class === kind)
      return others.length === 0 ? [] : [row(`${prose(name)}, ${classNames[kind]}`, others)]
    }),
  ]
}

/** Where nothing could be looked up, that nothing blocks is no news. */
function nothingBlocks({ images, rules }: ScanSection): string[] {
  if (images.some(({ looked }) => looked?.blind !== undefined)) return []
  const fails = rules.filter(({ action }) => action === 'fail')
  if (fails.length === 0) return ['No rule of the scan could block.']
  return [`Nothing blocks. Rules that could: ${fails.map(({ rule }) => prose(rule)).join('; ')}.`]
}

/** How much was seen, and what is not known: nothing found in nothing seen is no good news. */
function lookedParts({ name, looked }: ScannedImage): string[] {
  if (looked === undefined) return []
  const notes = looked.notes.map((note) => `**${prose(note)}**`)
  return [looked.blind === undefined ? [`${prose(name)}: ${prose(looked.at)}`, ...notes].join('; ') : `**${prose(looked.blind)}**`]
}

function rebuildParts({ name, base }: ScannedImage): string[] {
  const newer = base?.newer
  if (newer === undefined) return []
  const { reference, digest, fixes, of } = newer
  return [`${prose(name)}: a rebuild on ${code(reference)} of now (${code(short(digest))}) ends ${fixes} of the ${of} that come with it.`]
}

function exceptionParts(exceptions: readonly ScanException[], most: number): string[] {
  if (exceptions.length === 0) return []
  const states = { open: '', ending: 'ends soon', ended: 'has ended: it blocks again' }
  const rows = exceptions.map(({ id, source, until, owner = '', reason = '', state, findings }) => [
    code(id),
    String(findings.length),
    until === undefined ? 'no end' : prose(until.slice(0, 10)),
    states[state],
    prose(owner),
    prose(reason),
    code(source),
  ])
  return [table(['exception', 'findings', 'until', '', 'owner', 'reason', 'from'], rows.slice(0, most))]
}

/** Every finding of a scan, whatever a rule or an exception says of it. */
export function findingParts({ images }: ScanSection): string[] {
  return images.flatMap(({ name, findings }) =>
    findings.length === 0
      ? []
      : [
          `### All that was found in ${prose(name)}`,
          ...tables(
            ['', 'finding'],
            findings.map((finding) => ({ image: name, finding, before: [finding.exempt === true ? 'excepted' : finding.status] })),
          ),
        ],
  )
}

function decidedTable(verb: string, which: string, rows: readonly Row[], most: number): string[] {
  const rest = rows.length - most
  return [
    ...tables([verb], rows.slice(0, most), ['rule']),
    ...(rest > 0 ? [`… and ${rest} more ${which}; all are in the release record.`] : []),
  ]
}

function decidedRows({ images, rules }: ScanSection, action: 'fail' | 'warn'): Row[] {
  const byName = new Map(
    images.flatMap(({ name, findings }) =>
      findings
        .filter(({ status }) => status !== 'fixed')
        .map((finding): [string, Row] => [findingName(name, finding), { image: name, finding }]),
    ),
  )
  return rules
    .filter((one) => one.action === action)
    .flatMap(({ rule, findings }) =>
      findings.flatMap((of) => {
        const row = byName.get(of)
        return row === undefined ? [] : [{ ...row, after: [prose(rule)] }]
      }),
    )
}

interface Row {
  image: string
  finding: Finding
  before?: readonly string[]
  after?: readonly string[]
}

/** Of several platforms those that have it, where not all do. */
function inImage(image: string, { platforms }: Finding): string {
  return platforms === undefined ? image : `${image} (${platforms.join(', ')})`
}

/** What, how bad, where, and what ends it; what is no vulnerability apart, since no version ends that. */
function tables(first: readonly string[], rows: readonly Row[], last: readonly string[] = []): string[] {
  const isVulnerability = ({ finding }: Row): boolean => scannerOf[finding.class] === 'vuln'
  const one = (of: readonly Row[], head: readonly string[], cells: (finding: Finding) => readonly string[]): string[] =>
    of.length === 0
      ? []
      : [
          table(
            [...first, 'severity', 'image', ...head, ...last],
            of.map(({ image, finding, before = [], after = [] }) => [
              ...[...before, code(finding.id), finding.severity, prose(inImage(image, finding)), ...cells(finding), ...after],
            ]),
          ),
        ]
  return [
    ...one(rows.filter(isVulnerability), ['package', 'installed', 'fixed in'], ({ package: name, installed, fixed }) => [
      ...[code(name), code(installed), fixed === undefined ? 'no fix yet' : code(fixed)],
    ]),
    ...one(
      rows.filter((row) => !isVulnerability(row)),
      ['package', 'what'],
      (finding) => [code(finding.package), prose(findingText(finding))],
    ),
  ]
}
