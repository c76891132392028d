import { describe, expect, it } from 'vitest'
import { findingsIn, plainConfig, told } from './support/doctor.ts'

const broken = 'vulnerabilities:\n  - id: CVE-1\n    until: 2027-01-31\n'
const told1 = 'error exceptions-broken .trivyignore.yaml:3:5: Trivy does not know "until"; did you mean expired_at?'

describe('what the scan will read', () => {
  it.each<[string, string, Record<string, string>, string[]]>([
    [
      'is not there',
      'scan: { ignore-file: gone.yaml, vex: [a.json, b.json] }\n',
      { 'a.json': '{}' },
      [
        'error scan-file-missing launchway.yml:1:22: there is no gone.yaml',
        'error scan-file-missing launchway.yml:1:47: there is no b.json',
      ],
    ],
    [
      'a step has to fetch',
      'scan: { kev: kev.json, rules: [{ action: fail, exploited: true }] }\n',
      {},
      ['hint scan-list-missing launchway.yml:1:14: kev.json is not here: a step before the scan has to fetch it'],
    ],
    ['has a mistake', '', { '.trivyignore.yaml': broken }, [told1]],
    ['has one in the file that does not count', '', { '.trivyignore.yaml': '', '.trivyignore': 'CVE-1 until 2027\n' }, []],
    [
      'lacks an owner where one must be said',
      'scan: { strict-exceptions: true, ignore-file: x.yaml }\n',
      { 'x.yaml': 'vulnerabilities:\n  - { id: CVE-1, expired_at: 2027-01-31, statement: x }\n' },
      ['error exceptions-broken x.yaml:2:5: the exception for CVE-1 has no owner'],
    ],
    ['is not read', 'scan: false\n', { '.trivyignore.yaml': broken }, []],
  ])('%s', async (_, scan, files, expected) => {
    const findings = await findingsIn({ 'launchway.yml': `${scan}${plainConfig}`, ...files })
    expect(findings.map(told).filter((line) => / (scan|exceptions)-/.test(line))).toEqual(expected)
  })
})
