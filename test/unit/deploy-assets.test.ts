import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { container, failureIn, first, host, nameOf, second, service, third, wanted } from './support/deploy.ts'
import { conf, nginx, seen, web } from './support/nginx.ts'

const assets = [
  { path: '/static', folder: '/app/static' },
  { path: '/media', folder: '/srv/m' },
]
const shop: Service = { ...web, assets }
const worker = service({ name: 'worker' })
const tools = new Set([...host().tools, 'find'])
const [web1, web2] = [nameOf('web', first), nameOf('web', second)]
const copied = (name: string): string => `assets web ${name} /static /app/static /media /srv/m`

/** What is made, kept and started, in its order. */
function made(of: Wanted, on: Observation): string[] {
  const { calls } = planHost(of, on, 'a')
  return calls.flatMap(([name, ...args]) => {
    if (name === 'assets') return [[name, ...args].join(' ')]
    return ['create', 'start', 'wake', 'switch'].includes(name) ? [`${name} ${args[name === 'switch' ? 0 : 1] ?? ''}`] : []
  })
}

describe('the files of a version', () => {
  it.each<[string, Wanted, Observation, string[]]>([
    [
      'are copied once the container is made, before anything starts or stops',
      wanted([shop, worker]),
      seen({ tools }),
      [
        `create ${web2}`,
        copied(web2),
        `create ${nameOf('worker', second)}`,
        `start ${web2}`,
        'switch a',
        `start ${nameOf('worker', second)}`,
      ],
    ],
    [
      'are copied out of a kept container where the host does not have them any more',
      wanted([shop], { release: first, isReturn: true }),
      seen({
        tools,
        current: second,
        previous: first,
        containers: [container('web', first, 'a', 'exited'), container('web', second, 'b')],
      }),
      [copied(web1), `wake ${web1}`, 'switch a'],
    ],
    [
      'are looked after as well when the version runs already',
      wanted([shop]),
      seen({ tools, current: second, containers: [container('web', second, 'b')] }),
      [copied(web2), 'switch b'],
    ],
    [
      'of a kept version that is made again go into its new slot',
      wanted([shop], { release: first, isReturn: true }),
      seen({
        tools,
        current: third,
        previous: second,
        containers: [container('web', first, 'a', 'exited'), container('web', second, 'b', 'exited'), container('web', third, 'a')],
      }),
      [`create ${web1}`, copied(web1), `start ${web1}`, 'switch b'],
    ],
    ['without the key are nothing', wanted([web]), seen(), [`create ${web2}`, `start ${web2}`, 'switch a']],
  ])('%s', (_, of, on, expected) => {
    const got = made(of, on)
    expect(got.toSorted()).toEqual(expected.toSorted())
    for (const call of expected.filter((one) => /^(assets|create)/.test(one)))
      expect(got.indexOf(call)).toBeLessThan(got.findIndex((one) => /^(start|wake|switch)/.test(one)))
  })

  it('are where nginx looks for them', () => {
    const { sites } = planHost(wanted([shop]), seen({ tools }), 'a')
    expect(sites[0]?.files[1]?.text).toContain('root /var/lib/launchway/addie/production/assets/web;')
    expect(planHost(wanted([web]), seen(), 'a').sites[0]?.files[1]?.text).not.toContain('assets')
  })

  it('need find on the host', () => {
    const error = failureIn(() => planHost(wanted([shop]), seen(), 'a'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('find is not installed') })
    expect(error.hint).toContain('findutils')
    expect(() => planHost(wanted([web]), seen(), 'a')).not.toThrow()
  })

  it.each<[string, string[], Service, boolean]>([
    ['knows types', ['/etc/nginx/mime.types'], shop, false],
    ['knows none', [], shop, true],
    ['knows none, and gives no files', [], web, false],
  ])('a warning is given where nginx %s', (_, more, of, isWarned) => {
    const { configuration } = nginx()
    const on = seen({ tools, nginx: nginx({ configuration: { ...configuration, includes: [`${conf}/*.conf`, ...more] } }) })
    const { warnings } = planHost(wanted([of]), on, 'a')
    expect(warnings.filter((one) => one.includes('include /etc/nginx/mime.types;'))).toHaveLength(isWarned ? 1 : 0)
  })
})
