import { describe, expect, it } from 'vitest'
import { keepInputs, whyBuilt } from '../../src/build/why.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { inputsType } from '../../src/core/names.ts'
import type { Registries, Repository } from '../../src/core/ports.ts'
import { Status } from '../../src/core/registry-refusal.ts'
import type { PlanSection } from '../../src/core/release.ts'
import { upload } from '../../src/push/index.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { record } from './support/deploy.ts'
import { far, image, near, place, portsOf, seen, settings, take } from './support/known.ts'

const without = (stage: 'push'): PlanSection['stages'] => ({ ...record().plan.stages, [stage]: { run: false, reason: 'a proposal' } })

/** A registry whose repositories answer otherwise than those of another. */
function changed(registry: Registries, name: string, change: Partial<Repository>): Registries {
  return {
    ...registry,
    async repository(one, ...more) {
      const opened = await registry.repository(one, ...more)
      return one === name ? { ...opened, ...change } : opened
    },
  }
}

it('is taken where one repository has it and another lacks it, with what it was built of, and the upload brings it there', async () => {
  const registry = fakeRegistries()
  const { digest, mediaType } = await place(registry, far, { tags: ['main'] })
  const repository = await registry.repository(far, settings)
  const kept = Buffer.from('what it was built of')
  await repository.attach({ mediaType, digest, size: 1 }, inputsType, kept, { 'launchway.size': '5' })
  const { taken, distrusted } = await take(registry, { repositories: [near, far] })
  const is = { how: 'cached', registries: { [far]: { digest, mediaType } }, size: 5, inputs: kept.toString('base64') }
  expect([taken, distrusted]).toEqual([expect.objectContaining(is), undefined])
  const proposed = await take(registry, { repositories: [near, far] }, { event: 'pull_request', stages: without('push') })
  expect([proposed.taken?.registries, proposed.taken?.inputs]).toEqual([is.registries, undefined])

  const release = record({ plan: { ...record().plan, images: [{ ...image, repositories: [near, far] }], registries: [] } })
  if (taken === undefined) throw new Error('nothing was taken')
  const [copied] = await upload({ ...release, build: { builder: 'none', images: [taken] } }, portsOf(registry))
  expect(copied?.registries).toEqual({ [near]: { digest, mediaType }, [far]: { digest, mediaType } })
  await keepInputs(copied === undefined ? [] : [copied], release, portsOf(registry))
  const there = (await take(registry, { repositories: [near] })).taken
  expect([there?.registries, there?.size]).toEqual([{ [near]: { digest, mediaType } }, 5])
})

describe('an image in a registry that', () => {
  const rejects = (error: Error) => async (): Promise<never> => {
    throw error
  }
  const failing = (error: Error): Partial<Repository> => ({ manifest: rejects(error) })
  const refusal = new LaunchwayError('REGISTRY_DENIED', 'refused GET as u (401)', { cause: new Status(401) })
  const denied = new LaunchwayError('REGISTRY_DENIED', 'refused POST as u (401)', { cause: new Status(401) })
  const away = new LaunchwayError('REGISTRY_UNAVAILABLE', 'registry.example.org does not answer: connect ECONNREFUSED')
  const busy = new LaunchwayError('REGISTRY_UNAVAILABLE', 'answered 429', { cause: new Status(429) })
  const both = { repositories: [near, far] }

  it.each<[string, Partial<Repository>, string]>([
    ['does not answer', failing(away), 'does not answer: connect ECONNREFUSED; nothing was built'],
    [
      'refuses the login, for a push as well',
      { ...failing(refusal), tryPush: rejects(denied) },
      'refused POST as u (401); nothing was built',
    ],
  ])('%s it ends a run that would push there, before it builds, and no other', async (_, change, says) => {
    const registry = fakeRegistries()
    await place(registry, far)
    const strange = changed(registry, near, change)
    await expect(take(strange, both)).rejects.toThrow(says)
    const proposed = await take(strange, both, { event: 'pull_request', stages: without('push') })
    expect(Object.keys(proposed.taken?.registries ?? {})).toEqual([far])
  })

  it('refuses to be read until the first push, and takes that, it is what is lacking', async () => {
    const registry = fakeRegistries()
    await place(registry, far)
    expect(Object.keys((await take(changed(registry, near, failing(refusal)), both)).taken?.registries ?? {})).toEqual([far])
  })

  it('is only busy, nobody knows whether it is there', async () => {
    expect(await take(changed(fakeRegistries(), near, failing(busy)))).toEqual({ taken: undefined, distrusted: undefined, silent: [] })
  })

  it('has just not answered, nobody is asked what it was built of before', async () => {
    const strange = changed(fakeRegistries(), near, failing(away))
    const { silent } = await take(strange, {}, { stages: without('push') })
    expect(silent).toEqual(['registry.example.org'])
    expect(await whyBuilt(image, seen('1'), new Set(silent), record(), portsOf(strange))).toMatch(/registry\.example\.org did not answer/)
  })
})
