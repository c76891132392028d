export { findRecord } from './lookup.ts'
export { findEnvironment, localTrigger, requireSameTree, startRedeploy, startRelease } from './run.ts'
export { showPlan } from './show.ts'
export { type Trigger, triggerOf } from './trigger.ts'
