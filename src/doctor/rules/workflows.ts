import type { Rule } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** As `init` and the workflows to copy have it, with one of the two or both still to be written. */
const unfilled = /\buses:\s*['"]?((?:OWNER\/launchway(?:\/[\w./-]*)?@\S+|[\w.-]+\/launchway(?:\/[\w./-]*)?@COMMIT)\b)/

export const workflowRules: readonly Rule<Sources>[] = [
  {
    id: 'launchway-unfilled',
    topic: 'github',
    severity: 'error',
    looks: 'workflows in which OWNER or COMMIT stands where launchway is to be named',
    why: 'GitHub cannot find an action of that name: no job of the workflow starts.',
    fix: "Put for OWNER the account that launchway's repository is under, and for COMMIT the full hash of the release that you have read: git ls-remote https://github.com/OWNER/launchway 'refs/tags/*' lists them.",
    find: ({ workflows }) =>
      [...workflows].flatMap(([file, text]) =>
        text.split(/\r?\n/).flatMap((line, index) => {
          const named = unfilled.exec(line)?.[1]
          return named === undefined ? [] : [{ where: { file, line: index + 1 }, what: `uses ${named}, which is still to be filled in` }]
        }),
      ),
  },
]
