export { candidates } from './plan.ts'
export { build } from './run.ts'
