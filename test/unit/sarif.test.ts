import { gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fitSarif, suppress, unsuppressed, withUris } from '../../src/tools/sarif.ts'

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

  it('names files from the root of the image, as its other paths are', () => {
    const text = sarif([1]).replace(
      '"message":{"text":"x"}',
      '"locations":[{"physicalLocation":{"artifactLocation":{"uri":"/app/x","uriBaseId":"ROOTPATH"}}}]',
    )
    expect(fitSarif(text, 'x')?.text).toContain('"artifactLocation":{"uri":"app/x","uriBaseId":"ROOTPATH"}')
  })

  it('has 25,000 results and no more', () => {
    const { note, run } = fit(sarif(Array.from({ length: 25_001 }, (_, index) => index % 10)), { results: 25_000, bytes: 10_000_000 })
    expect([run.results.length, run.tool.driver.rules.length, run.results.at(-1)?.ruleId]).toEqual([25_000, 25_000, 'CVE-24990'])
    expect(note).toBe('the 25000 worst of 25001 results are in this file: code scanning takes no more')
  })

  it('names files as URIs for SARIF, in which a % is none and what is before the first colon a scheme', () => {
    const Results = [
      { Target: '/app/100%/a b?.txt', Class: 'secret' },
      { Target: '127.0.0.1:5000/app:main', Class: 'config' },
      { Target: 'app:1 (debian 12)', Class: 'os-pkgs', Vulnerabilities: [{ VulnerabilityID: 'CVE-1' }] },
      {
        Target: 'Python',
        Class: 'lang-pkgs',
        Packages: [],
        Vulnerabilities: [{ VulnerabilityID: 'CVE-1', PkgPath: 'srv/50% off/METADATA' }],
      },
    ]
    expect(JSON.parse(withUris(JSON.stringify({ SchemaVersion: 2, Results })))).toEqual({
      SchemaVersion: 2,
      Results: [
        { ...Results[0], Target: '/app/100%25/a b%3F.txt' },
        { ...Results[1], Target: './127.0.0.1:5000/app:main' },
        Results[2],
        { ...Results[3], Vulnerabilities: [{ VulnerabilityID: 'CVE-1', PkgPath: 'srv/50%25 off/METADATA' }] },
      ],
    })
    expect(withUris('{"SchemaVersion":2}')).toBe('{"SchemaVersion":2,"Results":[]}')
  })

  it.each(['', '[]', '{"runs":[]}', '{"runs":[{}]}'])('is not %j', (text) => {
    expect(fitSarif(text, 'x')).toBeUndefined()
  })
})

describe('what an exception lets pass', () => {
  const Suppressed = z.object({
    runs: z.array(
      z.object({
        results: z.array(
          z.object({
            ruleId: z.string(),
            message: z.object({ text: z.string() }),
            suppressions: z.array(z.object({ kind: z.string(), justification: z.string() })).optional(),
          }),
        ),
      }),
    ),
  })
  const results = (text: string): z.infer<typeof Suppressed>['runs'][number]['results'] =>
    Suppressed.parse(JSON.parse(text)).runs.flatMap((run) => run.results)
  const of = (...named: readonly (readonly [string, string])[]): string => {
    const rules = [...new Set(named.map(([id]) => id))].map((id) => ({ id, properties: { 'security-severity': '9.0' } }))
    const found = named.map(([ruleId, name]) => ({
      ruleId,
      ruleIndex: rules.findIndex(({ id }) => id === ruleId),
      message: { text: `Package: ${name}\nInstalled Version: 1` },
    }))
    return JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'Trivy', rules } }, results: found }] })
  }
  const exempt = (id: string, name: string, reason: string) => ({ id, package: name, exempt: { reason, source: 'ignore.yaml' } })

  it('is marked where it is left out without it, with the reason of its own package; the rest is marked as looked at', () => {
    const full = of(['CVE-1', 'a'], ['CVE-1', 'b'], ['CVE-2', 'a'], ['CVE-1', 'c'], ['CVE-1', 'c'])
    const left = of(['CVE-2', 'a'], ['CVE-1', 'c'])
    const text = suppress(full, left, [exempt('CVE-1', 'a', 'not built in'), exempt('CVE-1', 'b', ''), exempt('CVE-1', 'c', 'a copy')])
    expect(results(text).map(({ suppressions }) => suppressions)).toEqual([
      [{ kind: 'external', justification: 'not built in' }],
      [{ kind: 'external', justification: 'excepted by ignore.yaml' }],
      [],
      [],
      [{ kind: 'external', justification: 'a copy' }],
    ])
  })

  it('is the first to be left out of a file that is too large, and not part of what is handed over', () => {
    const text = suppress(of(['CVE-1', 'a'], ['CVE-2', 'a']), of(['CVE-2', 'a']), [exempt('CVE-1', 'a', 'r')])
    const fitted = fitSarif(text, 'x', { ...limits, results: 1 })?.text ?? ''
    expect(results(fitted).map(({ ruleId }) => ruleId)).toEqual(['CVE-2'])
    const whole = fitSarif(text, 'x')?.text ?? ''
    expect(results(whole).map(({ ruleId }) => ruleId)).toEqual(['CVE-2', 'CVE-1'])
    expect(results(unsuppressed(Buffer.from(whole)).toString()).map(({ ruleId }) => ruleId)).toEqual(['CVE-2'])
    expect(unsuppressed(Buffer.from(whole)).toString()).not.toContain('CVE-1')
  })

  it('changes nothing where there is none, or what is handed over is no SARIF', () => {
    expect(unsuppressed(Buffer.from(of(['CVE-1', 'a']))).toString()).toBe(of(['CVE-1', 'a']))
    expect(unsuppressed(Buffer.from('x')).toString()).toBe('x')
  })
})
