export { doctor } from './run.ts'
export { showReport } from './show.ts'
