import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { ask, docker } from '../../lab/run.ts'
import type { Command } from '../../src/core/command.ts'
import { keyTag } from '../../src/core/names.ts'
import type { BuiltImage, Release } from '../../src/core/release.ts'
import { runSteps, stepsOf } from '../../src/pipeline.ts'
import { startRelease, type Trigger } from '../../src/plan/index.ts'
import { openPorts } from '../../src/ports.ts'
import { fakeLog } from '../fakes/log.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'

const { registry } = inject('lab')
const name = `${registry.address}/contract-known-${randomBytes(4).toString('hex')}`
const [app, base] = [`${name}/app`, `${name}/base`]
let folder: Folder

beforeAll(async () => {
  folder = await openFolder()
  write('launchway.yml', `image: ${app}\nbranches: { dev: {}, main: {} }\nsmoke: false\nscan: false\n`)
  write('.dockerignore', '*\n!app.txt\n')
  write('Dockerfile', `FROM ${base}:1\nCOPY app.txt /\n`)
  write('app.txt', 'one')
  await pushBase('first')
})
afterAll(async () => {
  const left = await docker('image', 'ls', '--all', '--quiet', '--filter', `reference=${name}/*`)
  await ask('docker', ['image', 'rm', '--force', ...new Set(left.split('\n').filter((id) => id !== ''))])
  await folder[Symbol.asyncDispose]()
})

function write(path: string, text: string): void {
  writeFileSync(join(folder.path, path), text)
}

/** Puts another image under the tag of the base, which this machine then has no longer. */
async function pushBase(text: string): Promise<void> {
  const context = await openFolder()
  writeFileSync(join(context.path, 'Dockerfile'), 'FROM scratch\nCOPY base.txt /\n')
  writeFileSync(join(context.path, 'base.txt'), text)
  await docker('buildx', 'build', '--quiet', '--provenance=false', '--load', '--tag', `${base}:1`, context.path)
  await docker('push', '--quiet', `${base}:1`)
  await docker('image', 'rm', '--force', `${base}:1`)
  await context[Symbol.asyncDispose]()
}

/** A release of what lies there, from its build to its tags; and what was run for it. */
async function released(
  branch: string,
  more: Partial<Trigger> = {},
  atBake: () => void = () => undefined,
): Promise<{ image: BuiltImage; release: Release; calls: string[] }> {
  const { close, ...ports } = openPorts({
    env: { ...process.env, RUNNER_TEMP: join(folder.path, 'temp') },
    log: fakeLog(),
    root: folder.path,
    evidence: join(folder.path, 'evidence'),
    who: 'ada@laptop',
    signal: new AbortController().signal,
    onSecret: () => undefined,
    github: false,
  })
  const calls: string[] = []
  const noting = (command: Command): Command => {
    calls.push([command.file, ...command.args].join(' '))
    if (command.args.includes('bake')) atBake()
    return command
  }
  const exec = {
    read: (command: Command) => ports.exec.read(noting(command)),
    run: (command: Command, options?: Parameters<typeof ports.exec.run>[1]) => ports.exec.run(noting(command), options),
  }
  const trigger: Trigger = { event: 'push', sha: 'a'.repeat(40), ref: `refs/heads/${branch}`, ...more }
  const planned = await startRelease('launchway.yml', trigger, ports)
  const { release, error } = await runSteps(stepsOf(undefined), planned, { ...ports, exec })
  close()
  if (error !== undefined) throw error
  const [image] = release.build?.images ?? []
  if (image === undefined) throw new Error('a release without an image')
  return { image, release, calls }
}

/** By tag what the registry has. */
async function digests(...tags: string[]): Promise<(string | undefined)[]> {
  const { close, registry: client } = openPorts({
    ...{ env: process.env, log: fakeLog(), root: folder.path, evidence: '', who: '', onSecret: () => undefined, github: false },
    signal: new AbortController().signal,
  })
  const repository = await client.repository(app, { host: registry.address, plainHttp: true })
  const found = await Promise.all(tags.map(async (tag) => (await repository.resolve(tag))?.digest))
  close()
  return found
}

async function textOf(path: string, image: BuiltImage): Promise<string> {
  const container = (await docker('create', `${app}:${keyTag(image.key)}`, '/none')).trim()
  const text = execFileSync('tar', ['--extract', '--to-stdout'], { input: execFileSync('docker', ['cp', `${container}:${path}`, '-']) })
  await docker('rm', container)
  return text.toString()
}

const built = (calls: readonly string[]): string[] => calls.filter((call) => /^docker (buildx bake|push|pull)/.test(call))

