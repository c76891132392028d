import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ask, call, docker } from '../../lab/run.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Clock, Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { openPorts } from '../../src/ports.ts'
import { upload } from '../../src/push/index.ts'
import { type FakeLog, fakeLog } from '../fakes/log.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { openOwnRegistry } from './support/own-registry.ts'
import { releaseOf } from './support/uploaded.ts'

const key = `a${process.pid.toString(16).padStart(31, '0')}`
const tag = keyTag(key)
const path = `contract-registries-${process.pid}`
const { registry, secureRegistry } = inject('lab')
const plain = [`${registry.address}/${path}/one`, `${registry.address}/${path}/two`]
const guarded = `${secureRegistry.address}/${path}/three`
const tagged = new Set<string>()

/** An image with a layer that does not fit into a few megabytes. */
let config = ''
let real = ''
let folder: Folder
let env: Disposable
beforeAll(async () => {
  folder = await openFolder()
  real = (await call('sh', ['-c', 'command -v docker'])).stdout.trim()
  for (const name of ['context', 'docker', 'bin']) mkdirSync(join(folder.path, name), { mode: 0o700 })
  env = setEnv({ DOCKER_CONFIG: join(folder.path, 'docker'), PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}` })
  await call('sh', ['-c', `head -c 9000000 /dev/urandom > ${folder.path}/context/layer`])
  writeFileSync(join(folder.path, 'context', 'Dockerfile'), 'FROM scratch\nCOPY layer /\n')
  const build = ['buildx', 'build', '--quiet', '--provenance=false', '--load', join(folder.path, 'context')]
  config = (await call('docker', build)).stdout.trim()
})
afterAll(async () => {
  await ask('docker', ['image', 'rm', '--force', ...tagged, config])
  env[Symbol.dispose]()
  await folder[Symbol.asyncDispose]()
})

function open(clock: Clock = systemClock): { ports: Ports; log: FakeLog; close: () => void } {
  const log = fakeLog()
  const { close, ...ports } = openPorts({
    env: { ...process.env, RUNNER_TEMP: join(folder.path, 'temp'), LAB: secureRegistry.password },
    ...{ log, root: folder.path, evidence: join(folder.path, 'evidence'), who: 'ada@laptop' },
    ...{ signal: new AbortController().signal, onSecret: () => undefined, github: false },
  })
  return { ports: { ...ports, clock }, log, close }
}

async function releaseTo(...repositories: string[]): Promise<Release> {
  for (const repository of repositories) {
    await docker('tag', config, `${repository}:${tag}`)
    tagged.add(`${repository}:${tag}`)
  }
  const release = releaseOf({ repository: repositories[0] ?? '', key, config, tags: ['main'] })
  const [image] = release.plan.images
  if (image === undefined) throw new Error('a release without an image')
  const secure = {
    host: secureRegistry.address,
    ca: secureRegistry.ca,
    username: secureRegistry.username,
    password: 'LAB',
    plainHttp: false,
  }
  const registries = [...release.plan.registries.filter(({ host }) => host !== secure.host), secure]
  return { ...release, plan: { ...release.plan, images: [{ ...image, repositories }], registries } }
}

/** `docker` with a push of our own, and everything else as it is. */
function dockerPush(body: string): Disposable {
  const file = join(folder.path, 'bin', 'docker')
  writeFileSync(file, `#!/bin/sh\n[ "$1" = push ] || exec ${real} "$@"\n${body}\nexec ${real} "$@"\n`)
  chmodSync(file, 0o755)
  return { [Symbol.dispose]: () => rmSync(file) }
}

describe('an upload to several registries', () => {
  it('sends an image to each registry once, and what goes to a second repository of one is mounted there with the same digest', async () => {
    const { ports, log, close } = open()
    const [image] = await upload(await releaseTo(...plain, guarded), ports)
    const digests = [...plain, guarded].map((repository) => image?.registries[repository]?.digest)
    expect(new Set(digests).size).toBe(1)
    const copied = log.said('line').filter((line) => line.includes('copied from'))
    expect(copied).toEqual([expect.stringMatching(new RegExp(`^${plain[1]}@sha256:.* copied from ${plain[0]}, .*MB mounted`))])
    const repository = await ports.registry.repository(plain[1] ?? '', { host: registry.address, plainHttp: true })
    expect((await repository.resolve(tag))?.digest).toBe(digests[0])
    close()
  })

  it('sends the first of several images alone, and the others at once, each line of docker with the name of its image', async () => {
    const names = ['first', 'second', 'third']
    // Each of the others waits until all of them are on their way.
    using _ = dockerPush(`name=\${2%:*} name=\${name##*/}
      echo "begin $name" >> ${folder.path}/order
      if [ "$name" != first ]; then
        touch ${folder.path}/on-its-way-$name
        for i in $(seq 200); do [ -e ${folder.path}/on-its-way-second ] && [ -e ${folder.path}/on-its-way-third ] && break; sleep 0.1; done
        [ "$i" -lt 200 ] || { echo 'denied: it waits for others' >&2; exit 1; }
      fi
      ${real} "$@"; code=$?
      echo "end $name" >> ${folder.path}/order
      exit $code`)
    const { ports, log, close } = open()
    const release = await releaseTo(...names.map((name) => `${registry.address}/${path}/several/${name}`))
    const [image, built] = [release.plan.images[0], release.build?.images[0]]
    if (image === undefined || built === undefined) throw new Error('a release without an image')
    const images = names.map((name, index) => ({ ...image, name, repositories: [image.repositories[index] ?? ''] as [string] }))
    const uploaded = await upload(
      { ...release, plan: { ...release.plan, images }, build: { builder: 'test', images: names.map((name) => ({ ...built, name })) } },
      ports,
    )
    expect(uploaded.map(({ name, registries }) => [name, Object.keys(registries)])).toEqual(
      images.map((one) => [one.name, one.repositories]),
    )
    const order = readFileSync(join(folder.path, 'order'), 'utf8').trim().split('\n')
    expect(order.slice(0, 2)).toEqual(['begin first', 'end first'])
    expect(order.slice(2, 4).toSorted()).toEqual(['begin second', 'begin third'])
    expect(log.said('debug').filter((line) => !/^(first|second|third): /.test(line))).toEqual([])
    close()
  })

  it('is tried again where docker gives up at once of what passes, and not of a refusal', async () => {
    using _ = dockerPush(
      `n=$(cat ${folder.path}/tries 2> /dev/null || echo 0); echo $((n + 1)) > ${folder.path}/tries
      [ "$n" -ge 2 ] || { echo 'toomanyrequests: slow down' >&2; exit 1; }`,
    )
    const slept: number[] = []
    const hurried: Clock = {
      ...systemClock,
      sleep: async (ms, signal) => (ms > 10_000 ? systemClock.sleep(ms, signal) : void slept.push(ms)),
    }
    const { ports, log, close } = open(hurried)
    const [image] = await upload(await releaseTo(plain[0] ?? ''), ports)
    expect(image?.registries[plain[0] ?? '']).toBeDefined()
    expect(slept).toEqual([2000, 8000])
    expect(log.said('line')).toContainEqual(`${plain[0]}: toomanyrequests: slow down; tried again in 2 s`)
    close()
  })

  it('that hangs is ended after its time, and tells meanwhile that it still goes on', async () => {
    using _ = dockerPush('echo "0123456789ab: Preparing"; exec sleep 600')
    const isToldTwice = (): boolean => log.said('line').filter((line) => line.includes('of 1 layers are there')).length >= 2
    const hurried: Clock = {
      ...systemClock,
      // The upload's whole time passes once somebody has been told twice.
      async sleep(ms, signal) {
        if (ms === 30_000) return systemClock.sleep(isToldTwice() ? 600_000 : 20, signal)
        while (!isToldTwice()) await systemClock.sleep(20, signal)
      },
    }
    const { ports, log, close } = open(hurried)
    expect(await failureOf(upload(await releaseTo(plain[0] ?? ''), ports))).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: `app was not at ${plain[0]} within 10 minutes`,
    })
    expect(isToldTwice()).toBe(true)
    close()
  })

  it('to a registry whose disk is full says so as soon as docker has to send a layer again', async () => {
    await using own = await openOwnRegistry({ tmpfs: '4m' })
    const { ports, close } = open()
    const error = await failureOf(upload(await releaseTo(`${own.address}/${path}`), ports))
    expect(error).toMatchObject({
      code: 'REGISTRY_FULL',
      message: `app could not be pushed to ${own.address}/${path}: the registry has no room left; nothing was tagged`,
      hint: expect.stringContaining('launchway prune --registry'),
    })
    close()
  })

  it('to a registry that is gone says what docker said, and that nothing was tagged', async () => {
    const own = await openOwnRegistry({})
    const release = await releaseTo(`${own.address}/${path}`)
    await own[Symbol.asyncDispose]()
    const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms > 10_000 ? ms : 1, signal) }
    const { ports, close } = open(hurried)
    const registry = ociRegistries(hurried, async () => undefined)
    expect(await failureOf(upload(release, { ...ports, registry }))).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: `app could not be pushed to ${own.address}/${path}; nothing was tagged`,
      hint: expect.stringMatching(/connection refused[^]*ECONNREFUSED/),
    })
    close()
  })
})
