import { describe, expect, it } from 'vitest'
import type { SmokeStep } from '../../src/core/gates.ts'
import type { EngineContainer } from '../../src/core/ports.ts'
import { type Failed, stepHint } from '../../src/smoke/step-hint.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { seenContainer } from './support/container.ts'

const migrate: SmokeStep = { kind: 'run', name: 'run web: migrate', service: 'web', command: ['migrate'], timeoutMs: 1 }
const seed: SmokeStep = { kind: 'exec', name: 'exec db: seed', service: 'db', command: ['seed'], timeoutMs: 1 }
const { services } = ComposeProject.parse({ services: { web: { depends_on: { db: {}, cache: {} } }, db: {}, cache: {} } })
const health = (status: string): Partial<EngineContainer> => ({ health: { status, output: '' } })
const stack = (web: Partial<EngineContainer>, db: Partial<EngineContainer> = {}): EngineContainer[] => [
  seenContainer('web', web),
  seenContainer('db', db),
  seenContainer('cache', health('healthy')),
]
const hint = (of: Partial<Failed>): string | undefined =>
  stepHint({ prepare: [migrate], steps: [], containers: stack({}), services, fates: { mustEnd: new Set(), mustRun: new Map() }, ...of })
const failed = (one: SmokeStep) => ({ prepare: [one], steps: [{ name: one.name, passed: false, ms: 1 }] })

describe('a failure', () => {
  it.each<[string, Partial<EngineContainer>]>([
    ['is unhealthy', health('unhealthy')],
    ['is not healthy yet', health('starting')],
    ['has died', { status: 'exited', exitCode: 1 }],
  ])('before the steps, where the service of one %s, says that the steps come later', (_, web) => {
    expect(hint({ containers: stack(web) })).toMatch(
      /^The steps of prepare are done when every service is up, so "run web: migrate" was not/,
    )
  })

  it.each<[string, Partial<Failed>]>([
    ['of a service without steps', { containers: stack({}, health('unhealthy')) }],
    ['of a stack without steps', { prepare: [], containers: stack(health('unhealthy')) }],
    ['after the steps', { steps: [{ name: migrate.name, passed: true, ms: 1 }], containers: stack(health('unhealthy')) }],
    ['of a step whose services all have health checks', { ...failed(migrate), containers: stack({}, health('healthy')) }],
  ])('%s says nothing of that', (_, of) => {
    expect(hint(of)).toBeUndefined()
  })

  it.each([migrate, seed])('of the step "$name" names who has no health check of those that it needs', (one) => {
    expect(hint(failed(one))).toBe(
      'db has no health check, so nobody knows whether it was ready for this step: with a healthcheck it waits for that.',
    )
  })
})
