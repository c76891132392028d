export { watchSize } from './run.ts'
