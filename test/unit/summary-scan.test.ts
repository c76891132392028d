import { describe, expect, it } from 'vitest'
import { findingName } from '../../src/core/words.ts'
import type { Finding } from '../../src/core/release.ts'
import { summary } from '../../src/report/summary.ts'
import { digest, first, record } from './support/deploy.ts'
import { httpx, scanned, zlib } from './support/scanned.ts'

describe('the summary of a run', () => {
  it('of a scan says how many of each severity, what blocks, and what would end it', () => {
    const text = summary(record({ scan: scanned }))
    expect(text).toContain(`| vulnerabilities | critical | high | medium | low | unknown |
| --- | --- | --- | --- | --- | --- |
| app | 1 | 1 | 0 | 0 | 0 |

| blocks | severity | image | package | installed | fixed in | rule |
| --- | --- | --- | --- | --- | --- | --- |
| \`CVE-2021-41945\` | CRITICAL | app | \`httpx\` | \`0.22.0\` | \`0.23.0\` | HIGH or worse |
| \`CVE-2023-45853\` | HIGH | app | \`zlib1g\` | \`1.2\` | no fix yet | HIGH or worse |

trivy 0.71.2, database of 2026-11-20T06:00:00.000Z`)
  })

  it('of a scan says by which lists of what is exploited it was decided', () => {
    const lists = [
      { kind: 'kev' as const, path: 'kev.json', made: '2026-11-20T17:03:21.912Z', entries: 1450, digest },
      { kind: 'epss' as const, path: 'lists/epss.csv.gz', entries: 330_000, digest },
    ]
    const shown = digest.slice(0, 19)
    expect(summary(record({ scan: { ...scanned, lists } }))).toContain(
      `database of 2026-11-20T06:00:00.000Z; \`kev.json\` of 2026-11-20, 1450 vulnerabilities (\`${shown}\`); \`lists/epss.csv.gz\` of a day that it does not say, 330000 vulnerabilities (\`${shown}\`)`,
    )
  })

  it('of a scan that passed says by which rules, or that there is none', () => {
    const passed = {
      ...scanned,
      rules: [{ rule: 'CRITICAL, with a fix', action: 'fail' as const, passed: true, findings: [] }],
      verdict: 'passed' as const,
    }
    expect(summary(record({ scan: passed }))).toContain('\nNothing blocks. Rules that could: CRITICAL, with a fix.\n')
    expect(summary(record({ scan: { ...passed, rules: [] } }))).toContain('\nNo rule of the scan could block.\n')
  })

  it('of a scan that found a thousand lists fifty', () => {
    const findings = Array.from({ length: 1000 }, (_, index) => ({ ...httpx, id: `CVE-2026-${index}` }))
    const rules = [
      { rule: 'any severity', action: 'fail' as const, passed: false, findings: findings.map((one) => findingName('app', one)) },
    ]
    const text = summary(record({ scan: { ...scanned, images: [{ name: 'app', config: digest, findings }], rules } }))
    expect(text.match(/^\| `CVE-/gm)).toHaveLength(50)
    expect(text).toContain('… and 950 more that block; all are in the release record.')
  })

  const against = { environment: 'production', release: first, version: 'v1.2' }

  it('of a scan begins with what is new, mended and still there beside what runs', () => {
    const findings: Finding[] = [
      httpx,
      { ...zlib, status: 'existing' },
      { ...httpx, id: 'CVE-1', status: 'fixed' },
      { ...httpx, id: 'CVE-2', exempt: true },
    ]
    const text = summary(record({ scan: { ...scanned, against, images: [{ name: 'app', config: digest, findings }] } }))
    expect(text).toContain(`**1 new, 1 fixed, 1 still there** beside \`v1.2\` in production

|  | finding | severity | image | package | installed | fixed in |
| --- | --- | --- | --- | --- | --- | --- |
| new | \`CVE-2021-41945\` | CRITICAL | app | \`httpx\` | \`0.22.0\` | \`0.23.0\` |
| fixed | \`CVE-1\` | CRITICAL | app | \`httpx\` | \`0.22.0\` | \`0.23.0\` |

| stage |`)
    expect(text).toContain('| app | 1 | 1 | 0 | 0 | 0 |')
  })

  it('of a scan keeps what no version ends apart from vulnerabilities', () => {
    const place = { class: 'secret', id: 'stripe', severity: 'CRITICAL', package: 'image-configuration' } as const
    const key: Finding = { ...place, installed: 'STRIPE_KEY', title: 'Stripe Secret Key', status: 'new' }
    const findings = [key, httpx]
    const rules = [{ rule: 'all', action: 'fail' as const, passed: false, findings: findings.map((one) => findingName('app', one)) }]
    const text = summary(record({ scan: { ...scanned, against, images: [{ name: 'app', config: digest, findings }], rules } }))
    const what = "Stripe Secret Key, STRIPE\\_KEY in the image's configuration"
    expect(text).toContain(`|  | finding | severity | image | package | what |
| --- | --- | --- | --- | --- | --- |
| new | \`stripe\` | CRITICAL | app | \`image-configuration\` | ${what} |
`)
    expect(text).toContain(`| \`CVE-2021-41945\` | CRITICAL | app | \`httpx\` | \`0.22.0\` | \`0.23.0\` | all |

| blocks | severity | image | package | what | rule |
| --- | --- | --- | --- | --- | --- |
| \`stripe\` | CRITICAL | app | \`image-configuration\` | ${what} | all |
`)
  })

  it('of a scan tells an image apart from its base, and what another base would end', () => {
    const newer = { reference: 'python:3', digest, fixes: 3, of: 4 }
    const image = {
      name: 'app',
      config: digest,
      findings: [httpx, { ...zlib, base: true }],
      base: { reference: 'python:3', layers: 2, newer },
    }
    const text = summary(record({ scan: { ...scanned, images: [image] } }))
    expect(text).toContain('| app, its own | 1 | 0 | 0 | 0 | 0 |\n| app, of `python:3` | 0 | 1 | 0 | 0 | 0 |')
    expect(text).toContain('app: a rebuild on `python:3` of now (`sha256:dddddddddddd`) ends 3 of the 4 that come with it.')
  })

  it('of a scan shows what is only warned of, what passes and by whose word, and the files', () => {
    const aws: Finding = {
      class: 'secret',
      id: 'aws',
      severity: 'HIGH',
      package: '/k',
      installed: 'line 7',
      title: 'AWS key',
      status: 'new',
    }
    const until = '2026-12-01T00:00:00.000Z'
    const text = summary(
      record({
        scan: {
          ...scanned,
          images: [{ name: 'app', config: digest, findings: [httpx, aws] }],
          rules: [
            { rule: 'any severity in secrets', action: 'warn', passed: true, findings: [findingName('app', aws)] },
            { rule: 'CVE-2021-41945: not reachable', action: 'ignore', passed: true, findings: [findingName('app', httpx)] },
          ],
          exceptions: [
            { id: 'CVE-9', source: '.trivyignore.yaml', until, owner: 'team-web', reason: 'soon', state: 'ending', findings: ['x'] },
          ],
          reports: [{ image: 'app', kind: 'sarif', path: 'launchway-reports/app.sarif', note: 'cut' }],
          verdict: 'passed',
        },
      }),
    )
    expect(text).toContain('| app | 1 | 0 | 0 | 0 | 0 |\n| app, secrets | 0 | 1 | 0 | 0 | 0 |')
    expect(text).toContain('| warns | severity | image | package | what | rule |')
    expect(text).toContain('| `aws` | HIGH | app | `/k` | AWS key, line 7 | any severity in secrets |')
    expect(text).toContain('| CVE-2021-41945: not reachable | 1 |')
    expect(text).toContain('| `CVE-9` | 1 | 2026-12-01 | ends soon | team-web | soon | `.trivyignore.yaml` |')
    expect(text).toContain('| `launchway-reports/app.sarif` | cut |')
  })
})
