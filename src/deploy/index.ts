export { announced } from './announce.ts'
export { type Returned, rollback } from './rollback.ts'
export { deploy, requiredSecrets } from './run.ts'
export { showStatus, status } from './status.ts'
