import { describe, expect, it } from 'vitest'
import type { SmokeCheck } from '../../src/core/gates.ts'
import { reachedBy } from '../../src/smoke/run.ts'

const common = { name: 'it', service: 'web', timeoutMs: 1 }

describe('a check that has passed', () => {
  it.each<[string, SmokeCheck, string | undefined]>([
    [
      'an answer over http shows that the service works',
      { ...common, kind: 'http', scheme: 'http', port: 80, path: '/', headers: {} },
      'web',
    ],
    ['a command in its container shows it', { ...common, kind: 'exec', command: ['true'] }, 'web'],
    ['a line of its log shows it', { ...common, kind: 'log', matches: 'ready' }, 'web'],
    ['a line that was never seen shows nothing', { ...common, kind: 'log', never: 'error' }, undefined],
    ['a connection shows nothing: servers listen before their application is loaded', { ...common, kind: 'tcp', port: 80 }, undefined],
    ['a command in a container of its own shows nothing', { ...common, kind: 'run', command: ['true'] }, undefined],
  ])('%s', (_, check, service) => {
    expect(reachedBy(check)).toBe(service)
  })
})
