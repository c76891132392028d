import { describe, expect, it } from 'vitest'
import type { Environment, Service } from '../../src/core/deployment.ts'
import { parseObservation } from '../../src/deploy/observation.ts'
import { planHost, refuseBeforehand } from '../../src/deploy/plan.ts'
import { parseKept } from '../../src/deploy/kept.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { leftUnnamed } from '../../src/deploy/volume-lacks.ts'
import { container, environment, failureIn, first, host, project, service, wanted } from './support/deploy.ts'

describe('data in a volume that nobody has named', () => {
  const name = 'e'.repeat(64)
  const written = { ...container('web', first), unnamed: [{ name, path: '/data' }] }

  function said(now: Service[], of: Partial<Environment> = {}, more: Partial<Wanted> = {}, was: Partial<Service> = {}): string[] {
    const environmentThen = environment([service(was)])
    const kept = { version: 1, release: first, app: 'addie', label: 'one', images: {}, repositories: ['r'], environment: environmentThen }
    const seen = host({ current: first, containers: [written], releases: new Map([[first, parseKept(JSON.stringify(kept))]]) })
    return leftUnnamed(wanted([], { environment: environment(now, of), ...more }), seen).map(({ what, hint }) => `${what} / ${hint}`)
  }

  it('would be left behind by the next container, with the lines that keep it', () => {
    expect(said([service()])).toEqual([
      'what web has written to /data would be left behind: its image says VOLUME there, no volume has a name, and each container begins with a new one' +
        ` / it stays on the host, and nobody sees it. To keep it, on the host: docker run --rm -v ${name}:/from:ro -v addie-production-web-data:/to busybox cp -a /from/. /to;` +
        ' then volumes: ["addie-production-web-data:/data"] for web, and leave-behind: [/data] in the environment until that is live;' +
        ` or without a copy: volumes: ["${name}:/data"]; where nobody needs it: leave-behind: [/data]`,
    ])
    // Another host has another one.
    expect(said([service()], { hosts: ['a', 'b'] })[0]).not.toContain('without a copy')
    expect(said([service()], { project: project() })[0]).toContain('with `name: addie-production-web-data` in the compose file')
    expect(said([service({ name: 'other' })])).toHaveLength(1)
    expect(said([service({ volumes: ['new:/data'] })])).toHaveLength(1)
  })

  it.each<[string, ...Parameters<typeof said>]>([
    ['it is mounted by its own name', [service({ volumes: [`${name}:/data`] })]],
    ['it had that name before: that is asked elsewhere', [service()], {}, {}, { volumes: [`${name}:/data`] }],
    ['it is left on purpose, by its path', [service()], { leaveBehind: ['/data'] }],
    ['or by its name', [service()], { leaveBehind: [name] }],
    ['a rollback goes back', [service()], {}, { isReturn: true }],
    ['the same release goes on', [service()], {}, { release: first }],
    ['it ran once', [service()], {}, {}, { once: true }],
    ['what runs is not known', []],
  ])('is not where %s', (_, ...of) => {
    expect(said(...of)).toEqual([])
  })

  it('refuses the deploy, also beforehand, but for what a project leaves running', () => {
    const kept = {
      ...{ version: 1, release: first, app: 'addie', label: 'one', images: {}, repositories: ['r'] },
      environment: environment([service()]),
    }
    const seen = host({ current: first, containers: [written], releases: new Map([[first, parseKept(JSON.stringify(kept))]]) })
    const of = (more: Partial<Environment> = {}): Wanted => wanted([], { environment: environment([service()], more) })
    expect(failureIn(() => planHost(of(), seen, 'a'))).toMatchObject({ code: 'HOST_UNFIT' })
    expect(failureIn(() => refuseBeforehand(of(), seen, 'a'))).toMatchObject({ code: 'HOST_UNFIT' })
    const projects = { project: project() }
    refuseBeforehand(of(projects), seen, 'a')
    expect(failureIn(() => planHost(of(projects), seen, 'a'))).toMatchObject({ code: 'HOST_UNFIT' })
    expect(planHost({ ...of(projects), unchanged: new Set([written.name]) }, seen, 'a').left).toEqual(new Map([['web', first]]))
  })

  it('is read from what observe.sh prints', () => {
    const lines = [`container\t${written.name}\tweb\t${first}\ta\trunning\tUp`, `unnamed\t${written.name}\t${name}\t/data`, 'seen\tyes']
    expect(parseObservation('a', lines.join('\n')).containers).toMatchObject([{ unnamed: [{ name, path: '/data' }] }])
  })
})
