import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { tell } from '../../lab/github/client.ts'
import { type LabGitHub, startLabGitHub } from '../../lab/github/server.ts'
import { releaseAssets } from '../../src/adapters/github-assets.ts'
import type { Release } from '../../src/core/release.ts'
import { Secret } from '../../src/core/secret.ts'
import { attachAssets } from '../../src/push/index.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'
import { releaseOf } from './support/uploaded.ts'

/** The files of a release, with GitHub's client against the lab's GitHub. */

const token = 'ghs_contract'
const repository = 'registry.example.org/team/app'

async function open(): Promise<LabGitHub> {
  const lab = await startLabGitHub({ token })
  onTestFinished(() => lab.close())
  await api(lab, 'POST', 'releases', { tag_name: 'v1.4.2' })
  return lab
}

async function api(lab: LabGitHub, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${lab.url}/repos/team/app/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, accept: 'application/octet-stream', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return JSON.parse(await response.text())
}

const Assets = z.object({ assets: z.array(z.object({ id: z.number(), name: z.string(), content_type: z.string() })) })

/** A release that GitHub's event has set off, with an SBOM beside its image. */
async function opened(lab: LabGitHub) {
  const { ports, warnings } = localPorts(temporaryFolder())
  const registry = fakeRegistries()
  const image = await registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
  const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${'1'.repeat(64)}`, size: 1 }
  const { digest } = await image.attach(subject, 'application/spdx+json', Buffer.from('{"spdxVersion":"SPDX-2.3"}'))
  const release = releaseOf({ repository, key: '0'.repeat(32), config: subject.digest, tags: ['1.4.2'] })
  const item = { image: 'app', subject: subject.digest, kind: 'spdx', digest, added: false } as const
  const published: Release = {
    ...release,
    plan: { ...release.plan, event: 'release', ref: 'refs/tags/v1.4.2' },
    evidence: { items: [repository, 'elsewhere.example.org/app'].map((name) => ({ ...item, repository: name })), ms: 1 },
  }
  const assets = releaseAssets({ repository: 'team/app', token: new Secret(token), apiUrl: lab.url })
  return { ports: { ...ports, registry, assets }, warnings, published }
}

describe('a release on GitHub', () => {
  it('gets the record and the SBOM, and of a run that is repeated the newer ones', async () => {
    const lab = await open()
    const { ports, warnings, published } = await opened(lab)
    await attachAssets(published, ports)
    await attachAssets({ ...published, id: '20261121-111500-4f2a9c1' }, ports)
    const { assets } = Assets.parse(await api(lab, 'GET', 'releases/tags/v1.4.2'))
    expect(assets.map(({ name, content_type: type }) => [name, type])).toEqual([
      ['launchway-release.json', 'application/json'],
      ['app.spdx.json', 'application/spdx+json'],
    ])
    expect(await api(lab, 'GET', `releases/assets/${assets[0]?.id}`)).toMatchObject({ id: '20261121-111500-4f2a9c1', app: 'app' })
    expect(await api(lab, 'GET', `releases/assets/${assets[1]?.id}`)).toEqual({ spdxVersion: 'SPDX-2.3' })
    expect(warnings).toEqual([])
  })

  it('goes without them where the job may not write there, and the warning says what to permit', async () => {
    const lab = await open()
    const { ports, warnings, published } = await opened(lab)
    await tell(lab, 'permissions', { contents: 'read' })
    await attachAssets(published, ports)
    expect(warnings.join()).toMatch(
      /^GitHub refused to attach launchway-release\.json to the release v1\.4\.2: .*\nGive the job this right:\n {2}permissions:\n {4}contents: write$/,
    )
  })

  it('is left alone by every other event', async () => {
    const lab = await open()
    const { ports, published } = await opened(lab)
    await attachAssets({ ...published, plan: { ...published.plan, event: 'push' } }, ports)
    expect(Assets.parse(await api(lab, 'GET', 'releases/tags/v1.4.2')).assets).toEqual([])
  })
})
