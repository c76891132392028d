import { gzipSync } from 'node:zlib'
import { z } from 'zod'

/**
 * What GitHub's code scanning takes of a SARIF file. Of more it takes nothing at all.
 * @see https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
 */
const codeScanning = {
  /** Of these it shows people the worst. */
  shown: 5_000,
  results: 25_000,
  /** Bytes of the file when it is compressed with gzip. */
  bytes: 10_000_000,
} as const

const Rule = z.looseObject({ id: z.string(), properties: z.looseObject({ 'security-severity': z.string().optional() }).optional() })
const Result = z.looseObject({
  ruleId: z.string(),
  ruleIndex: z.int().optional(),
  message: z.looseObject({ text: z.string().optional() }).optional(),
  locations: z
    .array(
      z.looseObject({
        physicalLocation: z.looseObject({ artifactLocation: z.looseObject({ uri: z.string().optional() }).optional() }).optional(),
      }),
    )
    .optional(),
  suppressions: z.array(z.unknown()).optional(),
})
type Result = z.infer<typeof Result>
const Run = z.looseObject({
  tool: z.looseObject({ driver: z.looseObject({ rules: z.array(Rule).nullish() }) }),
  results: z.array(Result).nullish(),
})
const Sarif = z.looseObject({ runs: z.array(Run) })

interface Limits {
  shown: number
  results: number
  bytes: number
}

/**
 * A SARIF file that code scanning takes, with the worst results first. What is too much is left out from the least severe
 * on, and the file says so. Undefined for what is no SARIF.
 * @param category by which code scanning tells several images of one commit apart
 */
export function fitSarif(
  text: string,
  category: string,
  limits: Limits = codeScanning,
): { text: string; note: string | undefined } | undefined {
  const parsed = parse(text)
  const run = parsed?.runs[0]
  if (parsed === undefined || run === undefined) return undefined
  const rules = run.tool.driver.rules ?? []
  const scores = rules.map(({ properties }) => Number(properties?.['security-severity'] ?? 0))
  // What an exception lets pass is of less use than what is milder.
  const score = (result: Result): number =>
    isSuppressed(result) ? -1 : (scores[result.ruleIndex ?? rules.findIndex(({ id }) => id === result.ruleId)] ?? 0)
  const results = (run.results ?? []).toSorted((a, b) => score(b) - score(a))
  const write = (count: number): { text: string; note: string | undefined } => {
    const note = noteOf(count, results.length, limits)
    const kept = results.slice(0, count)
    return { note, text: `${JSON.stringify({ ...parsed, runs: [{ ...cut(run, kept), ...details(category, note) }] })}\n` }
  }
  let count = Math.min(results.length, limits.results)
  for (;;) {
    const written = write(count)
    const bytes = gzipSync(written.text).length
    if (bytes <= limits.bytes || count === 0) return written
    // Somewhat less than in proportion: what is shared by all results does not shrink.
    count = Math.floor(Math.min(count - 1, (count * limits.bytes * 0.9) / bytes))
  }
}

/**
 * A report of Trivy's with names of files that are URIs, as SARIF has them. Trivy's own writer dies of one that is none (seen with
 * 0.71: a file with a `%` in its name, an image in a registry with a port).
 */
export function withUris(text: string): string {
  const Lists = z.looseObject({
    Target: z.string().default(''),
    Class: z.string().optional(),
    Vulnerabilities: z.array(z.looseObject({ PkgPath: z.string().optional() })).nullish(),
  })
  const report = z.looseObject({ Results: z.array(Lists).nullish() }).safeParse(JSON.parse(text)).data
  if (report === undefined) return text
  const Results = (report.Results ?? []).map((result) => ({
    ...result,
    // That of a system is read as the reference of an image first.
    Target: result.Class === 'os-pkgs' ? result.Target : uriOf(result.Target),
    ...(result.Vulnerabilities == null
      ? {}
      : {
          Vulnerabilities: result.Vulnerabilities.map((one) => ({
            ...one,
            ...(one.PkgPath === undefined ? {} : { PkgPath: uriOf(one.PkgPath) }),
          })),
        }),
  }))
  return JSON.stringify({ ...report, Results })
}

