import { systemClock } from '../../../src/adapters/clock.ts'
import { FileList, type InputList, inputList } from '../../../src/build/inputs.ts'
import { takeKnown } from '../../../src/build/known.ts'
import type { Ports, Registries } from '../../../src/core/ports.ts'
import type { PlannedImage, PlanSection } from '../../../src/core/release.ts'
import { fakeLog } from '../../fakes/log.ts'
import { record } from './deploy.ts'

export const key = '0f'.repeat(16)
export const [near, far] = ['registry.example.org/app', 'ghcr.io/team/app']
export const settings = { host: '', plainHttp: false }
export const type = 'application/vnd.oci.image.manifest.v1+json'
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

export interface Wish {
  label?: string
  architecture?: string
  /** What its layer holds, and how much the manifest says of it. */
  layer?: string
  says?: number
  /** Around it an index, as the containerd store makes one. */
  index?: boolean
  annotations?: Record<string, string>
  tags?: string[]
}

/** Puts an image under its key into a repository. @returns the digest of its configuration, and what the tag leads to */
export async function place(
  registry: Registries,
  at: string,
  { label = key, architecture = 'amd64', layer = 'layer', says, index = false, annotations, tags = [] }: Wish = {},
) {
  const repository = await registry.repository(at, settings)
  const labels = { 'launchway.key': label, 'org.opencontainers.image.version': 'dev' }
  const config = await repository.putBlob(json({ os: 'linux', architecture, config: { Labels: labels }, rootfs: { diff_ids: [layer] } }))
  const { mediaType, digest, size } = await repository.putBlob(Buffer.from(layer))
  const body = json({ schemaVersion: 2, config, layers: [{ mediaType, digest, size: says ?? size }], annotations })
  let put = await repository.putManifest(index ? 'x' : `launchway-${key}`, type, body)
  if (index) {
    const attestation = await repository.putManifest('y', type, json({ config, layers: [] }))
    const manifests = [
      { ...put, platform: { os: 'linux', architecture } },
      { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } },
    ]
    put = await repository.putManifest(`launchway-${key}`, 'application/vnd.oci.image.index.v1+json', json({ manifests }))
  }
  for (const tag of tags) await repository.putManifest(tag, put.mediaType, body)
  return { config: config.digest, ...put }
}

export const image: PlannedImage = {
  name: 'app',
  context: '.',
  dockerfile: 'Dockerfile',
  platforms: ['linux/amd64'],
  args: {},
  repositories: [near],
}

const inputs = { tree: '', dockerfile: 'FROM scratch', bases: {}, contexts: {} }
export const seen = (blob: string, mode = 0o644): { now: InputList } & Pick<FileList, 'seen'> => {
  const files = new FileList()
  files.add({ path: 'app.py', kind: 'file', mode, blob })
  return { now: inputList(image, inputs, files), seen: files.seen }
}
export const list = (blob: string): InputList => seen(blob).now

export function portsOf(registry: Registries): Ports {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
  return { registry, log: fakeLog(), clock: systemClock, signal: new AbortController().signal } as unknown as Ports
}

export async function take(registry: Registries, of: Partial<PlannedImage> = {}, more: Partial<PlanSection> = {}, unknown?: string) {
  const { plan } = record()
  const release = record({ plan: { ...plan, version: 'main', tags: ['main'], ...more } })
  const { taken, distrusted, silent } = await takeKnown([{ image: { ...image, ...of }, key, unknown }], release, portsOf(registry))
  return { taken: taken.get('app'), distrusted: distrusted.get('app'), silent: [...silent] }
}
