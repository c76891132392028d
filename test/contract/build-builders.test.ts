import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { labLabel } from '../../lab/lab.ts'
import { tools } from '../../lab/paths.ts'
import { ask, call, docker } from '../../lab/run.ts'
import { hostImage } from '../../lab/setup/images.ts'
import { configuration, fileOf, nonce, plannedHere } from './support/built.ts'
import { openEngine } from './support/containerd.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { eventually } from './support/processes.ts'

const { name: lab } = inject('lab')
let folder: Folder
const containers: string[] = []

/** A program of its own in a container without a network; its socket stands in the folder. */
async function started(program: string, args: readonly string[], ...more: string[]): Promise<void> {
  const contained = ['--label', `${labLabel}=${lab}`, '--network', 'none', '--volume', `${folder.path}:/engine`, ...more]
  containers.push(
    await docker('run', '--detach', '--rm', '--privileged', ...contained, '--entrypoint', program, hostImage('forky'), ...args),
  )
}

beforeAll(async () => {
  folder = await openFolder()
})
afterAll(async () => {
  if (containers.length > 0) await ask('docker', ['rm', '--force', '--volumes', ...containers])
  await folder[Symbol.asyncDispose]()
})

const files = (cache: object) => ({
  'launchway.yml': configuration({ app: { target: 'app', cache }, other: { contexts: { base: 'target:app' }, dockerfile: 'Other' } }),
  Dockerfile: 'FROM scratch AS app\nCOPY text /\n',
  Other: 'FROM base\nCOPY text /more\n',
  '.dockerignore': '*\n!text\n',
  text: nonce,
})

describe('an engine with the containerd store', () => {
  it('builds, and writes caches that the next build reads', async () => {
    const host = `unix://${join(folder.path, 'docker.sock')}`
    const dockerd = ['--config-file', '/dev/null', '--feature', 'containerd-snapshotter=true', '--bridge', 'none', '--iptables=false']
    await started('dockerd', [...dockerd, '--host', 'unix:///engine/docker.sock'], '--volume', '/var/lib/docker')
    await eventually(async () => (await ask('docker', ['version'], { env: { DOCKER_HOST: host } })) !== undefined)
    using _ = setEnv({ DOCKER_HOST: host, DOCKER_CONTEXT: undefined })
    const layers = join(folder.path, 'layers')
    mkdirSync(layers)
    const here = await plannedHere(files({ from: `type=local,src=${layers}`, to: `type=local,dest=${layers}` }))
    expect(await here.ports.engine.info()).toMatchObject({ containerdStore: true })
    const [app, other] = await here.build()
    expect([fileOf(app, '/text').toString(), fileOf(other, '/more').toString()]).toEqual([nonce, nonce])
    expect([here.log.said('warning'), existsSync(join(layers, 'index.json'))]).toEqual([[], true])
    const again = await plannedHere(files({ from: `type=local,src=${layers}` }))
    await call('docker', ['buildx', 'prune', '--all', '--force'])
    await again.build()
    expect(again.lines.join('\n')).toMatch(/"cached": ?true/)
  })
})

/**
 * `go build github.com/moby/buildkit/cmd/buildkitd` in a module that requires github.com/moby/buildkit v0.25.2 makes it;
 * where nobody has, there is no such builder to test with.
 */
const buildkitd = join(tools, 'buildkitd')

async function startBuildkit(): Promise<void> {
  if (existsSync(join(folder.path, 'buildkit.sock'))) return
  const kept = ['--volume', `${buildkitd}:/buildkitd:ro`, '--volume', '/var/lib/buildkit']
  await started('/buildkitd', ['--addr', 'unix:///engine/buildkit.sock'], ...kept)
  await eventually(async () => Promise.resolve(existsSync(join(folder.path, 'buildkit.sock'))))
}

describe('a builder of its own, of a newer BuildKit', () => {
  it('builds for several platforms into an engine with the containerd store', async ({ skip }) => {
    skip(!existsSync(buildkitd), 'buildkitd is not here; this file says how to build it')
    await startBuildkit()
    await using engine = await openEngine(lab)
    using _ = setEnv({
      BUILDX_CONFIG: join(folder.path, 'several'),
      BUILDX_BUILDER: 'own',
      DOCKER_HOST: engine.host,
      DOCKER_CONTEXT: undefined,
    })
    await call('docker', ['buildx', 'create', '--name', 'own', '--driver', 'remote', `unix://${join(folder.path, 'buildkit.sock')}`])
    const platforms = ['linux/amd64', 'linux/arm64']
    const here = await plannedHere({
      ...files({}),
      'launchway.yml': configuration({ app: { platforms } }),
      Dockerfile: 'FROM scratch\nCOPY text /\n',
    })
    const [app] = await here.build()
    expect([Object.keys(app?.config ?? {}), fileOf(app, '/text').toString()]).toEqual([platforms, nonce])
    expect(here.lines.join('\n')).toContain('exporting to oci image format')
  })

  it('builds into the engine, checks the Dockerfile, and no cache that is broken fails it', async ({ skip }) => {
    skip(!existsSync(buildkitd), 'buildkitd is not here; this file says how to build it')
    await startBuildkit()
    using _ = setEnv({
      BUILDX_CONFIG: join(folder.path, 'buildx'),
      BUILDX_BUILDER: 'own',
      // A token that is none: the cache of GitHub cannot even be opened.
      ACTIONS_RUNTIME_TOKEN: 'none',
      ACTIONS_CACHE_URL: 'http://127.0.0.1:9/',
    })
    await call('docker', ['buildx', 'create', '--name', 'own', '--driver', 'remote', `unix://${join(folder.path, 'buildkit.sock')}`])
    const here = await plannedHere({ ...files({ to: 'type=gha' }), Dockerfile: 'from scratch AS App\nCOPY text /\n' })
    const [app, other] = await here.build()
    expect([fileOf(app, '/text').toString(), fileOf(other, '/more').toString()]).toEqual([nonce, nonce])
    const warnings = here.log.entries.flatMap((entry) => (entry.kind === 'warning' ? [entry] : []))
    expect(warnings.map(({ text, place }) => [text.split(':')[0] ?? '', place] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['ConsistentInstructionCasing', { file: 'Dockerfile', line: 1 }],
      ['FromAsCasing', { file: 'Dockerfile', line: 1 }],
      ['StageNameCasing', { file: 'Dockerfile', line: 1 }],
      ['the build cache fails, and no build fails with it', undefined],
    ])
  })
})
