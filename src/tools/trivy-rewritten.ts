import { z } from 'zod'
import { Modified } from './trivy-report.ts'

/** Trivy's JSON report as others shall read it: made into other formats, or kept as evidence. */

/** The report with what exceptions took out of its lists put back: for formats that shall hold everything. */
export function unfiltered(text: string): string {
  const report: unknown = JSON.parse(text)
  const results = z.looseObject({ Results: z.array(z.looseObject({})).nullish() }).safeParse(report).data
  if (results === undefined) return text
  const Results = (results.Results ?? []).map((result) => {
    const modified = z.array(Modified).nullish().catch(undefined).parse(result['ExperimentalModifiedFindings']) ?? []
    const { ExperimentalModifiedFindings: _, ...rest } = result
    const lists = { vulnerability: 'Vulnerabilities', secret: 'Secrets', misconfiguration: 'Misconfigurations', license: 'Licenses' }
    const restored = Object.entries(lists).flatMap(([type, list]): [string, unknown[]][] => {
      const back = modified.filter(({ Type }) => Type === type).map(({ Finding }) => Finding)
      const there = z.array(z.unknown()).nullish().parse(rest[list]) ?? []
      return back.length === 0 ? [] : [[list, [...there, ...back]]]
    })
    return { ...rest, ...Object.fromEntries(restored) }
  })
  return JSON.stringify({ ...results, Results })
}

/** What an SBOM is made of. Who cannot read it must not hand on all of it instead. */
const Contents = z.looseObject({
  Metadata: z
    .looseObject({
      ImageConfig: z.object({ config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish() }).nullish(),
    })
    .optional(),
  Results: z.array(z.looseObject({ Packages: z.unknown().optional() })).nullish(),
})

/**
 * The same report without what was found: what an image consists of stays true, what is known of it does not. Of the image's
 * configuration an SBOM has the labels; its `ENV` and its history may hold what nobody else shall read.
 */
export function packagesOnly(text: string): string {
  const report = Contents.parse(JSON.parse(text))
  const Results = (report.Results ?? []).flatMap((result) => {
    const { Vulnerabilities: _v, Secrets: _s, Misconfigurations: _m, MisconfSummary: _c, Licenses: _l, ...rest } = result
    const { ExperimentalModifiedFindings: _x, ...plain } = rest
    return plain.Packages === undefined ? [] : [plain]
  })
  return JSON.stringify({ ...report, Results })
}
