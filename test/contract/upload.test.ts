import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { ask, call, docker } from '../../lab/run.ts'
import { localFiles } from '../../src/adapters/files.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import type { Secret } from '../../src/core/secret.ts'
import { openPorts } from '../../src/ports.ts'
import { push, upload } from '../../src/push/index.ts'
import { fakeLog } from '../fakes/log.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { releaseOf } from './support/uploaded.ts'

const key = process.pid.toString(16).padStart(32, '0')
const path = `contract-upload-${process.pid}`
const { registry, secureRegistry } = inject('lab')
const open = `${registry.address}/${path}`
const guarded = `${secureRegistry.address}/${path}`
/** Two images of different content: ours, and what another run made under the same key. */
const images = { ours: '', theirs: '' }
const tag = keyTag(key)

/** Everything is real: docker, the registries of the lab, the configuration of a user. */
let folder: Folder
let env: Disposable
beforeAll(async () => {
  for (const name of ['ours', 'theirs'] as const) {
    const built = await call('docker', ['buildx', 'build', '--quiet', '--provenance=false', '--load', '-'], {
      stdin: `FROM scratch\nWORKDIR /${name}\n`,
    })
    images[name] = built.stdout.trim()
  }
  await docker('tag', images.ours, `${guarded}:${tag}`)
})
beforeEach(async () => {
  folder = await openFolder()
  mkdirSync(join(folder.path, 'bin'))
  mkdirSync(join(folder.path, 'docker'), { mode: 0o700 })
  env = setEnv({
    PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}`,
    DOCKER_CONFIG: join(folder.path, 'docker'),
    DOCKER_HOST: undefined,
    DOCKER_CONTEXT: undefined,
  })
})
afterEach(async () => {
  env[Symbol.dispose]()
  await folder[Symbol.asyncDispose]()
})
afterAll(async () => {
  await ask('docker', ['image', 'rm', '--force', `${open}:${tag}`, `${guarded}:${tag}`, images.ours, images.theirs])
})

/** A program of this name before all others. */
function program(name: string, body: string): void {
  writeFileSync(join(folder.path, 'bin', name), `#!/bin/sh\n${body}\n`)
  chmodSync(join(folder.path, 'bin', name), 0o755)
}

/** `docker push` with something before and after it; everything else goes to docker as it is. */
async function aroundPush({ before = ':', after = ':' }: { before?: string; after?: string }): Promise<void> {
  const real = (await call('sh', ['-c', 'command -v docker'])).stdout.trim()
  program('docker', `[ "$1" = push ] || exec ${real} "$@"\n${before}\n${real} "$@"; code=$?\n${after}\nexit $code`)
}

function read(name: string): string {
  return readFileSync(join(folder.path, name), 'utf8')
}

interface Opened {
  ports: Ports
  secrets: Secret[]
  close(this: void): void
}

function openHere(given: Record<string, string> = {}): Opened {
  const secrets: Secret[] = []
  const { close, ...ports } = openPorts({
    env: { ...process.env, RUNNER_TEMP: join(folder.path, 'temp'), ...given },
    log: fakeLog(),
    root: folder.path,
    evidence: join(folder.path, 'evidence'),
    who: 'ada@laptop',
    signal: new AbortController().signal,
    onSecret: (secret) => void secrets.push(secret),
    github: false,
  })
  return { ports, secrets, close }
}

const asLab = { REGISTRY_USERNAME: secureRegistry.username, REGISTRY_PASSWORD: secureRegistry.password }
const toGuarded = (): Release => releaseOf({ repository: guarded, key, config: images.ours, ca: secureRegistry.ca, tags: ['main'] })
const toOpen = (): Release => releaseOf({ repository: open, key, config: images.ours, tags: ['main'] })

/** What the registry has under a tag, by digest. */
async function digestOf(release: Release, name: string): Promise<string | undefined> {
  const [settings] = release.plan.registries
  const [image] = release.plan.images
  if (settings === undefined || image === undefined) throw new Error('a release without an image')
  const repository = await openHere(asLab).ports.registry.repository(image.repositories[0] ?? '', settings)
  return (await repository.resolve(name))?.digest
}

describe('an upload with a login', () => {
  it('leaves nothing in the credential store of the user', async () => {
    // What docker takes for a store that belongs to the system, and then uses without being asked.
    program('pass', 'exit 0')
    program('docker-credential-pass', `echo "$1" >> ${folder.path}/asked\n[ "$1" = list ] && echo '{}' || cat > /dev/null`)
    writeFileSync(join(folder.path, 'asked'), '')
    const { ports, close } = openHere(asLab)
    const [image] = await upload(toGuarded(), ports)
    expect(image?.registries[guarded]?.digest).toBe(await digestOf(toGuarded(), tag))
    expect(read('asked')).not.toContain('store')
    close()
  })

  it('lies in a file that only this account can read, under the name that docker looks for, and goes with the run', async () => {
    await aroundPush({
      before: `echo "$DOCKER_CONFIG" > ${folder.path}/where; stat -c %a "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json" > ${folder.path}/modes; cp "$DOCKER_CONFIG/config.json" ${folder.path}/seen`,
    })
    const { ports, close } = openHere(asLab)
    await upload(toGuarded(), ports)
    expect(read('modes')).toBe('700\n600\n')
    const auth = Buffer.from(`${secureRegistry.username}:${secureRegistry.password}`).toString('base64')
    expect(JSON.parse(read('seen'))).toEqual({ auths: { [secureRegistry.address]: { auth } } })
    close()
    expect(await localFiles('').read(join(read('where').trim(), 'config.json'))).toBeUndefined()
  })

  it.each<[string, Record<string, string>, string]>([
    ['is wrong', { ...asLab, REGISTRY_PASSWORD: 'not-the-password' }, `as ${secureRegistry.username}`],
    ['is missing', {}, 'without a login'],
  ])('that %s is refused, and says what to give', async (_, given, who) => {
    const { ports, close } = openHere(given)
    const error = await failureOf(upload(toGuarded(), ports))
    expect(error).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: `${guarded} refused a push ${who}; nothing was tagged`,
      hint: expect.stringContaining('registries: in launchway.yml'),
    })
    expect(`${error.message}${error.hint}`).not.toContain('not-the-password')
    close()
  })

  it('that docker keeps is used, and masked like one that was given', async () => {
    const auth = Buffer.from(`${secureRegistry.username}:${secureRegistry.password}`).toString('base64')
    writeFileSync(join(folder.path, 'docker', 'config.json'), JSON.stringify({ auths: { [secureRegistry.address]: { auth } } }))
    const { ports, secrets, close } = openHere()
    await upload(toGuarded(), ports)
    const masked = secrets.flatMap((secret) => secret.forms())
    expect(masked).toEqual(expect.arrayContaining([secureRegistry.password, auth]))
    close()
  })

  it.each<[string, (name: string) => Promise<Disposable>]>([
    [
      'in use',
      async (name) => {
        await docker('context', 'use', name)
        return setEnv({})
      },
    ],
    ['of DOCKER_CONTEXT', async (name) => setEnv({ DOCKER_CONTEXT: name })],
  ])('goes to the engine of the docker context %s, as the build did', async (_, choose) => {
    const socket = join(folder.path, 'engine.sock')
    const heard: string[] = []
    const server = createServer((client) => {
      const engine = connect('/var/run/docker.sock')
      client.on('data', (chunk) => heard.push(chunk.toString('latin1')))
      client.pipe(engine).pipe(client)
      for (const side of [client, engine]) side.on('error', () => client.destroy() && engine.destroy())
    })
    await new Promise<void>((ready) => server.listen(socket, ready))
    try {
      await docker('context', 'create', 'colima', '--docker', `host=unix://${socket}`)
      using _chosen = await choose('colima')
      heard.length = 0
      const { ports, close } = openHere(asLab)
      await upload(toGuarded(), ports)
      expect(heard.join('')).toMatch(new RegExp(`POST /v[\\d.]+/images/${guarded}/push`))
      close()
    } finally {
      server.close()
    }
  })
})

