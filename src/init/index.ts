export { init, type InitOptions } from './run.ts'
export { showInitialised } from './show.ts'
