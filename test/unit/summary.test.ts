import { describe, expect, it } from 'vitest'
import { findingName } from '../../src/core/words.ts'
import type { Release } from '../../src/core/release.ts'
import { failureSummary, summary } from '../../src/report/summary.ts'
import { digest, environment, first, record, service } from './support/deploy.ts'
import { httpx, scanned } from './support/scanned.ts'

const built: NonNullable<Release['build']> = {
  builder: 'default',
  images: [
    {
      name: 'app',
      key: '0'.repeat(32),
      how: 'built',
      config: { 'linux/amd64': digest },
      registries: {},
      size: 12_300_000,
      layers: 3,
      ms: 4_200,
    },
  ],
}
it('says of each image where it comes from, and why', () => {
  const images = built.images.flatMap((image) => [
    { ...image, reason: 'requirements.txt changed' },
    { ...image, name: 'worker', how: 'promoted' as const, reason: 'built before as docker_dev', ms: 40 },
  ])
  const page = summary({ ...record(), build: { ...built, images } })
  expect(page).toContain('| app | built in 4.2 s: requirements.txt changed |')
  expect(page).toMatch(/\| worker \| promoted in 40 ms: built before as docker\S*dev \|/)
})

const live: Release = {
  ...record(),
  outcome: { state: 'done' },
  build: built,
  push: { references: [{ reference: 'registry.example.org/addie:master', digest }], ms: 1 },
  deploy: {
    environment: 'production',
    url: 'https://addie.example.org',
    hosts: [
      {
        host: 'deploy@a.example.org',
        slot: 'b',
        services: [{ name: 'web', container: 'c', reference: 'r', health: 'http://127.0.0.1:80/ 200', ms: 900 }],
        downtimeMs: 1_200,
        stopped: [],
        previous: first,
        ms: 5_000,
      },
    ],
    ms: 5_000,
  },
}

