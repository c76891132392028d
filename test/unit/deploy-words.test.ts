import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { planHost, publishedPorts } from '../../src/deploy/plan.ts'
import { container, digest, environment, failureIn, first, host, nameOf, second, service, story, wanted } from './support/deploy.ts'

const web = service({ port: 5000, publish: '80' })
const worker = service({ name: 'worker', command: ['celery', 'worker'], stopTimeoutMs: 60_000 })
const [web2, worker2] = [nameOf('web', second), nameOf('worker', second)]
const after1 = (of: Partial<Observation>): Observation => host({ current: first, ...of })

describe('what a host is asked to do, in its words', () => {
  it('each image is pulled once, with a login where its registry has one, and the logins are forgotten after the last', () => {
    const logins = new Map([['registry.example.org', { username: 'ci', password: new Secret('hunter2hunter2') }]])
    const images = new Map(wanted([]).images).set('mailer', { reference: `ghcr.io/team/mailer@${digest}`, bytes: 1, platforms: [] })
    const services = [web, worker, service({ name: 'mailer', image: 'mailer' })]
    const { calls, references } = planHost(wanted(services, { images, logins }), host(), 'a')
    expect(calls.slice(3, 6)).toEqual([
      ['pull', `registry.example.org/addie@${digest}`, 'logins'],
      ['pull', `ghcr.io/team/mailer@${digest}`],
      ['forget_logins'],
    ])
    expect(references).toEqual([`registry.example.org/addie@${digest}`, `ghcr.io/team/mailer@${digest}`])
    expect(JSON.stringify(calls)).not.toContain('hunter2')
  })

  it('networks are made once, the first is joined at the start, the others before it starts, and on each the service has its name', () => {
    const { calls } = planHost(
      wanted([service({ networks: ['front', 'back'] }), service({ name: 'worker', networks: ['back'] })]),
      host(),
      'a',
    )
    expect(calls.filter(([name]) => name === 'network')).toEqual([
      ['network', 'front'],
      ['network', 'back'],
    ])
    expect(story(calls).slice(6, 10)).toEqual([`create ${web2}`, `join web back ${web2} web`, `create ${worker2}`, `start ${web2}`])
    const run: readonly string[] = calls.find(([name]) => name === 'create') ?? []
    expect(run.filter((word) => word === '--network')).toHaveLength(1)
    expect(run[run.indexOf('--network-alias') + 1]).toBe('web')
  })

  it.each<[string, Observation, 'a' | 'b']>([
    ['a on an empty host', host(), 'a'],
    ['b beside a', after1({ containers: [container('web', first, 'a')] }), 'b'],
    ['a beside b', after1({ containers: [container('web', first, 'b')] }), 'a'],
    ['its own when it is live', host({ current: second, containers: [container('web', second, 'b')] }), 'b'],
    ['a when the containers of the live release are gone', host({ current: second }), 'a'],
    ['a when only an attempt that broke off stands in b', host({ containers: [container('web', second, 'b')] }), 'a'],
  ])('a release takes the slot %s', (_, seen, slot) => {
    expect(planHost(wanted([worker]), seen, 'a').slot).toBe(slot)
  })

  it.each([
    ['80', {}, ['http', '6000', '150', '50', 'http://127.0.0.1:80/healthz', '', '']],
    ['0.0.0.0:80', {}, ['http', '6000', '150', '50', 'http://127.0.0.1:80/healthz', '', '']],
    ['10.0.0.7:8080', { status: 204 }, ['http', '6000', '150', '50', 'http://10.0.0.7:8080/healthz', '204', '']],
    ['[::]:80', {}, ['http', '6000', '150', '50', 'http://[::1]:80/healthz', '', '']],
    ['[::1]:80', { host: 'addie.example.org' }, ['http', '6000', '150', '50', 'http://[::1]:80/healthz', '', 'addie.example.org']],
  ])('a service published at %s is asked where the host itself reaches it', (publish, extra, words) => {
    const health = { kind: 'http' as const, path: '/healthz', intervalMs: 500, timeoutMs: 60_000, settleMs: 1_500, ...extra }
    const { calls } = planHost(wanted([service({ port: 5000, publish, health })]), host(), 'a')
    expect(calls.find(([name]) => name === 'watch')).toEqual(['watch', 'web', web2, ...words])
  })

  it('a service whose image is not in the record is a damaged record', () => {
    expect(failureIn(() => planHost(wanted([service({ image: 'other' })]), host(), 'a')).code).toBe('RECORD_INVALID')
  })

  it('the ports of an environment are those that its services publish', () => {
    const other = service({ name: 'b', publish: '[::1]:8080', ports: ['127.0.0.1:53:53/udp', '9000-9001:9000-9001', '7000'] })
    expect(publishedPorts(environment([web, worker, other]))).toEqual(['80', '8080', '53/udp', '9000', '9001'])
  })
})
