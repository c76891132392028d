export { failureSummary, rollbackSummary, summary } from './summary.ts'
