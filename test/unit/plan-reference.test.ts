import { describe, expect, it } from 'vitest'
import { parseReference } from '../../src/plan/lookup.ts'

describe('what is asked for by its tag or digest', () => {
  it.each([
    ['ghcr.io/team/app:v1', { repository: 'ghcr.io/team/app', version: 'v1' }],
    ['127.0.0.1:5000/app', { repository: '127.0.0.1:5000/app', version: 'latest' }],
    ['ghcr.io/team/app:v1@sha256:0', { repository: 'ghcr.io/team/app', version: 'sha256:0' }],
    ['team/app@sha256:0', { repository: 'team/app', version: 'sha256:0' }],
    ['v1.2', undefined],
    ['sha256:0', undefined],
  ])('%s names %j', (reference, named) => expect(parseReference(reference)).toEqual(named))
})
