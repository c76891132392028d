export { keepRecord } from './keep.ts'
export { push } from './run.ts'
export { upload } from './upload.ts'
export { markCurrent, markReturned } from './current.ts'
