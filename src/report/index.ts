export { failureSummary, summary } from './summary.ts'
