export { build } from './run.ts'
export { keepInputs } from './why.ts'
