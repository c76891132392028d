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
const Result = z.looseObject({ ruleId: z.string(), ruleIndex: z.int().optional() })
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
  const score = ({ ruleId, ruleIndex }: z.infer<typeof Result>): number =>
    scores[ruleIndex ?? rules.findIndex(({ id }) => id === ruleId)] ?? 0
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

function parse(text: string): z.infer<typeof Sarif> | undefined {
  try {
    return Sarif.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** The run with these results, and no rule that none of them needs. Paths of the machine that made it are left out. */
function cut(run: z.infer<typeof Run>, results: readonly z.infer<typeof Result>[]): z.infer<typeof Run> {
  const needed = new Set(results.map(({ ruleId }) => ruleId))
  const rules = (run.tool.driver.rules ?? []).filter(({ id }) => needed.has(id))
  const index = new Map(rules.map(({ id }, position) => [id, position]))
  return {
    ...run,
    ...(run['originalUriBaseIds'] === undefined ? {} : { originalUriBaseIds: { ROOTPATH: { uri: 'file:///' } } }),
    tool: { ...run.tool, driver: { ...run.tool.driver, rules } },
    results: results.map((result) => ({ ...result, ruleIndex: index.get(result.ruleId) ?? -1 })),
  }
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
