import { describe, expect, it } from 'vitest'
import { bakeDefinition } from '../../src/build/plan.ts'
import { solve } from '../../src/build/solve.ts'
import type { PlannedBase, PlannedImage } from '../../src/core/planned-image.ts'
import type { PlanSection } from '../../src/core/release.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeExec } from '../fakes/exec.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { record } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

type Cache = PlannedImage['cache']
const base: PlannedBase = { name: 'below', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {} }
const image: PlannedImage = { ...base, name: 'app', contexts: { base: 'target:below' }, repositories: ['a/b'] }
const withCache = <Image extends PlannedBase>(of: Image, cache: Cache): Image => (cache === undefined ? of : { ...of, cache })
const { plan } = record()

it('what is only built on reads its cache, and writes none', () => {
  const below = withCache(base, { from: ['type=gha'], to: ['type=gha,mode=max', 'type=inline'] })
  const target = bakeDefinition([image], new Map(), plan, { bases: [below] }).target['below']
  expect([target?.['cache-from'], target?.['cache-to']]).toEqual([['type=gha'], undefined])
  expect(bakeDefinition([image], new Map(), plan, { bases: [below], cached: false }).target['below']).not.toHaveProperty(['cache-from'])
})

/** What is said of a build that fails, and how often it was tried. */
async function failing(
  caches: { app?: Cache; below?: Cache },
  section: PlanSection,
  driver: string,
): Promise<{ warnings: string[]; tries: number }> {
  const { ports, warnings } = localPorts(temporaryFolder())
  const exec = fakeExec({ 'docker buildx bake': { code: 1, stderr: 'ERROR: failed to configure registry cache importer: no such host\n' } })
  const of = { keys: new Map<string, string>(), pins: new Map<string, Record<string, string>>(), plan: section, driver, metadataFile: 'm' }
  const images = { images: [withCache(image, caches.app)], bases: [withCache(base, caches.below)] }
  await expect(solve({ ...of, ...images }, { ...ports, exec, engine: fakeEngine(), registry: fakeRegistries() })).rejects.toMatchObject({
    code: 'BUILD_FAILED',
  })
  return { warnings, tries: exec.calls.length }
}

const proposal: PlanSection = { ...plan, event: 'pull_request' }
const [read, write] = [
  { from: ['type=gha'], to: [] },
  { from: [], to: ['type=registry,ref=a/b:c'] },
]

describe('a cache', () => {
  it.each<[string, { app?: Cache; below?: Cache }, PlanSection, string, number]>([
    ['that an image reads is left away when the build fails at it', { app: read }, plan, 'docker', 2],
    ['that what it is built on reads is, too', { below: read }, plan, 'docker', 2],
    ['that an image writes is, too', { app: write }, plan, 'docker-container', 2],
    ['that nobody has is not', {}, plan, 'docker-container', 1],
    ['that this builder cannot write is not', { app: write }, plan, 'docker', 1],
    ['that what it is built on would write is not', { below: write }, plan, 'docker-container', 1],
    ['that a proposal does not write is not', { app: write }, proposal, 'docker-container', 1],
  ])('%s', async (_, caches, section, driver, tries) => {
    expect((await failing(caches, section, driver)).tries).toBe(tries)
  })

  it.each<[string, { app?: Cache; below?: Cache }, PlanSection, string[]]>([
    ['is said to be left out where this builder cannot write it', { app: write }, plan, ['cache.to is left out']],
    ['is not, where it is that of something that is only built on', { below: write }, plan, []],
    ['is not, where a proposal would not write it anyway', { app: write }, proposal, []],
  ])('%s', async (_, caches, section, said) => {
    const { warnings } = await failing(caches, section, 'docker')
    expect(warnings.filter((text) => text.startsWith('cache.to')).map((text) => text.slice(0, 20))).toEqual(said)
  })
})
