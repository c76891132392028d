import { describe, expect, it } from 'vitest'
import { resolveAccessory } from '../../src/config/resolve-accessory.ts'
import type { Kept } from '../../src/deploy/kept.ts'
import { anewCall } from '../../src/deploy/operate/exec.ts'
import { planRemoval } from '../../src/deploy/operate/remove.ts'
import { startAgainCalls, stopCalls } from '../../src/deploy/operate/stop.ts'
import { container, digest, environment, failureIn, host, second, service } from './support/deploy.ts'

const web = service({ name: 'web', port: 5000, publish: '80' })
const target = { app: 'addie', environment: environment([web]) }
const kept: Kept = {
  version: 1,
  release: second,
  app: 'addie',
  label: 'v2',
  images: { app: `registry.example.org/addie@${digest}` },
  repositories: ['registry.example.org/addie'],
  environment: target.environment,
}

describe('an accessory', () => {
  const redis = {
    container: 'addie.production.redis',
    name: 'redis',
    state: 'running',
    status: 'Up',
    configuration: undefined,
    volumes: [],
  }
  const releases = new Map([[second, kept]])
  const seen = { host: 'a', seen: host({ current: second, containers: [container('web', second, 'b')], releases, accessories: [redis] }) }
  const configured = { ...target, environment: environment([web], { accessories: [resolveAccessory('redis', { image: 'redis:7' }, [])] }) }

  it.each<[string, () => unknown]>([
    ['stop', () => stopCalls(target, seen, 'redis')],
    ['start', () => startAgainCalls(seen, 'redis')],
    ['exec --new', () => anewCall(configured, seen, 'redis', ['sh'], 'ffff')],
  ])('is none of the services of %s, which says what there is for it', (_, plan) => {
    expect(failureIn(plan)).toMatchObject({
      code: 'USAGE',
      message: 'redis on a is an accessory, which this verb is not for: no release has it',
      hint: expect.stringMatching(/launchway logs redis, .*recreate redis\. On the host: docker restart addie\.production\.redis$/),
    })
  })

  it('is removed when it is named, and alone', () => {
    expect(planRemoval(target, seen, 'redis')).toMatchObject({
      calls: [['discard', 'redis', 'addie.production.redis', '10']],
      removal: { containers: ['addie.production.redis'], releases: [], stays: [] },
    })
  })

  it('stays when all else is removed, and is told', () => {
    const { calls, removal } = planRemoval(target, seen, undefined)
    expect(JSON.stringify(calls)).not.toContain('production.redis')
    expect(removal).toMatchObject({ stays: ['addie.production.redis'] })
  })

  it('does not hide which services there are', () => {
    expect(failureIn(() => stopCalls(target, seen, 'redsi'))).toMatchObject({ message: 'a runs no service "redsi"', hint: 'It has: web' })
  })
})