/** What is before the first colon of a URI is its scheme. */
function uriOf(path: string): string {
  const encoded = path.replaceAll(/[%?#\p{Cc}]/gu, (one) => encodeURIComponent(one))
  return /^[^/]*:/.test(encoded) ? `./${encoded}` : encoded
}

/** What an exception lets pass, as a report of Trivy's names it. */
interface Exempt {
  id: string
  package: string
  exempt?: { reason: string; source: string }
}

/**
 * The file with what exceptions let pass marked as such, for their reason. Which results that are says Trivy itself: those
 * that are not in the same file without them. Once one is marked the specification wants a word about each.
 * @param left the same without what exceptions let pass
 */
export function suppress(full: string, left: string, findings: readonly Exempt[]): string {
  const [whole, others] = [parse(full), parse(left)]
  if (whole === undefined || others === undefined) return full
  const open = new Map<string, number>()
  const nameOf = (result: Result): string => JSON.stringify({ ...result, ruleIndex: 0 })
  for (const result of others.runs.flatMap(({ results }) => results ?? [])) open.set(nameOf(result), (open.get(nameOf(result)) ?? 0) + 1)
  const mark = (result: Result): Result => {
    const there = open.get(nameOf(result)) ?? 0
    open.set(nameOf(result), there - 1)
    return { ...result, suppressions: there > 0 ? [] : [{ kind: 'external', justification: justification(result, findings) }] }
  }
  return JSON.stringify({ ...whole, runs: whole.runs.map((run) => ({ ...run, results: (run.results ?? []).map(mark) })) })
}

function justification({ ruleId, message }: Result, findings: readonly Exempt[]): string {
  const of = findings.filter(({ id }) => id === ruleId)
  const mine = of.filter((finding) => message?.text?.includes(`${finding.package}\n`) === true)
  const reasons = (mine.length > 0 ? mine : of).flatMap(({ exempt }) =>
    exempt === undefined
      ? []
      : [exempt.reason === '' ? `excepted by ${exempt.source.slice(exempt.source.lastIndexOf('/') + 1)}` : exempt.reason],
  )
  return [...new Set(reasons)].join('; ')
}

function isSuppressed({ suppressions = [] }: Result): boolean {
  return suppressions.length > 0
}

/** The file without what is marked as suppressed: code scanning overlooks the mark, and shows an alert. */
export function unsuppressed(body: Buffer): Buffer {
  const sarif = parse(body.toString())
  if (sarif?.runs.some(({ results }) => results?.some(isSuppressed)) !== true) return body
  const runs = sarif.runs.map((run) =>
    cut(
      run,
      (run.results ?? []).filter((result) => !isSuppressed(result)),
    ),
  )
  return Buffer.from(`${JSON.stringify({ ...sarif, runs })}\n`)
}

function parse(text: string): z.infer<typeof Sarif> | undefined {
  try {
    return Sarif.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** The run with these results, and no rule that none of them needs. Paths of the machine that made it are left out. */
function cut(run: z.infer<typeof Run>, results: readonly Result[]): z.infer<typeof Run> {
  const needed = new Set(results.map(({ ruleId }) => ruleId))
  const rules = (run.tool.driver.rules ?? []).filter(({ id }) => needed.has(id))
  const index = new Map(rules.map(({ id }, position) => [id, position]))
  return {
    ...run,
    ...(run['originalUriBaseIds'] === undefined ? {} : { originalUriBaseIds: { ROOTPATH: { uri: 'file:///' } } }),
    tool: { ...run.tool, driver: { ...run.tool.driver, rules } },
    results: results.map((result) => ({
      ...result,
      ...(result.locations === undefined ? {} : { locations: result.locations.map(relative) }),
      ruleIndex: index.get(result.ruleId) ?? -1,
    })),
  }
}

/** Trivy names some files from the root and some from below it; what has a base must not begin with a slash. */
function relative(location: NonNullable<Result['locations']>[number]): typeof location {
  const { physicalLocation } = location
  const { uri, ...artifact } = physicalLocation?.artifactLocation ?? {}
  if (uri?.startsWith('/') !== true) return location
  return { ...location, physicalLocation: { ...physicalLocation, artifactLocation: { uri: uri.replace(/^\/+/, ''), ...artifact } } }
}

function noteOf(count: number, all: number, { shown }: Limits): string | undefined {
  if (count < all) return `the ${count} worst of ${all} results are in this file: code scanning takes no more`
  return count > shown ? `code scanning shows the ${shown} worst of these ${all} results` : undefined
}

function details(category: string, note: string | undefined): object {
  const notification = { level: 'warning', message: { text: note } }
  return {
    automationDetails: { id: `${category}/` },
    ...(note === undefined ? {} : { invocations: [{ executionSuccessful: true, toolExecutionNotifications: [notification] }] }),
  }
}
