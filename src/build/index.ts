export { build } from './run.ts'
export { readIgnore } from './context.ts'
export { keepInputs } from './why.ts'
