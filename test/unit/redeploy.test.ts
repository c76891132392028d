import { describe, expect, test } from 'vitest'
import { tagsFor } from '../../src/plan/redeploy.ts'

describe('a version as somebody names it', () => {
  test.each([
    ['v1.2.3', ['v1.2.3', '1.2.3']],
    ['1.2.3', ['1.2.3']],
    ['master', ['master']],
    ['vendor', ['vendor']],
    ['4f2a9c1', ['4f2a9c1', 'sha-4f2a9c1']],
    ['4f2a9c1d00aabbccddeeff00112233445566778', ['4f2a9c1d00aabbccddeeff00112233445566778', 'sha-4f2a9c1']],
    [`sha256:${'a'.repeat(64)}`, [`sha256:${'a'.repeat(64)}`]],
  ])('%s is looked for as %j', (version, tags) => {
    expect(tagsFor(version)).toEqual(tags)
  })
})
