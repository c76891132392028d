export { showRecord } from './record.ts'
export { forgetPage, keepPage, page } from './page.ts'
export { tell, tellNoLook } from './notices.ts'
export { confirmSummary, failureSummary, proposalSummary, rollbackSummary, summary } from './summary.ts'
