import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ask, call, docker } from '../../lab/run.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Clock } from '../../src/core/ports.ts'
import type { BuiltImage } from '../../src/core/release.ts'
import { openPorts } from '../../src/ports.ts'
import { upload } from '../../src/push/index.ts'
import { fakeLog } from '../fakes/log.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { type Fault, openInterposer } from './support/interposer.ts'
import { releaseOf } from './support/uploaded.ts'

/**
 * Between docker and a real registry something goes wrong while the layers of an image are on their way: docker mends
 * what it can, launchway calls it again for the rest, and what is there in the end is what was built.
 */
const key = `b${process.pid.toString(16).padStart(31, '0')}`
const tag = keyTag(key)
const path = `contract-upload-faults-${process.pid}`
const { registry } = inject('lab')
const tagged = new Set<string>()

let config = ''
let folder: Folder
let env: Disposable
beforeAll(async () => {
  folder = await openFolder()
  for (const name of ['context', 'docker']) mkdirSync(join(folder.path, name), { mode: 0o700 })
  env = setEnv({ DOCKER_CONFIG: join(folder.path, 'docker') })
  await call('sh', [
    '-c',
    `head -c 300000 /dev/urandom > ${folder.path}/context/layer; head -c 1000 /dev/urandom > ${folder.path}/context/small`,
  ])
  const dockerfile = 'FROM scratch\nCOPY layer /\nCOPY small /\n'
  const build = ['buildx', 'build', '--quiet', '--provenance=false', '--load', '--file=-', join(folder.path, 'context')]
  config = (await call('docker', build, { stdin: dockerfile })).stdout.trim()
})
afterAll(async () => {
  await ask('docker', ['image', 'rm', '--force', ...tagged, config])
  env[Symbol.dispose]()
  await folder[Symbol.asyncDispose]()
})

/** Nobody here waits for the pauses between launchway's own calls; docker's between its own are as they are. */
const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms > 10_000 ? ms : 1, signal) }

interface Tried {
  /** What the registry was asked and answered with a fault, in order. */
  met: string[]
  image?: BuiltImage | undefined
  error?: Awaited<ReturnType<typeof failureOf>>
  /** Digest under the key's tag, asked without anything between. */
  there: string | undefined
}

/** Uploads to a repository that has nothing yet, through a registry that nobody has pushed to: no layer is mounted. */
async function tried(name: string, act: (label: string, met: readonly string[]) => Fault | undefined, fails = false): Promise<Tried> {
  const met: string[] = []
  await using door = await openInterposer({
    address: registry.address,
    counter: { count: 0 },
    act({ label }) {
      const fault = act(label, met)
      if (fault !== undefined) met.push(label)
      return fault
    },
  })
  const repository = `${door.address}/${path}/${name}`
  await docker('tag', config, `${repository}:${tag}`)
  tagged.add(`${repository}:${tag}`)
  const { close, ...ports } = openPorts({
    env: { ...process.env, RUNNER_TEMP: join(folder.path, 'temp') },
    ...{ log: fakeLog(), root: folder.path, evidence: join(folder.path, 'evidence'), who: 'ada@laptop' },
    ...{ signal: new AbortController().signal, onSecret: () => undefined, github: false },
  })
  const going = upload(releaseOf({ repository, key, config, tags: ['main'] }), { ...ports, clock: hurried })
  const error = fails ? await failureOf(going) : undefined
  const [image] = fails ? [] : await going
  const direct = await ports.registry.repository(`${registry.address}/${path}/${name}`, { host: registry.address, plainHttp: true })
  const there = (await direct.resolve(tag))?.digest
  close()
  return { met, image, ...(error === undefined ? {} : { error }), there }
}

const faults: [string, Fault][] = [
  ['is answered with 429', { status: 429, headers: { 'retry-after': '1' }, body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}' }],
  ['is answered with 503', { status: 503 }],
  ['is cut before the registry sees it', 'cut before'],
  ['is cut after the registry has done it', 'cut after'],
]
/** What docker asks for a layer and for the manifest. */
const requests: [string, RegExp][] = [
  ['whether a layer is there', /^HEAD .*\/blobs\//],
  ['the beginning of a layer', /^POST .*\/blobs\/uploads\//],
  ['the bytes of a layer', /^PATCH /],
  ['the end of a layer', /^PUT .*\/blobs\/uploads\//],
  ['the manifest', /^PUT .*\/manifests\//],
]

describe('the upload of an image, on whose way something goes wrong once', () => {
  // Docker waits five seconds before it sends a layer again: all wait at the same time.
  it.each(faults)('ends well, whatever request it is that %s', { timeout: 120_000 }, async (name, fault) => {
    const number = faults.findIndex(([one]) => one === name)
    const all = await Promise.all(
      requests.map(async ([what, pattern], n) => {
        const isIt = (label: string, met: readonly string[]): boolean => met.length === 0 && pattern.test(label)
        const { met, image, there } = await tried(`once-${number}-${n}`, (label, before) => (isIt(label, before) ? fault : undefined))
        const [pushed] = Object.values(image?.registries ?? {})
        return { what, met: met.length, isThere: there !== undefined && there === pushed?.digest }
      }),
    )
    expect(all).toEqual(requests.map(([what]) => ({ what, met: 1, isThere: true })))
  })
})

/** Docker tries a layer for a minute, and launchway calls docker three times: these are for LAUNCHWAY_CAMPAIGN=1. */
const long: [string, Fault, RegExp, RegExp][] = [
  ['each beginning of a layer is answered with 503', { status: 503 }, /^POST .*\/blobs\/uploads\//, /503|unavailable/i],
  ['each layer is cut', 'cut before', /^PATCH /, /EOF|reset|broken pipe/],
]

describe('the upload of an image, on whose way something is wrong for good', () => {
  it.each<[string, Fault, RegExp, RegExp]>([
    ...(process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? [] : long),
    ['each manifest is cut', 'cut before', /^PUT .*\/manifests\//, /EOF|reset|broken pipe/],
  ])('says what docker said, and nothing is tagged: %s', { timeout: 300_000 }, async (name, fault, pattern, words) => {
    const { met, error, there } = await tried(
      `always-${name.replaceAll(/\W+/g, '-')}`,
      (label) => (pattern.test(label) ? fault : undefined),
      true,
    )
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('nothing was tagged') })
    expect(error?.hint).toMatch(words)
    expect(met.length).toBeGreaterThan(1)
    expect(there).toBeUndefined()
  })
})
