export { announced } from './announce.ts'
export { deploy } from './run.ts'
export { showStatus, status } from './status.ts'
