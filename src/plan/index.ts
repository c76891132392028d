export { findRecord } from './lookup.ts'
export { findEnvironment, findRepositories, localTrigger, requireSameTree, startRedeploy, startRelease } from './run.ts'
export { showPlan } from './show.ts'
export { type Trigger, triggerOf } from './trigger.ts'
