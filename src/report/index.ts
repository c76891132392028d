export { showRecord } from './record.ts'
export { confirmSummary, failureSummary, rollbackSummary, summary } from './summary.ts'
