import type { Rule } from '../finding.ts'
import type { Sources } from '../sources.ts'

export const scanRules: readonly Rule<Sources>[] = [
  {
    id: 'scan-file-missing',
    topic: 'configuration',
    severity: 'error',
    looks: 'an ignore file and VEX documents that launchway.yml names and that are not there',
    why: 'The scan stops, after everything was built.',
    fix: 'Create the file, or take the key out; a path begins at the root of the repository.',
    find: ({ scan: { missing } }) => missing.map(({ file, where }) => ({ where, what: `there is no ${file}` })),
  },
  {
    id: 'scan-list-missing',
    topic: 'configuration',
    severity: 'hint',
    looks: 'lists of what is exploited (scan.kev, scan.epss) that are not here',
    why: 'A step has to fetch them before each scan, which stops without them.',
    fix: 'Nothing where a step does; docs/guide/scan.md#what-is-exploited has its lines.',
    find: ({ scan: { unfetched } }) =>
      unfetched.map(({ file, where }) => ({ where, what: `${file} is not here: a step before the scan has to fetch it` })),
  },
  {
    id: 'exceptions-broken',
    topic: 'configuration',
    severity: 'error',
    looks: 'mistakes in the list of exceptions, `.trivyignore.yaml` or `.trivyignore`',
    why: 'Trivy would overlook what it does not know, so the scan refuses the file, after everything was built.',
    fix: 'Write it as docs/guide/scan.md#exceptions has it.',
    find: ({ scan: { broken } }) =>
      broken === undefined ? [] : [{ where: broken.where, what: broken.what, ...(broken.fix === undefined ? {} : { fix: broken.fix }) }],
  },
]
