import { gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fitSarif } from '../../src/tools/sarif.ts'

const Shown = z.object({
  runs: z.array(
    z.object({
      automationDetails: z.object({ id: z.string() }),
      invocations: z.unknown().optional(),
      originalUriBaseIds: z.unknown().optional(),
      tool: z.object({ driver: z.object({ rules: z.array(z.object({ id: z.string() })) }) }),
      results: z.array(z.object({ ruleId: z.string(), ruleIndex: z.number() })),
    }),
  ),
})

/** As Trivy writes it. @param scores of one rule and one result each, the worst being 10 */
function sarif(scores: readonly number[], filler = (): string => ''): string {
  const rules = scores.map((score, index) => ({
    id: `CVE-${index}`,
    help: { text: filler() },
    properties: { 'security-severity': score.toFixed(1) },
  }))
  const results = scores.map((_, index) => ({ ruleId: `CVE-${index}`, ruleIndex: index, message: { text: 'x' } }))
  const originalUriBaseIds = { ROOTPATH: { uri: 'file:///home/ada/tree/' } }
  return JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'Trivy', rules } }, results, originalUriBaseIds }] })
}
const limits = { shown: 3, results: 5, bytes: 100_000 }

function fit(
  text: string,
  of: Partial<typeof limits> = {},
): { note: string | undefined; run: z.infer<typeof Shown>['runs'][number]; bytes: number } {
  const fitted = fitSarif(text, 'launchway/app', { ...limits, ...of })
  const [run] = Shown.parse(JSON.parse(fitted?.text ?? '')).runs
  if (fitted === undefined || run === undefined) throw new TypeError('there is no run')
  return { note: fitted.note, run, bytes: gzipSync(fitted.text).length }
}

describe('a SARIF file for code scanning', () => {
  it('has everything where that is little, the worst first, under a name of the image', () => {
    const { note, run } = fit(sarif([2, 9.8, 5]))
    expect(run.results.map(({ ruleId }) => ruleId)).toEqual(['CVE-1', 'CVE-2', 'CVE-0'])
    expect(run.automationDetails.id).toBe('launchway/app/')
    expect([note, run.invocations]).toEqual([undefined, undefined])
  })

  it('says where code scanning shows less than it has', () => {
    const { note, run } = fit(sarif([1, 2, 3, 4]))
    expect(run.results).toHaveLength(4)
    expect(note).toBe('code scanning shows the 3 worst of these 4 results')
  })

  it('leaves the least severe out where there are too many, with a note in it, and no rule that nobody needs', () => {
    const { note, run } = fit(sarif([1, 2, 3, 4, 5, 6, 7]))
    expect(run.results.map(({ ruleId }) => ruleId)).toEqual(['CVE-6', 'CVE-5', 'CVE-4', 'CVE-3', 'CVE-2'])
    expect(run.tool.driver.rules.map(({ id }) => id)).toEqual(['CVE-2', 'CVE-3', 'CVE-4', 'CVE-5', 'CVE-6'])
    expect(run.results.every(({ ruleId, ruleIndex }) => run.tool.driver.rules[ruleIndex]?.id === ruleId)).toBe(true)
    expect(note).toBe('the 5 worst of 7 results are in this file: code scanning takes no more')
    expect(run.invocations).toEqual([
      { executionSuccessful: true, toolExecutionNotifications: [{ level: 'warning', message: { text: note } }] },
    ])
  })

  it('is cut until it is small enough when it is compressed', () => {
    const scores = Array.from({ length: 40 }, (_, index) => index / 4)
    const { note, run, bytes } = fit(
      sarif(scores, () => randomBytes(500).toString('base64')),
      { results: 100, bytes: 10_000 },
    )
    expect(bytes).toBeLessThanOrEqual(10_000)
    expect(run.results.length).toBeGreaterThan(5)
    expect(run.results[0]?.ruleId).toBe('CVE-39')
    expect(note).toMatch(/^the \d+ worst of 40 results/)
  })

  it('tells nobody where it was made', () => {
    expect(fit(sarif([1])).run.originalUriBaseIds).toEqual({ ROOTPATH: { uri: 'file:///' } })
  })

  it.each(['', '[]', '{"runs":[]}', '{"runs":[{}]}'])('is not %j', (text) => {
    expect(fitSarif(text, 'x')).toBeUndefined()
  })
})