describe('one digest', () => {
  beforeEach(() => docker('tag', images.ours, `${open}:${tag}`))

  it('is refused where the engine has another image under the key than the one that was built', async () => {
    await docker('tag', images.theirs, `${open}:${tag}`)
    const { ports, close } = openHere()
    expect(await failureOf(upload(toOpen(), ports))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `${open}:${tag} was pushed, but it is not the image that was built`,
      hint: expect.stringContaining(images.theirs),
    })
    close()
  })

  it('is that of our push, though another run replaces the tag before it is read', async () => {
    await aroundPush({
      after: `PATH="\${PATH#*:}"; docker tag ${images.theirs} ${open}:${tag}; docker push --quiet ${open}:${tag} > /dev/null`,
    })
    const { ports, close } = openHere()
    const [image] = await upload(toOpen(), ports)
    const digest = image?.registries[open]?.digest ?? ''
    expect(await digestOf(toOpen(), tag)).not.toBe(digest)
    const repository = await ports.registry.repository(open, { host: registry.address, plainHttp: true })
    expect(JSON.parse((await repository.manifest(digest))?.body.toString() ?? '{}')).toMatchObject({ config: { digest: images.ours } })
    close()
  })

  it('is what a tag moves to, though another run has replaced the candidate since', async () => {
    const { ports, close } = openHere()
    const release = toOpen()
    const uploaded = await upload(release, ports)
    await docker('tag', images.theirs, `${open}:${tag}`)
    await docker('push', '--quiet', `${open}:${tag}`)
    const { references } = await push({ ...release, build: { builder: 'test', images: uploaded } }, ports)
    const digest = uploaded[0]?.registries[open]?.digest
    expect(references).toMatchObject([{ reference: `${open}:main`, digest }])
    expect(await digestOf(release, 'main')).toBe(digest)
    expect(await digestOf(release, tag)).not.toBe(digest)
    close()
  })

  it('that the registry has lost since is named, and no tag moves', async () => {
    const { ports, close } = openHere()
    const release = toOpen()
    const gone = `sha256:${'9'.repeat(64)}`
    const [image] = release.build?.images ?? []
    if (image === undefined) throw new Error('a release without an image')
    const lost = { ...image, registries: { [open]: { digest: gone, mediaType: 'application/vnd.oci.image.manifest.v1+json' } } }
    const before = await digestOf(release, 'main')
    expect(await failureOf(push({ ...release, build: { builder: 'test', images: [lost] } }, ports))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `${open}@${gone} was uploaded, but the registry does not have it`,
    })
    expect(await digestOf(release, 'main')).toBe(before)
    close()
  })
})
