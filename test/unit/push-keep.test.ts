import { describe, expect, test } from 'vitest'
import { Accessory } from '../../src/core/deployment.ts'
import { type PlanSection, parseRelease } from '../../src/core/release.ts'
import { documentOf } from '../../src/push/keep.ts'
import { digest, environment, record } from './support/deploy.ts'

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

  test('says which images of others run there, and nothing else of the environment', () => {
    const start = record()
    const accessory = { secrets: ['DB_PASSWORD'], volumes: [], networks: [], options: [], env: { MODE: 'x' }, labels: {}, stopTimeoutMs: 1 }
    const health = { timeoutMs: 1, settleMs: 1 }
    const accessories = ['db', 'copy'].map((name) => Accessory.parse({ ...accessory, name, image: `postgres:17@${digest}`, health }))
    const text = documentOf({ ...start, plan: { ...start.plan, environment: environment([], { accessories }) } }).toString()
    expect(parseRelease(text, 'the document').plan).toMatchObject({ others: [{ name: 'db', reference: `postgres:17@${digest}` }] })
    for (const word of ['DB_PASSWORD', 'MODE', 'a.example.org']) expect(text).not.toContain(word)
  })

  test('has no bases where there were none', () => {
    expect(parseRelease(documentOf(record()).toString(), 'the document').plan).not.toHaveProperty('bases')
  })
})
