export { takeDownKept } from './clean.ts'
export type { Wish } from './stage.ts'
export { smoke } from './variants.ts'
export { render, variableFiles } from './render.ts'
