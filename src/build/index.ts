export { build } from './run.ts'
