import { byKey } from '../core/objects.ts'
import type { PlanSection } from '../core/release.ts'
import { type StageName, stageNames } from '../core/stages.ts'

type Stages = PlanSection['stages']

/** Nothing is done. */
export function noStages(reason: string): Stages {
  return byKey(stageNames, () => ({ run: false, reason }))
}

/**
 * A run of some stages alone, with the plan that begins and the report that ends every run.
 * @param runs why each of them runs
 * @param otherwise why the others do not
 */
export function onlyStages(runs: Partial<Record<StageName, string>>, otherwise: string): Stages {
  const all: Partial<Record<StageName, string>> = { plan: 'every run begins with it', ...runs, report: 'every run ends with it' }
  return byKey(stageNames, (name) => {
    const reason = all[name]
    return { run: reason !== undefined, reason: reason ?? otherwise }
  })
}
