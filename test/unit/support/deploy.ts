import type { Environment, Service } from '../../../src/core/deployment.ts'
import { LaunchwayError } from '../../../src/core/error.ts'
import { containerName, type Slot } from '../../../src/core/names.ts'
import { byKey } from '../../../src/core/objects.ts'
import type { Project } from '../../../src/core/project.ts'
import type { Release } from '../../../src/core/release.ts'
import { stageNames } from '../../../src/core/stages.ts'
import { parsePublish } from '../../../src/deploy/address.ts'
import type { HostCall } from '../../../src/deploy/call.ts'
import type { Busy, Observation, SeenContainer } from '../../../src/deploy/observation.ts'
import type { SeenData } from '../../../src/deploy/seen-data.ts'
import type { Wanted } from '../../../src/deploy/wanted.ts'

/** Three releases of one application, in the order in which they were planned. */
export const [first, second, third] = ['20261119-101500-aaaaaaa', '20261120-101500-bbbbbbb', '20261121-101500-ccccccc']
export const digest = `sha256:${'d'.repeat(64)}`

export function service(of: Partial<Service> = {}): Service {
  return {
    name: 'web',
    image: 'app',
    health: { kind: 'container', timeoutMs: 60_000, settleMs: 1_000 },
    env: {},
    secrets: [],
    volumes: [],
    networks: [],
    capAdd: [],
    capDrop: [],
    groupAdd: [],
    privileged: false,
    devices: [],
    stopTimeoutMs: 10_000,
    labels: {},
    options: [],
    restart: 'unless-stopped',
    envFiles: [],
    overlap: true,
    ...of,
  }
}

export function environment(services: Service[], of: Partial<Environment> = {}): Environment {
  return {
    name: 'production',
    hosts: ['deploy@a.example.org'],
    ssh: { key: 'SSH_KEY', connectTimeoutMs: 10_000 },
    stateRoot: '/var/lib/launchway',
    keep: 5,
    services,
    accessories: [],
    ...of,
  }
}

export function wanted(services: Service[], of: Partial<Wanted> = {}): Wanted {
  return {
    app: 'addie',
    release: second,
    isReturn: false,
    environment: environment(services),
    images: new Map([['app', { reference: `registry.example.org/addie@${digest}`, bytes: 100e6, platforms: ['linux/amd64'] }]]),
    repositories: ['registry.example.org/addie'],
    logins: new Map(),
    ...of,
  }
}

/** A host on which nothing is missing and nothing runs. */
export function host(of: Partial<Observation> = {}): Observation {
  return {
    tools: new Set(['docker', 'flock', 'setsid', 'awk', 'curl']),
    engine: { version: '26.1.5', platform: 'linux/amd64' },
    engineSaid: '26.1.5 linux/amd64',
    as: 'user',
    root: undefined,
    current: undefined,
    maintenance: undefined,
    previous: undefined,
    isInterrupted: false,
    owner: undefined,
    lockedBy: undefined,
    containers: [],
    accessories: [],
    busy: [],
    detach: 'setsid',
    freeBytes: 50e9,
    ports: new Map(),
    releases: new Map(),
    nginx: undefined,
    ...of,
  }
}

/** What a host has that must not be spoiled: nothing, and room for all. */
export function data(of: Partial<SeenData> = {}): SeenData {
  return { holders: [], images: new Set(), stateBytes: 50e9, keepsAllLogs: false, ...of }
}

/** A port that is taken. @param at `port` or `address:port` @param holder a container; without it, something else */
export function busy(at: string, holder = ''): Busy {
  return { ...parsePublish(at), holder }
}

export function nameOf(name: string, release: string): string {
  return containerName({ app: 'addie', environment: 'production', service: name, release })
}

export function container(name: string, release: string, slot: Slot = 'a', state = 'running'): SeenContainer {
  return { name: nameOf(name, release), service: name, release, slot, state, status: 'Up 3 minutes' }
}

export function record(of: Partial<Release> = {}): Release {
  return {
    version: 1,
    id: second,
    app: 'addie',
    created: '2026-11-20T10:15:00Z',
    outcome: { state: 'running' },
    plan: {
      event: 'push',
      ref: 'refs/heads/master',
      sha: 'bbbbbbb'.padEnd(40, '0'),
      version: 'master',
      images: [
        { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['registry.example.org/addie'] },
      ],
      tags: ['master'],
      registries: [],
      stages: byKey(stageNames, () => ({ run: true, reason: 'the branch master goes to production' })),
    },
    ...of,
  }
}

/** The LaunchwayError that a call throws; anything else, or none, fails the test. */
export function failureIn(call: () => unknown): LaunchwayError {
  try {
    call()
  } catch (error) {
    if (error instanceof LaunchwayError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The calls as a reader of the journal would tell them: the name of each, and what it is about. */
export function story(calls: readonly HostCall[]): string[] {
  return calls.map(([name, ...args]) => {
    if (name === 'create' || name === 'start') return `${name} ${args[1] ?? ''}`
    if (name === 'keep' || name === 'served') return `${name} ${args[0] ?? ''}`
    if (name === 'halt') return `halt ${args.slice(0, 3).join(' ')}`
    if (name === 'watch') return `watch ${args[1] ?? ''}`
    if (name === 'pull') return 'pull'
    return [name, ...args].join(' ').trim()
  })
}

export const project = (of: Partial<Project['external']> = {}): Project => ({
  name: 'shop',
  pulled: {},
  networks: {},
  volumes: {},
  external: { networks: [], volumes: [], paths: [], ...of },
})
