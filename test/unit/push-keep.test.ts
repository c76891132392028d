import { describe, expect, test } from 'vitest'
import { type PlanSection, parseRelease } from '../../src/core/release.ts'
import { documentOf } from '../../src/push/keep.ts'
import { record } from './support/deploy.ts'

const base = { name: 'base', context: '.', dockerfile: 'Dockerfile', platforms: [], args: { LEVEL: '1' } }
const from: Pick<PlanSection['images'][number], 'secrets' | 'ssh'> = {
  secrets: [
    { id: 'pip', env: 'INDEX_TOKEN' },
    { id: 'netrc', file: 'ops/netrc' },
  ],
  ssh: [{ id: 'default', key: 'DEPLOY_KEY' }],
}

describe('the record that lies beside an image', () => {
  test('says of its images what they were built of, and not where secrets come from', () => {
    const start = record()
    const plan: PlanSection = {
      ...start.plan,
      images: [{ ...base, ...from, name: 'app', repositories: ['registry.example.org/team/app'] }],
      bases: [{ ...base, ...from }],
    }
    const text = documentOf({ ...start, plan }).toString()
    expect(parseRelease(text, 'the document').plan).toMatchObject({
      images: [{ name: 'app', args: { LEVEL: '1' } }],
      bases: [{ name: 'base', args: { LEVEL: '1' } }],
    })
    for (const word of ['secrets', 'ssh', 'INDEX_TOKEN', 'ops/netrc', 'DEPLOY_KEY']) expect(text).not.toContain(word)
  })

  test('has no bases where there were none', () => {
    expect(parseRelease(documentOf(record()).toString(), 'the document').plan).not.toHaveProperty('bases')
  })
})
