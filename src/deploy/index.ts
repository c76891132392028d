export { announced } from './announce.ts'
export { deploy, requiredSecrets } from './run.ts'
export { showStatus, status } from './status.ts'
