export { push } from './run.ts'
export { upload } from './upload.ts'
