export { scan } from './run.ts'
