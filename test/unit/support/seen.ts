import type { PlanSection } from '../../../src/core/release.ts'

/** What a user sees of a plan: does it build, move which tags, go where, and why. */
export function seen({ tags, environment, stages }: PlanSection) {
  const { build, push, deploy } = stages
  return {
    builds: build.run,
    tags: push.run ? tags : [],
    goesTo: deploy.run ? environment?.name : undefined,
    why: (deploy.run ? build : deploy).reason,
  }
}
