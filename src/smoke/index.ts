export { takeDownKept } from './clean.ts'
export { smoke, type Wish } from './stage.ts'
