import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import type { Project } from '../../src/core/project.ts'
import { byDigest } from '../../src/core/reference.ts'
import { fixedPorts, spanOf } from '../../src/deploy/address.ts'
import { containerArgs, oneOffArgs } from '../../src/deploy/container.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { repositoriesIn } from '../../src/deploy/operate/prune.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { unfit } from '../../src/deploy/unfit.ts'
import { requireSignatures } from '../../src/deploy/verify.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'
import { busy, container, digest, environment, first, host, nameOf, second, service, story, wanted } from './support/deploy.ts'

const project: Project = {
  name: 'shop',
  pulled: { redis: `redis:7@${digest}` },
  networks: { shop_default: ['--driver', 'bridge', '--label', 'a=b'], shop_back: ['--internal'] },
  volumes: { shop_data: ['--opt', 'type=tmpfs'] },
  external: { networks: [], volumes: [], paths: [] },
}

const wish = (services: Service[], of: Partial<Project> = {}): Wanted =>
  wanted(services, { environment: environment(services, { project: { ...project, ...of } }) })

const owner = { app: 'addie', environment: 'production', release: second, slot: 'a' } as const

describe('networks and volumes of a project', () => {
  it('are made with what it says of them where they are not there, before anything is made', () => {
    const { calls } = planHost(wish([service({ networks: ['shop_default', 'shop_back', 'other'] })]), host(), 'a')
    expect(calls.filter(([name]) => name === 'network' || name === 'volume')).toEqual([
      ['network', 'shop_default', '--driver', 'bridge', '--label', 'a=b'],
      ['network', 'shop_back', '--internal'],
      ['network', 'other'],
      ['volume', 'shop_data', '--opt', 'type=tmpfs'],
    ])
    expect(story(calls).findIndex((call) => call.startsWith('volume'))).toBeLessThan(
      story(calls).findIndex((call) => call.startsWith('create')),
    )
  })

  it('know a service by its name and its further names, on each network those that it has there', () => {
    const one = service({ networks: ['shop_default', 'shop_back'], aliases: { shop_default: ['www', 'web'], shop_back: ['api', 'old'] } })
    const args = containerArgs(one, owner, 'image').join(' ')
    expect(args).toContain('--network shop_default --network-alias web --network-alias www')
    expect(planHost(wish([one]), host(), 'a').calls).toContainEqual([
      'join',
      'web',
      'shop_back',
      nameOf('web', second),
      'web',
      'api',
      'old',
    ])
  })
})

const mappings: { mapping: string; holds: ReturnType<typeof spanOf> }[] = [
  { mapping: '80:8000', holds: { address: '', first: 80, last: 80 } },
  { mapping: '127.0.0.1:80:8000', holds: { address: '127.0.0.1', first: 80, last: 80 } },
  { mapping: '[::1]:80:8000/tcp', holds: { address: '[::1]', first: 80, last: 80 } },
  { mapping: '::1:80:8000', holds: { address: '[::1]', first: 80, last: 80 } },
  { mapping: '0.0.0.0:53:53/udp', holds: { address: '', first: 53, last: 53, protocol: 'udp' } },
  { mapping: '8000-8002:8000-8002', holds: { address: '', first: 8000, last: 8002 } },
  { mapping: '8000', holds: undefined },
  { mapping: '8000-8002/udp', holds: undefined },
  { mapping: '127.0.0.1::8000', holds: undefined },
]

