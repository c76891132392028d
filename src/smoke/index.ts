export { smoke } from './run.ts'