it('what is known is taken, from here or from another branch, and what has changed is built and says why', async () => {
  const first = await released('dev')
  expect(first.image).toMatchObject({ how: 'built', reason: 'it is the first build of dev' })
  expect(first.image.inputs).toBeUndefined()
  expect(first.image.bases).toEqual({ [`${base}:1`]: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) })

  await docker('image', 'rm', '--force', `${app}:${keyTag(first.image.key)}`)
  const again = await released('dev')
  expect(again.image).toMatchObject({ key: first.image.key, how: 'cached', config: first.image.config, registries: first.image.registries })
  expect(again.image).toMatchObject({ size: first.image.size, layers: first.image.layers })
  expect(built(again.calls)).toEqual([])

  const merged = await released('main')
  expect(merged.image).toMatchObject({ how: 'promoted', reason: 'built before as dev', registries: first.image.registries })
  expect(built(merged.calls)).toEqual([])
  const [dev, main] = await digests('dev', 'main')
  expect(main).toBe(dev)
  expect((await released('main')).image.how).toBe('cached')

  write('app.txt', 'two')
  const changed = await released('dev')
  expect(changed.image).toMatchObject({ how: 'built', reason: 'app.txt changed' })
  expect(changed.image.key).not.toBe(first.image.key)
  const kept = await digests(...[first, changed].map(({ image }) => keyTag(image.key)))
  expect(kept).not.toContain(undefined)

  await pushBase('second')
  const moved = await released('dev')
  expect(moved.image).toMatchObject({ how: 'built', reason: `the base ${base}:1 moved` })
  expect(await textOf('/base.txt', moved.image)).toBe('second')

  const rebuilt = await released('dev', { rebuild: true })
  expect(rebuilt.image).toMatchObject({ how: 'built', reason: '--rebuild asks for it', key: moved.image.key })
  expect(rebuilt.calls.find((call) => call.includes('bake'))).toContain('--no-cache')
})

it('an image that one of two repositories lacks comes from the other one, with the same digest', async () => {
  const config = readFileSync(join(folder.path, 'launchway.yml'), 'utf8')
  write('app.txt', 'in two repositories')
  const first = await released('dev')
  write('launchway.yml', config.replace(/^image: .*$/m, `images: { app: { repositories: [${name}/second, ${app}] } }`))
  const again = await released('dev')
  write('launchway.yml', config)
  const { digest } = first.image.registries[app] ?? {}
  expect(again.image).toMatchObject({ how: 'cached', registries: { [app]: { digest }, [`${name}/second`]: { digest } } })
  expect(new Set(again.release.push?.references.map((one) => one.digest))).toEqual(new Set([digest]))
  expect(built(again.calls)).toEqual([])
})

it('a proposal takes what is known, and leaves nothing behind', async () => {
  write('app.txt', 'two')
  const before = await released('main')
  const proposed = await released('', { event: 'pull_request', ref: 'refs/pull/7/merge', pullRequest: 7 })
  expect(proposed.image).toMatchObject({ how: 'cached', key: before.image.key })
  write('app.txt', 'three')
  const other = await released('', { event: 'pull_request', ref: 'refs/pull/7/merge', pullRequest: 7 })
  expect(other.image).toMatchObject({ how: 'built', registries: {} })
  expect(await digests(keyTag(other.image.key), 'pr-7')).toEqual([undefined, undefined])
})

it('a candidate of another content is not taken, and is told of', async () => {
  write('app.txt', 'four')
  const { image } = await released('dev')
  await docker('pull', '--quiet', `${app}:main`)
  await docker('tag', `${app}:main`, `${app}:${keyTag(image.key)}`)
  await docker('push', '--quiet', `${app}:${keyTag(image.key)}`)
  const after = await released('dev')
  expect(after.image.how).toBe('built')
  expect(after.image.reason).toMatch(/^the one in the registry is not to be trusted: .* is of the key [0-9a-f]{32}, as it says itself$/)
  expect(after.image.config).toEqual(image.config)
})

it('an image whose files are changed while it is built gets no key of theirs', async () => {
  write('app.txt', 'five')
  const failure = await failureOf(released('dev', {}, () => write('app.txt', 'six')))
  expect(failure).toMatchObject({ code: 'BUILD_FAILED', message: 'files of app changed while it was built' })
  write('app.txt', 'five')
  expect((await released('dev')).image.how).toBe('built')
})

it('an image that would be built on itself is refused, unless it is named by its digest', async () => {
  write('Dockerfile', `# comment\nFROM ${app}:main\nCOPY app.txt /\n`)
  const [digest] = await digests('main')
  expect(await failureOf(released('dev'))).toMatchObject({
    code: 'BUILD_FAILED',
    message: `app would be built on ${app}:main, which is what it is pushed as itself`,
    place: { file: 'Dockerfile', line: 2 },
    hint: expect.stringContaining(`FROM ${app}@${digest}`),
  })
  write('Dockerfile', `FROM ${app}@${digest}\nCOPY app.txt /\n`)
  expect((await released('dev')).image).toMatchObject({ how: 'built', reason: expect.stringContaining('Dockerfile changed') })
})

