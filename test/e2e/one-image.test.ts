import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { type SecondEngine, startContainerdEngine } from '../../lab/second-engine.ts'
import { smokeLabels, smokeProject } from '../../src/core/names.ts'
import { parseRelease, type Release } from '../../src/core/release.ts'
import { clearHost, onHost } from './support/host.ts'
import { type Ended, launchway } from './support/programs.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')

/** What Trivy writes down of the image that it has looked at. */
const Report = z.object({ Metadata: z.object({ ImageID: z.string() }) })

/** A Trivy, found before the real one, that keeps a copy of each report on an image that the real one writes; what it converts is made of those. */
function keepReports(folder: string): { PATH: string } {
  const file = join(folder, 'bin/trivy')
  mkdirSync(dirname(file))
  const script = `#!/bin/sh
PATH=\${PATH#*:} trivy "$@"
code=$?
case " $* " in *' convert '*) exit $code ;; esac
while [ $# -gt 0 ]; do
  [ "$1" = --output ] && cp "$2" "${folder}/report-$$"
  shift
done
exit $code
`
  writeFileSync(file, script, { mode: 0o755 })
  return { PATH: `${dirname(file)}:${process.env['PATH']}` }
}

const Manifest = z.object({ config: z.object({ digest: z.string() }) })

/** What the engine itself says of a container: under which ID it knows the image, and of which manifest that is. */
const Container = z.object({
  Image: z.string(),
  ImageManifestDescriptor: z.object({ digest: z.string() }).optional(),
})

/**
 * What was composed, scanned, pushed and run is one and the same image: asked of each that had it, and not of the
 * record. In the classic store an image's ID is the digest of its configuration, in containerd's that of a manifest.
 */
describe.each(['classic', 'containerd'])('with an engine that keeps its images in the %s store', (store) => {
  const app = newName(`one-${store}`)
  const repositoryName = `${lab.registry.address}/${app}`
  const state = mkdtempSync(join(tmpdir(), 'launchway-state-'))
  let engine: SecondEngine | undefined
  let repository: Repository
  let ended: Ended
  let release: Release
  let composed: z.infer<typeof Container>[]
  const at = (): string[] => (engine === undefined ? [] : ['--host', engine.address])
  const docker = (...args: string[]): Promise<string> => call('docker', [...at(), ...args]).then(({ stdout }) => stdout.trim())

  /** Looks at each container of the composed stack as the engine tells of its start: it is gone when the release has ended. */
  async function watchStack(until: Promise<unknown>): Promise<z.infer<typeof Container>[]> {
    const filters = ['type=container', 'event=start', `label=${smokeLabels.project}`].flatMap((one) => ['--filter', one])
    const format = `{{.Actor.ID}} {{index .Actor.Attributes "${smokeLabels.project}"}}`
    const args = ['events', '--since', String(Math.floor(Date.now() / 1000)), ...filters, '--format', format]
    const events = spawn('docker', [...at(), ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
    void until.finally(() => events.kill())
    const seen: Promise<string>[] = []
    for await (const line of createInterface(events.stdout)) {
      const [id = '', project = ''] = line.split(' ')
      // Other stacks may be under test on this engine.
      if (project.startsWith(smokeProject(app, ''))) seen.push(docker('inspect', id).catch(() => '[]'))
    }
    return (await Promise.all(seen)).flatMap((found) => z.array(Container).parse(JSON.parse(found)))
  }

  beforeAll(async () => {
    if (store === 'containerd') {
      engine = await startContainerdEngine()
      await engine.load('python:3')
    }
    const target = { app, registry: lab.registry.address, host: sshAddress(host, 'deploy'), knownHosts: lab.knownHosts, publish: 5000 }
    const smoke = 'smoke: { checks: [{ http: "http://web:5000/", contains: one }] }\n'
    repository = await newRepository({
      ...application('one'),
      'compose.yaml': 'services: { web: { build: . } }\n',
      'launchway.yml': `${configuration(target).replace('scan: false', `scan: { fail-on: [], databases: ['${lab.vulnerabilities}'] }`)}${smoke}`,
    })
    const running = launchway(repository.folder, ['run', '--json'], {
      SSH_KEY: readFileSync(lab.key, 'utf8'),
      XDG_STATE_HOME: state,
      ...keepReports(state),
      ...(engine === undefined ? {} : { DOCKER_HOST: engine.address }),
    })
    composed = await watchStack(running)
    ended = await running
    release = parseRelease(ended.stdout, ended.stderr)
  })
  afterAll(async () => {
    repository?.remove()
    rmSync(state, { recursive: true, force: true })
    await engine?.[Symbol.asyncDispose]()
    await clearHost(host, app)
  })

  it('the release is live', () => {
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  })

  it('the registry serves, under the tag, the manifest of the configuration that was built', async () => {
    const { body, digest } = await manifest('master')
    expect(Manifest.parse(JSON.parse(body)).config.digest).toBe(built())
    expect(digest).toBe(release.build?.images[0]?.registries[repositoryName]?.digest)
  })

  it('compose ran that image', async () => {
    const [container] = composed
    expect(composed).toHaveLength(1)
    const id = store === 'classic' ? built() : await idInStore()
    expect(container?.Image).toBe(id)
    // The record names a configuration only where the engine does.
    expect(release.smoke?.services).toMatchObject([{ name: 'web', ...(store === 'classic' ? { config: built() } : {}) }])
  })

  it('Trivy scanned that image, by its own account', () => {
    const reports = readdirSync(state).filter((name) => name.startsWith('report-'))
    expect(reports).toHaveLength(1)
    const { Metadata } = Report.parse(JSON.parse(readFileSync(join(state, reports[0] ?? ''), 'utf8')))
    expect(Metadata.ImageID).toBe(built())
    expect(release.scan?.images).toMatchObject([{ config: built() }])
  })

  it('the host runs that image', async () => {
    const container = release.deploy?.hosts[0]?.services[0]?.container ?? ''
    expect(await onHost(host, 'docker', 'inspect', '--format', '{{.Image}}', container)).toBe(built())
  })

  function built(): string {
    return Object.values(release.build?.images[0]?.config ?? {})[0] ?? 'nothing was built'
  }

  /** In containerd's store an ID says nothing by itself: what it is the ID of is read out of the image as it is saved. */
  async function idInStore(): Promise<string> {
    const reference = `${repositoryName}:launchway-${release.build?.images[0]?.key}`
    const archive = join(state, 'image.tar')
    await docker('save', '--output', archive, reference)
    const index = z
      .array(z.object({ Config: z.string() }))
      .parse(JSON.parse((await call('tar', ['-xOf', archive, 'manifest.json'])).stdout))
    expect(index.map(({ Config }) => `sha256:${Config.split('/').at(-1)}`)).toEqual([built()])
    return docker('image', 'inspect', '--format', '{{.Id}}', reference)
  }

  /** As curl would fetch it. */
  async function manifest(tag: string): Promise<{ body: string; digest: string | null }> {
    const accept = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
    const response = await fetch(`http://${lab.registry.address}/v2/${app}/manifests/${tag}`, { headers: { accept } })
    return { body: await response.text(), digest: response.headers.get('docker-content-digest') }
  }
})
