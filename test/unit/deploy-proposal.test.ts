import { describe, expect, it } from 'vitest'
import { type Proposal, proposalTitle, showProposal } from '../../src/deploy/proposal.ts'
import { proposalSummary } from '../../src/report/index.ts'

const of = (...hosts: Proposal['hosts']): Proposal => ({
  environment: 'production',
  release: '20261121-101500-4f2a9c1',
  version: 'v1',
  hosts,
})
const moves = { host: 'a', runs: 'v2 (20261122-101500-5f2a9c1)', changes: true, notes: ['web: starts', 'worker: starts'] }
const stays = { host: 'b', changes: false, notes: ['nothing runs here: the next deploy brings it in'] }

describe('what a move would come to, in words', () => {
  it.each([
    ['rollback', of(moves, stays), 'shop would go back to v1 in production'],
    ['abort', of(moves), 'shop would go back to v1 in production'],
    ['confirm', of(moves), 'shop v1 would be confirmed in production'],
    ['rollback', of(stays), 'shop v1 runs in production already: nothing would be done'],
    ['confirm', of(stays), 'shop v1 is confirmed in production already: nothing would be done'],
  ] as const)('%s', (how, proposal, title) => {
    expect(proposalTitle('shop', how, proposal)).toBe(title)
  })

  it('names each host, what runs there, and what it would do', () => {
    expect(showProposal('shop would go back', of(moves, stays)).split('\n')).toEqual([
      'shop would go back',
      '  a: runs v2 (20261122-101500-5f2a9c1)',
      '    web: starts',
      '    worker: starts',
      '  b: runs nothing',
      '    nothing runs here: the next deploy brings it in',
      'Nothing was changed.',
      '',
    ])
  })

  it('as the summary of a job, in which nothing that a host says is markup', () => {
    expect(proposalSummary('shop would go back', [{ ...moves, notes: ['web: starts', '<b>|'] }, stays])).toBe(
      `## shop would go back

| host | runs |  |
| --- | --- | --- |
| \`a\` | v2 (20261122-101500-5f2a9c1) | web: starts<br>\\<b\\>\\| |
| \`b\` | nothing | nothing runs here: the next deploy brings it in |

A dry run: nothing was changed.
`,
    )
  })
})
