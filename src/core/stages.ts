import { LaunchwayError } from './error.ts'
import type { Release } from './release.ts'

// Apart from release.ts, whose schema takes a tenth of an action's start to set up: who needs a name alone, or knows
// that a record is one, does not pay for checking it.

/** The stages, in the order in which people think of them. */
export const stageNames = ['plan', 'build', 'smoke', 'scan', 'push', 'deploy', 'report'] as const
export type StageName = (typeof stageNames)[number]

/** Steps of a run that are called otherwise than the stage they belong to: a record names the step that failed. */
const stagesOfSteps: Readonly<Record<string, StageName>> = {
  upload: 'push',
  size: 'build',
  inputs: 'push',
  reach: 'deploy',
  evidence: 'push',
  record: 'push',
  assets: 'push',
  tidy: 'push',
  turn: 'deploy',
  current: 'deploy',
}

/** The stage of a step, whose name stands for itself where it is that of a stage. */
export function stageOfStep(step: string): string {
  return Object.hasOwn(stagesOfSteps, step) ? (stagesOfSteps[step] ?? step) : step
}

/** What can set a run off; `local` is a terminal. */
export const eventNames = ['push', 'release', 'workflow_dispatch', 'pull_request', 'merge_group', 'schedule', 'local'] as const
export type EventName = (typeof eventNames)[number]

/** A change that is not merged: it is built as a check, and leaves nothing behind. */
export function isProposal({ event }: { event: EventName }): boolean {
  return event === 'pull_request' || event === 'merge_group'
}

/** It looks once more at what an environment runs (plan/rescan.ts). A schedule that builds is a release like any other. */
export function isRescan({ event, stages }: Pick<Release['plan'], 'event' | 'stages'>): boolean {
  return event === 'schedule' && !stages['build'].run
}

/** @throws LaunchwayError RECORD_INVALID when an earlier stage has not run */
export function section<Key extends 'build' | 'push' | 'deploy'>(release: Release, key: Key): NonNullable<Release[Key]> {
  const found = release[key]
  if (found === undefined) {
    throw new LaunchwayError('RECORD_INVALID', `the release record has no ${key} section`, {
      hint: `Run the ${key} stage first, with the same record.`,
    })
  }
  return found
}

/** The release with the way in which somebody wants it built; as it was planned, where nobody asks. */
export function buildingAs(release: Release, build: NonNullable<Release['plan']['build']>): Release {
  return build.noCache || build.pull ? { ...release, plan: { ...release.plan, build } } : release
}
