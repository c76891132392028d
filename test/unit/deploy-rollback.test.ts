import { describe, expect, it } from 'vitest'
import { type Kept } from '../../src/deploy/kept.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { targetOf } from '../../src/deploy/version.ts'
import { container, digest, environment, failureIn, first, host, nameOf, second, service, third, wanted } from './support/deploy.ts'
import { conf, file, seen, story, web, at, serverConf } from './support/nginx.ts'

const worker = service({ name: 'worker' })
const [web1, web2] = [nameOf('web', first), nameOf('web', second)]

describe('what a rollback asks of a host', () => {
  const returning = wanted([web, worker], { release: first, isReturn: true })
  const after = seen({
    current: second,
    previous: first,
    containers: [
      container('web', first, 'a', 'exited'),
      container('worker', first, 'a', 'exited'),
      container('web', second, 'b'),
      container('worker', second, 'b'),
    ],
  })

  it('names what it rejects with the record, for whoever finishes it: that is none to return to', () => {
    const { calls } = planHost({ ...returning, takesBack: second }, after, 'x')
    const [repository] = returning.repositories
    expect(calls).toContainEqual(['record', repository, 'back', second])
    expect(calls.at(-2)).toEqual(['unrecord', second])
    expect(planHost(returning, after, 'x').calls).toContainEqual(['record', repository])
  })

  it('is to start what it has kept where it was, and to stop what ran: nothing is pulled or made', () => {
    expect(story(planHost(returning, after, 'a').calls)).toEqual([
      'begin',
      `expect ${second}`,
      'recover',
      `wake web ${web1}`,
      `watch ${web1} http://127.0.0.1:20100/healthz addie.example.org`,
      `wake worker ${nameOf('worker', first)}`,
      `watch ${nameOf('worker', first)}`,
      `site web ${file}`,
      `site web.at ${at}`,
      `site web.server ${serverConf}`,
      'load addie.example.org',
      `through ${web1} a 127.0.0.1:20100`,
      'switch a',
      `through ${web1} 127.0.0.1:20100`,
      `linger ${web1} 127.0.0.1:20100`,
      `keep ${web1}`,
      `keep ${nameOf('worker', first)}`,
      'record registry.example.org/addie',
      `unsite ${conf} /etc/nginx/launchway.d/servers ${file} ${at} ${serverConf}`,
      `retire web ${web2} 10 20101`,
      `retire worker ${nameOf('worker', second)} 10`,
      'retired',
      'finish',
    ])
  })

  it('a container that is gone is made again in the slot of the others', () => {
    const { containers } = after
    const { calls, slot } = planHost(returning, { ...after, containers: containers.filter(({ name }) => name !== web1) }, 'a')
    expect(slot).toBe('a')
    expect(story(calls).slice(3, 5)).toEqual(['pull', `create ${web1} 127.0.0.1:20100:5000`])
  })

  it('one that has secrets is made again with those that were kept, or not at all', () => {
    const secret = { ...returning, environment: { ...returning.environment, services: [{ ...web, secrets: ['KEY'] }, worker] } }
    const gone = { ...after, containers: after.containers.filter(({ name }) => name !== web1) }
    const names = planHost(secret, gone, 'a').calls.map(([name, of]) => `${name} ${of ?? ''}`)
    expect(names.indexOf('create web')).toBe(names.indexOf('has_secrets web') + 1)
    expect(planHost(secret, after, 'a').calls.map(([name]) => name)).not.toContain('has_secrets')
    expect(planHost({ ...secret, isReturn: false, release: third }, gone, 'a').calls.map(([name]) => name)).not.toContain('has_secrets')
  })

  it('disk and platform are no question any more', () => {
    const images = new Map([['app', { reference: `r/a@${digest}`, bytes: 1e15, platforms: ['linux/s390x'] }]])
    expect(() => planHost({ ...returning, images }, after, 'a')).not.toThrow()
  })
})

describe('what a rollback returns to', () => {
  const kept = (release: string): Kept => ({
    version: 1,
    release,
    app: 'addie',
    label: `v-${release.slice(-1)}`,
    images: {},
    repositories: ['r'],
    environment: environment([web]),
  })
  const releases = new Map([first, second, third].map((id) => [id, kept(id)]))
  const on = (name: string, current: string | undefined, previous: string | undefined) => ({
    host: name,
    seen: host({ current, previous, releases }),
  })

  it.each<[string, ReturnType<typeof on>[], string, string[]]>([
    ['one host', [on('x', second, first)], first, ['x']],
    ['a host that was rolled back returns to where it came from', [on('x', first, second)], second, ['x']],
    ['all hosts', [on('x', third, second), on('y', third, second)], second, ['x', 'y']],
    [
      'all that have a version, where one is new',
      [on('n', undefined, undefined), on('x', third, second), on('y', third, second)],
      second,
      ['x', 'y'],
    ],
    ['a deploy that ended after the first host', [on('x', third, second), on('y', second, first)], second, ['x']],
    ['a rollback that ended after the first host is finished', [on('x', first, second), on('y', second, first)], first, ['y']],
    [
      'a rollback, or a deploy after one, that ended in the middle of a batch: the first host tells the way',
      [on('x', first, second), on('y', second, first), on('z', first, second)],
      first,
      ['y'],
    ],
    [
      'a deploy that ended in the middle of a batch',
      [on('x', second, first), on('y', third, second), on('z', second, first)],
      second,
      ['y'],
    ],
    [
      'a deploy that ended after the first host, with another version before on the second',
      [on('x', third, second), on('y', second, undefined)],
      second,
      ['x'],
    ],
  ])('%s', (_, hosts, target, from) => {
    const found = targetOf(hosts)
    expect(found.target.release).toBe(target)
    expect(found.from.map((one) => one.host)).toEqual(from)
  })

  it.each<[string, ReturnType<typeof on>[], string]>([
    ['nothing ran before', [on('x', first, undefined)], 'there is no version before'],
    ['nothing runs', [on('x', undefined, undefined)], 'there is no version before'],
    ['two hosts have another version before', [on('x', third, second), on('y', third, first)], 'do not agree'],
    ['a second rollback, or a deploy after the first, ended between hosts', [on('x', second, first), on('y', first, second)], 'on its way'],
    ['so it is with three hosts', [on('x', second, first), on('y', first, second), on('z', second, first)], 'on its way'],
    [
      'one of those that have a version runs something else',
      [on('n', undefined, undefined), on('x', third, second), on('y', third, first)],
      'do not agree',
    ],
    ['a host runs something else', [on('x', third, second), on('y', first, undefined)], 'do not agree'],
  ])('is nothing when %s, and what is there is told', (_, hosts, why) => {
    const error = failureIn(() => targetOf(hosts))
    expect(error).toMatchObject({ code: 'VERSION_UNKNOWN', message: expect.stringContaining(why) })
    expect(error.hint).toContain('launchway redeploy VERSION')
    for (const one of hosts) expect(error.hint).toContain(`${one.host}: `)
  })
})