describe('the summary of a run', () => {
  it('that went live says where, what was written, and how long nobody served', () => {
    expect(summary(live)).toBe(`## addie master@\u200Bbbbbbbb is live in production (\`https://addie.example.org\`)

\`20261120-101500-bbbbbbb\` · \`refs/heads/master\` · \`bbbbbbb\`

| stage |  | why |
| --- | --- | --- |
| plan | done | the branch master goes to production |
| build | done | the branch master goes to production |
| smoke | – | the branch master goes to production |
| scan | – | the branch master goes to production |
| push | done | the branch master goes to production |
| deploy | done | the branch master goes to production |
| report | done | the branch master goes to production |

| image | how | size | configuration |
| --- | --- | --- | --- |
| app | built in 4.2 s | 12 MB | linux/amd64 \`sha256:dddddddddddd\` |

| reference | digest |
| --- | --- |
| \`registry.example.org/addie:master\` | \`sha256:dddddddddddd\` |

| host | service | health | time | without service |
| --- | --- | --- | --- | --- |
| \`deploy@a.example.org\` | web | \`http://127.0.0.1:80/ 200\` | 5.0 s | 1.2 s |
`)
  })

  it('that failed begins with the code and the message, and shows what was done until then', () => {
    const failed = {
      ...record(),
      build: built,
      outcome: { state: 'failed', code: 'REGISTRY_DENIED', message: 'the registry said no' } as const,
    }
    const text = summary(failed)
    expect(text).toMatch(/^## addie master@\u200Bbbbbbbb failed\n/)
    expect(text).toContain('**`REGISTRY_DENIED`**: the registry said no')
    expect(text).toContain('| build | done |')
    expect(text).toContain('| push | not done | the run ended first |')
    expect(text).not.toContain('| reference |')
  })

  it.each<[string, string | undefined, string[]]>([
    [
      'smoke',
      'smoke',
      [
        'build | done',
        'smoke | failed | the branch master',
        'scan | not done | smoke failed first',
        'push | not done | smoke failed first',
        'report | done',
      ],
    ],
    [
      'the upload',
      'upload',
      [
        'build | done',
        'smoke | not done | upload failed first',
        'push | failed | in upload; the branch master',
        'deploy | not done | upload failed first',
      ],
    ],
    [
      'a host that cannot be reached',
      'reach',
      ['build | done', 'deploy | failed | in reach; the branch master', 'push | not done | reach failed first'],
    ],
    ['somebody who ended it', undefined, ['build | done', 'smoke | not done | the run ended first']],
  ])('says of each stage what became of it, and not why it was to run: a run that failed by %s', (_, stage, rows) => {
    const failed = { state: 'failed', code: 'X', message: 'no', ...(stage === undefined ? {} : { stage }) } as const
    const text = summary({ ...record(), build: built, outcome: failed })
    for (const row of rows) expect(text).toContain(`| ${row}`)
    expect(text).not.toContain('| – |')
  })

  it('shows both gates as failed where both are', () => {
    const smoke = { project: 'p', services: [], checks: [], verdict: 'failed' as const, ms: 1 }
    const text = summary({
      ...record(),
      build: built,
      smoke,
      outcome: { state: 'failed', code: 'SCAN_BLOCKED', message: 'no', stage: 'scan' },
    })
    expect(text).toContain('| smoke | failed |')
    expect(text).toContain('| scan | failed |')
  })

  it('shows what ran in the stack, what it was asked, and what a failed check was answered', () => {
    const text = summary(
      record({
        outcome: { state: 'failed', code: 'SMOKE_CHECK_FAILED', stage: 'smoke', message: 'the check "home" failed' },
        smoke: {
          project: 'launchway-smoke-addie-1',
          services: [{ name: 'web', image: 'registry.example.org/addie:launchway-1', config: digest, state: 'healthy', ms: 1_300 }],
          steps: [{ name: 'run web: migrate', passed: true, ms: 400 }],
          checks: [
            { name: 'http://web/', passed: true, ms: 40, evidence: 'answered 200' },
            { name: 'home | <b>', passed: false, ms: 30_000, evidence: 'answered: 503\n```\n@team' },
          ],
          verdict: 'failed',
          ms: 2_000,
        },
      }),
    )
    expect(text).toContain('| smoke | failed |')
    expect(text).toContain('| web | `registry.example.org/addie:launchway-1` | `sha256:dddddddddddd` | healthy | 1.3 s |')
    expect(text).toContain('| `run web: migrate` | done | 0.4 s |')
    expect(text).toContain('| `http://web/` | passed | 40 ms |')
    expect(text).toContain('| `home \\| <b>` | failed | 30 s |')
    expect(text).toContain('````text\nanswered: 503\n```\n@team\n````')
    expect(text).not.toContain('answered 200')
  })

  it('that failed says in which step, and folds the evidence away', () => {
    const outcome = {
      state: 'failed',
      code: 'DEPLOY_ROLLED_BACK',
      stage: 'deploy',
      message: 'web: healthy failed',
      evidence: 'one\ntwo',
    } as const
    expect(summary(record({ outcome }))).toContain(`**\`DEPLOY_ROLLED_BACK\`** in deploy: web: healthy failed

<details>
<summary>Evidence, and what to do</summary>

\`\`\`text
one
two
\`\`\`

</details>

`)
  })

  it('of what failed before there was a record is small, and says the same', () => {
    const text = failureSummary('launchway plan', { code: 'CONFIG_INVALID', message: 'launchway.yml is not valid', evidence: 'line 1' })
    expect(text).toMatch(/^## launchway plan failed\n\n\*\*`CONFIG_INVALID`\*\*: launchway\.yml is not valid\n\n<details>/)
    expect(failureSummary('launchway plan', { message: 'x' })).toBe('## launchway plan failed\n\n**failed**: x\n')
  })

  it('that failed by a bug of ours has no code', () => {
    expect(summary({ ...record(), outcome: { state: 'failed', message: 'x is undefined' } })).toContain('**failed**: x is undefined')
  })

  it('with nothing to do says so, and why each stage was skipped', () => {
    const { plan } = record()
    const stages = { ...plan.stages, build: { run: false, reason: 'no rule for the branch "spike"' } }
    const text = summary({ ...record(), plan: { ...plan, stages }, outcome: { state: 'nothing-to-do' } })
    expect(text).toMatch(/^## addie: nothing to do\n/)
    expect(text).toContain('| build | skipped | no rule for the branch "spike" |')
  })

  it('without a ref, and with no time without service, says that', () => {
    const { ref: _, ...plan } = record().plan
    const hosts = live.deploy?.hosts.map((host) => ({ ...host, downtimeMs: 0 })) ?? []
    const text = summary({ ...live, plan, deploy: { environment: 'production', hosts, ms: 1 } })
    expect(text).toContain('· no ref ·')
    expect(text).toMatch(/^## addie master@\u200Bbbbbbbb is live in production\n/)
    expect(text).toContain('| none |')
  })

  it('of a version that waits, tells how and until when it can be confirmed or left', () => {
    const [host] = live.deploy?.hosts ?? []
    if (host === undefined) throw new TypeError('no host')
    const of = (waits: { until?: string } | undefined): string =>
      summary({ ...live, deploy: { environment: 'production', hosts: [{ ...host, ...(waits === undefined ? {} : { waits }) }], ms: 1 } })
    expect(of({ until: '2026-11-21T10:15:00Z' })).toContain('**It waits for a confirmation** until 2026-11-21T10:15:00Z, when')
    expect(of({})).toContain('**It waits for a confirmation**. It stays by `launchway confirm -e production`')
    expect(of({})).toContain('on GitHub, with the workflow "versions" of `launchway init`, by Actions, versions, "Run workflow"')
    expect(of(undefined)).not.toContain('waits')
  })

  it('without a url, tells the port that its hosts publish', () => {
    const { plan, deploy } = live
    const published = environment([service({ publish: '8080' }), service({ name: 'worker' })], { hosts: ['deploy@a.example.org:22', 'b'] })
    const hosts = deploy?.hosts ?? []
    const text = summary({ ...live, plan: { ...plan, environment: published }, deploy: { environment: 'production', hosts, ms: 1 } })
    expect(text).toMatch(/^## addie master@\u200Bbbbbbbb is live in production \(`a\.example\.org:8080, b:8080`\)\n/)
  })
})

describe('text of others', () => {
  it('is the same wherever it stands in a record: no HTML, no link and no mention reaches the page', () => {
    const evil = '<img src=x> [a](http://evil.example) @team | x\n\n# y'
    const { plan, deploy } = live
    const text = summary({
      ...live,
      outcome: { state: 'failed', code: 'BUILD_FAILED', message: evil, stage: evil },
      plan: {
        ...plan,
        ref: `refs/heads/${evil}`,
        version: evil,
        environment: environment([service()]),
        stages: { ...plan.stages, build: { run: true, reason: evil } },
      },
      scan: {
        ...scanned,
        images: [{ name: 'app', config: digest, findings: [{ ...httpx, id: evil, package: evil, installed: evil, fixed: evil }] }],
        rules: [
          { rule: evil, action: 'fail', passed: false, findings: [findingName('app', { id: evil, package: evil, installed: evil })] },
        ],
      },
      deploy: { environment: 'production', url: evil, hosts: deploy?.hosts.map((host) => ({ ...host, host: evil })) ?? [], ms: 1 },
    })
    const outsideCode = text.replaceAll(/`[^`]*`/g, '')
    expect(outsideCode).not.toMatch(/(?<!\\)<|(?<!\\)\[|:\/\/|@(?!\u200B)/)
    expect(text.split('\n').filter((line) => line.startsWith('#'))).toHaveLength(1)
  })
})
