import { describe, expect, it } from 'vitest'
import { starters } from '../../src/init/starters.ts'
import { findingsIn, showsOnly, told } from './support/doctor.ts'

const job = (uses: string): string => `on: push\njobs:\n  release:\n    steps:\n      - uses: ${uses}\n`
const commit = 'a'.repeat(40)

async function said(files: Readonly<Record<string, string>>): Promise<string[]> {
  return (await findingsIn(files)).filter(({ rule }) => rule === 'launchway-unfilled').map(told)
}

describe('the name of launchway in workflows', () => {
  it('that is still to be filled in is found in every workflow to copy, at its line', async () => {
    const files = Object.fromEntries(starters().map(({ name, text }) => [`.github/workflows/${name}`, text]))
    const lines = Object.entries(files).flatMap(([path, text]) =>
      text.split('\n').flatMap((line, index) => (/^\s*(- )?uses: OWNER/.test(line) ? [`${path}:${index + 1}`] : [])),
    )
    expect(lines.length).toBeGreaterThan(5)
    expect((await said(files)).map((line) => line.split(' ')[2]?.replace(/:$/, '')).toSorted()).toEqual(lines.toSorted())
  })

  it.each([
    ['OWNER/launchway@COMMIT'],
    [`OWNER/launchway@${commit}`],
    ['acme/launchway@COMMIT # v1.0.0'],
    ['"OWNER/launchway/actions/deploy@COMMIT"'],
  ])('%s is found, by name', async (uses) => {
    const name = uses.replaceAll(/"| #.*/g, '')
    expect(await said({ '.github/workflows/push.yml': job(uses) })).toEqual([
      `error launchway-unfilled .github/workflows/push.yml:5: uses ${name}, which is still to be filled in`,
    ])
  })

  it.each([
    [`acme/launchway@${commit}`],
    ['acme/launchway-tools@COMMIT'],
    ['OWNER/other@COMMIT'],
    [`a/b@${commit} # OWNER/launchway@COMMIT`],
  ])('%s is not', async (uses) => {
    expect(await said({ '.github/workflows/push.yml': job(uses) })).toEqual([])
  })

  it('what is only a comment is not either', async () => {
    expect(await said({ '.github/workflows/push.yml': `${job('./x')}      # - uses: OWNER/launchway@COMMIT\n` })).toEqual([])
  })
})

describe('launchway on pull_request_target', () => {
  const steps = (more = ''): string =>
    `jobs:\n  release:\n    steps:\n      - uses: actions/checkout@v4\n${more}      - uses: acme/launchway@${commit}\n`
  const fork = '        with: { ref: "${{ github.event.pull_request.head.sha }}" }\n'
  const found = async (text: string): Promise<string[]> => {
    const findings = (await findingsIn({ '.github/workflows/pr.yml': text })).filter(({ rule }) => rule === 'pull-request-target')
    for (const { why } of findings) expect(why).toContain('secrets of the base repository')
    return findings.map((one) => told(one).replace(' pull-request-target .github/workflows/', ' '))
  }

  it.each([
    ['on: pull_request_target\n', 'error pr.yml:1:5: runs launchway on pull_request_target'],
    ['on: [push, pull_request_target]\n', 'error pr.yml:1:12: runs launchway on pull_request_target'],
    ['on:\n  pull_request_target:\n    branches: [main]\n', 'error pr.yml:2:3: runs launchway on pull_request_target'],
  ])('%j is found', async (on, expected) => {
    expect(await found(on + steps())).toEqual([expected])
    expect(await found(on + steps(fork))).toEqual([`${expected}, with what a fork has checked out`])
  })

  it('is found of the command line, and is a warning where its steps may be of another event', async () => {
    const text = `on: [push, pull_request_target]\n${steps()}`
    expect(await found(text.replace(/uses: acme.*/, 'run: npx launchway run'))).toHaveLength(1)
    expect(await found(text.replace('- uses: acme', "- if: github.event_name == 'push'\n        uses: acme"))).toEqual([
      'warning pr.yml:1:12: runs launchway on pull_request_target',
    ])
  })

  it.each([
    ['on: pull_request\n', steps(fork)],
    ['on: pull_request_target\n', steps().replace('acme/launchway@', 'acme/labeler@')],
    ['on: push # and not pull_request_target\n', steps()],
    ['on: [\n', steps()],
  ])('is not, of %j', async (on, rest) => {
    expect(showsOnly('pull-request-target', await findingsIn({ '.github/workflows/pr.yml': on + rest }))).toEqual([])
  })
})

describe('the rights of a job', () => {
  const text = ({ on = 'push', top = '', rights = '', uses = 'acme/launchway', inputs = '', when = '' }): string =>
    `on: ${on}\n${top}jobs:\n  one:\n${when}${rights}    steps:\n      - uses: ${uses}@${commit}\n${inputs === '' ? '' : `        with: { ${inputs} }\n`}`
  const found = async (said: Parameters<typeof text>[0]): Promise<string[]> =>
    showsOnly('workflow-rights', await findingsIn({ '.github/workflows/a.yml': text(said) }))

  it.each([
    ['deployments', 'deployments', 'acme/launchway/actions/deploy'],
    ['deployments', 'deployments', 'acme/launchway/actions/rollback'],
    ['comment', 'pull-requests', 'acme/launchway'],
    ['issue', 'issues', 'acme/launchway/actions/scan'],
    ['code-scanning', 'security-events', 'acme/launchway'],
  ])('%s: true needs %s: write, of %s', async (input, scope, uses) => {
    const inputs = `${input}: 'true'`
    const lacking = [`.github/workflows/a.yml:6:17: the job one may not: ${input}: true needs ${scope}: write`]
    for (const rights of ['    permissions: {}\n', '    permissions: { contents: write }\n', `    permissions: { ${scope}: read }\n`])
      expect(await found({ uses, inputs, rights })).toEqual([lacking[0]?.replace(':6:', ':7:')])
    expect(await found({ uses, inputs, top: 'permissions: read-all\n' })).toEqual([lacking[0]?.replace(':6:', ':7:')])
    // The rights of a job stand for those of its workflow, and are not added to them.
    expect(await found({ uses, inputs, top: `permissions: { ${scope}: write }\n`, rights: '    permissions: {}\n' })).toHaveLength(1)
    for (const given of [
      { rights: `    permissions: { ${scope}: write }\n` },
      { rights: '    permissions: write-all\n' },
      { top: `permissions: { ${scope}: write }\n` },
      // Nobody says: the repository decides.
      {},
    ])
      expect(await found({ uses, inputs, ...given })).toEqual([])
    expect(await found({ uses, inputs: `${input}: 'false'`, rights: '    permissions: {}\n' })).toEqual([])
    expect(await found({ uses, inputs: `${inputs}, github-token: '\${{ secrets.BOT }}'`, rights: '    permissions: {}\n' })).toEqual([])
    expect(await found({ uses: 'acme/other', inputs, rights: '    permissions: {}\n' })).toEqual([])
  })

  it('a release on GitHub gets its files from who may write contents; a job that deploys it again gives it none', async () => {
    const lacks = { on: '{ release: { types: [published] } }', rights: '    permissions: { contents: read }\n' }
    expect(await found(lacks)).toEqual([
      '.github/workflows/a.yml:6:9: the job one may not: the record and the SBOMs as files of the release needs contents: write',
    ])
    expect(await found({ ...lacks, rights: '    permissions: { contents: write }\n' })).toEqual([])
    expect(await found({ ...lacks, inputs: "redeploy: '${{ github.sha }}'" })).toEqual([])
    expect(await found({ ...lacks, on: 'push' })).toEqual([])
    expect(await found({ ...lacks, on: '[push, release]', when: "    if: github.event_name == 'push'\n" })).toEqual([])
  })

  it('are those that they need in every workflow to copy', async () => {
    const files = Object.fromEntries(starters().map(({ name, text: own }) => [`.github/workflows/${name}`, own]))
    expect(showsOnly('workflow-rights', await findingsIn(files))).toEqual([])
    const without = { '.github/workflows/rescan.yml': (files['.github/workflows/rescan.yml'] ?? '').replace(/^ *issues: write.*\n/m, '') }
    expect(showsOnly('workflow-rights', await findingsIn(without))).toEqual([expect.stringContaining('issue: true needs issues: write')])
  })

  it.each(['jobs: [1]', 'jobs: { a: x }', 'jobs: { a: { steps: [x, { uses: 1 }] } }', ': [', '- a'])(
    'of %s nobody says anything',
    async (odd) => {
      expect(showsOnly('workflow-rights', await findingsIn({ '.github/workflows/a.yml': odd }))).toEqual([])
    },
  )
})
