export { build } from './run.ts'
export { type Ignores, readIgnore } from './context.ts'
