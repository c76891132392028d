import { describe, expect, it } from 'vitest'
import { failureOf } from '../../src/deploy/failure.ts'
import { parseObservation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { container, digest, first, host, nameOf, second, service, third, wanted } from './support/deploy.ts'

const worker = service({ name: 'worker' })
const running = host({ current: first, containers: [container('worker', first)] })
const nameIs = (calls: readonly (readonly string[])[], name: string) => calls.filter(([one]) => one === name)
describe('the command before the switch', () => {
  const step = { service: 'web', command: ['flask', 'db', 'upgrade'], timeoutMs: 90_000 }
  const migrated = service({
    port: 5000,
    publish: '80',
    env: { A: 'b' },
    secrets: ['KEY'],
    volumes: ['data:/data'],
    networks: ['front', 'back', 'far'],
    user: '7',
    entrypoint: ['/tini', '--'],
    options: ['--init'],
  })

  it('comes after the pull and before the first container is stopped or started', () => {
    const { calls } = planHost(
      wanted([migrated], { beforeSwitch: [step] }),
      host({ current: first, containers: [container('web', first)] }),
      'a',
    )
    const order = calls.map(([name]) => name)
    expect(order.slice(order.indexOf('pull'), order.indexOf('start') + 1)).toEqual([
      'pull',
      'network',
      'network',
      'network',
      'before_switch',
      'create',
      'join',
      'join',
      'halt',
      'start',
    ])
  })

  it('has what the service is made with, but no port, no health check and no label by which it would be the service', () => {
    const { calls } = planHost(wanted([migrated], { beforeSwitch: [step, step] }), running, 'a')
    const [[, ...call] = [], [, , name] = []] = nameIs(calls, 'before_switch')
    expect(call.slice(0, 4)).toEqual(['web', `${nameOf('web', second)}.before-switch-1`, '90', 'back far'])
    expect(name).toBe(`${nameOf('web', second)}.before-switch-2`)
    const args = call.slice(4).join(' ')
    for (const part of [
      '--env A=b',
      '--env KEY',
      '--volume data:/data',
      '--network front',
      '--user 7',
      '--init',
      '--no-healthcheck',
      '--entrypoint /tini',
    ])
      expect(args).toContain(part)
    expect(args).toMatch(new RegExp(`registry.example.org/addie@${digest} -- flask db upgrade$`))
    expect(args).not.toContain('--publish')
    expect(call.lastIndexOf('launchway.service=')).toBeGreaterThan(call.lastIndexOf('launchway.service=web'))
  })

  it.each([
    [
      'a rollback',
      { isReturn: true, release: first },
      host({ current: second, containers: [container('worker', first), container('worker', second)] }),
    ],
    ['a release that is live', {}, host({ current: second, containers: [container('worker', second)] })],
  ])('is not run for %s', (_, of, seen) => {
    const { calls } = planHost(wanted([worker], { ...of, beforeSwitch: [{ ...step, service: 'worker' }] }), seen, 'a')
    expect(nameIs(calls, 'before_switch')).toEqual([])
  })

  it('that fails is an error of its own', () => {
    const line = { v: 1, at: 1, release: second, attempt: '0f' } as const
    const error = failureOf(
      'a',
      [
        { ...line, step: 'before-switch', state: 'failed', service: 'web', note: 'it ended with exit code 1\nno table' },
        { ...line, step: 'end', state: 'undone' },
      ],
      first,
    )
    expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED', hint: 'it ended with exit code 1\nno table' })
  })

  it.each([
    ['an older version that is put live again', first, second, true],
    ['a newer one, which a job of its own deploys', second, first, false],
    ['the first on its host', first, undefined, false],
  ])('names the way out where it is of %s', (_, redeploys, before, isTold) => {
    const line = { v: 1, at: 1, release: third, attempt: '0f' } as const
    const failed = { ...line, step: 'before-switch', state: 'failed', service: 'web', note: "Can't locate revision" }
    const { hint } = failureOf('a', [failed, { ...line, step: 'end', state: 'undone' }], before, redeploys)
    expect(hint?.includes('launchway redeploy VERSION --without-before-switch')).toBe(isTold)
  })
})

describe('a container that does a task', () => {
  it('is none of the service’s to those who look', () => {
    const text = ['container\ta.before-switch-1\t\t20261120-101500-bbbbbbb\ta\trunning\tUp', 'seen\tyes'].join('\n')
    expect(parseObservation('a', text).containers).toEqual([])
  })
})
