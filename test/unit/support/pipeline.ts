import { systemClock } from '../../../src/adapters/clock.ts'
import { groupedLog } from '../../../src/adapters/log/stages.ts'
import type { Ports } from '../../../src/core/ports.ts'
import type { PushSection, Release } from '../../../src/core/release.ts'
import { record } from './deploy.ts'

/** What a run of steps reaches of the outside, and what it said there. */
export function outside(signal: AbortSignal = new AbortController().signal): { ports: Ports; said: string[] } {
  const said: string[] = []
  const log = groupedLog((entry, stage) => {
    if (entry.kind === 'line') said.push(stage === undefined ? entry.text : `${stage}: ${entry.text}`)
    if (entry.kind === 'close') said.push(`${entry.stage} ${entry.outcome.replace(/ (in|after) .*/, '')}`)
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the ports that the pipeline itself uses
  return { ports: { log, signal, clock: systemClock, redact: (text) => text.replaceAll('s3cret', '***') } as Ports, said }
}

export const wrote = (reference: string): PushSection => ({ references: [{ reference, digest: 'd' }], ms: 1 })

type Verdict = 'passed' | 'failed' | undefined

/** A record whose plan has both gates. */
export function withVerdicts(smoke: Verdict, scan: Verdict): Release {
  const { plan } = record()
  const run = { run: true, reason: 'asked for' }
  const tool = { name: 'trivy', version: '0.71.2' }
  return record({
    plan: { ...plan, stages: { ...plan.stages, smoke: run, scan: run } },
    push: wrote('a:1'),
    ...(smoke === undefined ? {} : { smoke: { project: 'p', services: [], checks: [], verdict: smoke, ms: 1 } }),
    ...(scan === undefined
      ? {}
      : { scan: { tool, database: { updated: '' }, images: [], rules: [], exceptions: [], reports: [], verdict: scan, ms: 1 } }),
  })
}