it('of several images only what is not known is built, and a name of a file is one line of the log', async () => {
  write(
    'launchway.yml',
    `images:\n  one: { context: one, repositories: [${name}/one] }\n  two: { context: two, repositories: [${name}/two] }\nbranches: { dev: {} }\nsmoke: false\nscan: false\n`,
  )
  for (const context of ['one', 'two']) {
    mkdirSync(join(folder.path, context))
    write(`${context}/Dockerfile`, 'FROM scratch\nCOPY . /\n')
  }
  const first = await released('dev')
  expect(first.release.build?.images.map(({ how }) => how)).toEqual(['built', 'built'])
  write('two/a\n::error::b', '')
  const { release, calls } = await released('dev')
  expect(release.build?.images).toMatchObject([
    { name: 'one', how: 'cached', registries: first.image.registries },
    { name: 'two', how: 'built', reason: 'a?::error::b is new' },
  ])
  expect(calls.filter((call) => call.startsWith('docker push'))).toEqual([expect.stringContaining(`${name}/two:`)])
})

it('annotations stand in the registry beside the very same image, are known again, and written where a killed run has left them out', async () => {
  const described = (text: string): void =>
    write(
      'launchway.yml',
      `images:\n  app: { context: plain, repositories: [${app}, ${name}/copy], labels: { branch: "{{branch}}" }, annotations: { org.opencontainers.image.description: ${text}, branch: "{{branch}}" } }\nbranches: { dev: {}, main: {} }\nsmoke: false\nscan: false\n`,
    )
  mkdirSync(join(folder.path, 'plain'))
  write('plain/Dockerfile', 'FROM scratch\nCOPY . /\n')
  described('A shop')
  const first = await released('dev')
  const tag = keyTag(first.image.key)
  const manifest = await manifestOf(app, tag)
  expect(manifest).toMatchObject({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: first.image.config['linux/amd64'] },
    annotations: {
      'org.opencontainers.image.title': 'app',
      'org.opencontainers.image.version': 'dev',
      'org.opencontainers.image.revision': 'a'.repeat(40),
      'org.opencontainers.image.description': 'A shop',
      branch: 'dev',
      'launchway.key': first.image.key,
    },
  })
  expect(await manifestOf(`${name}/copy`, 'dev')).toEqual(manifest)
  // What a host pulls is what was built here.
  const digest = first.image.registries[app]?.digest ?? ''
  await docker('image', 'rm', '--force', `${app}:${tag}`)
  await docker('pull', '--quiet', `${app}@${digest}`)
  expect(Object.values(first.image.config)).toContain(await configOf(`${app}@${digest}`))

  expect(await docker('inspect', '--format', '{{json .Config.Labels}}', `${app}@${digest}`)).toContain('"branch":"dev"')

  // Of another branch and commit, and yet the image that is there.
  const merged = await released('main', { sha: 'b'.repeat(40) })
  expect(merged.image).toMatchObject({ how: 'promoted', registries: first.image.registries })
  expect(built(merged.calls)).toEqual([])

  const { annotations: _lost, ...bare } = manifest
  await putManifest(app, tag, bare)
  const mended = await released('dev')
  expect(mended.image).toMatchObject({
    how: 'built',
    reason: expect.stringContaining('lacks the annotation org.opencontainers.image.description'),
    key: first.image.key,
  })
  expect(await manifestOf(app, tag)).toMatchObject({ annotations: manifest.annotations })

  described('Another shop')
  expect((await released('dev')).image).toMatchObject({ how: 'built', reason: 'the setting annotations changed' })
})

const Served = z.looseObject({ mediaType: z.string(), annotations: z.record(z.string(), z.string()).optional() })
type Served = z.infer<typeof Served>
const oci = 'application/vnd.oci.image.manifest.v1+json'

/** As anybody reads it. */
async function manifestOf(repository: string, tag: string): Promise<Served> {
  const response = await fetch(addressOf(repository, tag), { headers: { accept: oci } })
  return Served.parse(await response.json())
}

async function putManifest(repository: string, tag: string, manifest: object): Promise<void> {
  const response = await fetch(addressOf(repository, tag), {
    method: 'PUT',
    headers: { 'content-type': oci },
    body: JSON.stringify(manifest),
  })
  expect(response.status).toBe(201)
}

function addressOf(repository: string, tag: string): string {
  return `http://${registry.address}/v2/${repository.slice(registry.address.length + 1)}/manifests/${tag}`
}

/** The digest of its configuration: in an engine with the classic store its id. */
async function configOf(reference: string): Promise<string> {
  return (await docker('image', 'inspect', '--format', '{{.Id}}', reference)).trim()
}