describe('further published ports', () => {
  it.each(mappings)('of $mapping the host gives away what the engine does not choose itself', ({ mapping, holds }) => {
    expect(spanOf(mapping)).toEqual(holds)
  })

  it('are published beside the first, and by no container of one command', () => {
    const one = service({ port: 8000, publish: '80', ports: ['443:8443', '53:53/udp'] })
    expect(containerArgs(one, owner, 'image').join(' ')).toContain('--publish 80:8000 --publish 443:8443 --publish 53:53/udp')
    expect(oneOffArgs(one, 'image', []).join(' ')).not.toContain('--publish')
    expect(fixedPorts(one).map(({ at }) => at)).toEqual(['80', '443:8443', '53:53/udp'])
  })

  const running = (publishes: string): Observation =>
    host({
      current: first,
      containers: [container('relay', first), container('worker', first)],
      busy: [{ ...busy(publishes, nameOf('relay', first)) }],
    })

  it('stop the old one of that service alone first, and the notes say which', () => {
    const relay = service({ name: 'relay', ports: ['9000-9002:9000-9002', '53:53/udp'] })
    const { calls, notes } = planHost(wish([relay, service({ name: 'worker' })]), running('9001'), 'a')
    expect(story(calls).filter((call) => /^(halt|start|watch|served|create)/.test(call))).toEqual([
      ...[`create ${nameOf('relay', second)}`, `create ${nameOf('worker', second)}`],
      ...[
        `halt relay ${nameOf('relay', first)} 10`,
        `start ${nameOf('relay', second)}`,
        `watch ${nameOf('relay', second)}`,
        'served relay',
      ],
      ...[`start ${nameOf('worker', second)}`, `watch ${nameOf('worker', second)}`],
    ])
    expect(notes).toContain('relay: the old one is stopped first, since the ports 9000-9002:9000-9002, 53:53/udp can have one holder only')
  })

  it('that the engine chooses let both versions run at once', () => {
    const { notes } = planHost(wish([service({ name: 'relay', ports: ['9000'] })]), running('9001'), 'a')
    expect(notes).toEqual([
      'relay: started beside the old one, which is stopped afterwards',
      'worker: no longer in the configuration, stopped',
    ])
  })

  const strangers: { case: string; ports: string[]; held: Parameters<typeof busy>; protocol?: string; lack: string | undefined }[] = [
    {
      case: 'in the middle of a range',
      ports: ['9000-9002:9000-9002'],
      held: ['9001', 'blog'],
      lack: 'port 9000-9002:9000-9002 is held by the container blog',
    },
    { case: 'of the other protocol', ports: ['53:53/udp'], held: ['53', 'dns'], lack: undefined },
    { case: 'of UDP', ports: ['53:53/udp'], held: ['53'], protocol: 'udp', lack: 'port 53:53/udp is held by a program of the host' },
    { case: 'at another address', ports: ['127.0.0.1:53:53'], held: ['10.0.0.7:53', 'dns'], lack: undefined },
  ]
  it.each(strangers)('held by a stranger $case: $lack', ({ ports: wantedPorts, held, protocol, lack }) => {
    const seen = host({ busy: [{ ...busy(...held), ...(protocol === undefined ? {} : { protocol }) }] })
    expect(unfit(wish([service({ ports: wantedPorts })]), seen).map(({ what }) => what)).toEqual(lack === undefined ? [] : [lack])
  })
})

describe('an image that is not built here', () => {
  it('is known to the engine by its digest alone', () => {
    expect(byDigest(`ghcr.io/team/redis:7@${digest}`)).toBe(`ghcr.io/team/redis@${digest}`)
    expect(byDigest('localhost:5000/redis:7')).toBe('localhost:5000/redis:7')
  })

  it('is not asked for a signature, and one that is built here is', async () => {
    const images = new Map([['redis', { reference: `redis@${digest}`, bytes: 0, platforms: [], isPulled: true as const }]])
    const verify = { kind: 'key' as const, keys: [] }
    await expect(
      requireSignatures({ environment: { name: 'production', verify }, images }, [], localPorts(temporaryFolder()).ports),
    ).resolves.toBeUndefined()
  })

  it('has no repository that pruning may clear of everything else', () => {
    const one = { ...environment([service()]), project }
    const kept = { version: 1 as const, release: first, app: 'addie', label: 'one', repositories: ['r'] as [string], environment: one }
    const images = { app: `registry.example.org/addie@${digest}`, redis: `redis@${digest}` }
    expect([...repositoriesIn({ releases: new Map([[first, { ...kept, images }]]) })]).toEqual(['registry.example.org/addie'])
  })
})
