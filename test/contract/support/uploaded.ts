import { byKey } from '../../../src/core/objects.ts'
import type { Release } from '../../../src/core/release.ts'
import { stageNames } from '../../../src/core/stages.ts'

interface Wish {
  repository: string
  key: string
  /** Digest of the configuration of the image that was built. */
  config: string
  ca?: string
  tags: string[]
}

/** A release whose one image was built, and is in the engine under its key. */
export function releaseOf({ repository, key, config, ca, tags }: Wish): Release {
  const host = repository.slice(0, repository.indexOf('/'))
  const settings = ca === undefined ? { host, plainHttp: true } : { host, ca, plainHttp: false, generalLogin: [host] }
  return {
    version: 1,
    id: '20261121-101500-4f2a9c1',
    app: 'app',
    created: '2026-11-21T10:15:00Z',
    outcome: { state: 'running' },
    plan: {
      event: 'local',
      sha: '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234',
      version: 'main',
      images: [{ name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository] }],
      tags,
      registries: [settings],
      stages: byKey(stageNames, () => ({ run: true, reason: 'asked for' })),
    },
    build: {
      builder: 'test',
      images: [{ name: 'app', key, how: 'built', config: { 'linux/amd64': config }, registries: {}, size: 0, layers: 1, ms: 0 }],
    },
  }
}
