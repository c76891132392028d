import type { findRecord as find } from './lookup.ts'

export { showFindings } from './step/index.ts'
export { findEnvironment, findRepositories, findStep, requireSameTree, startRedeploy, startRelease, warnOfChanges } from './run.ts'
export { localTrigger } from './local.ts'
export { rescanOf } from './rescanned.ts'
export { showPlan } from './show.ts'
export { supposedTrigger } from './supposed.ts'
export { type Trigger, triggerOf } from './trigger.ts'

/** It checks records, whose schema takes longer to set up than a plan takes, which makes one. @see find */
export const findRecord: typeof find = async (...asked) => (await import('./lookup.ts')).findRecord(...asked)
