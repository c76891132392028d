export { showRecord } from './record.ts'
export { tell } from './notices.ts'
export { confirmSummary, failureSummary, rollbackSummary, summary } from './summary.ts'
