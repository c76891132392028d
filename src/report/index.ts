export { showRecord } from './record.ts'
export { failureSummary, rollbackSummary, summary } from './summary.ts'
