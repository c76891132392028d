import { describe, expect, test } from 'vitest'
import type { BuiltImage, PlanSection } from '../../src/core/release.ts'
import { plan } from '../../src/plan/plan.ts'
import { planMoves } from '../../src/push/plan.ts'
import { configOf } from './support/config.ts'

const config = configOf(`
images:
  web: { repositories: [ghcr.io/team/web, docker.io/team/web] }
  worker: { repositories: [ghcr.io/team/worker], target: worker }
branches: { main: {} }
image-tags: ["type=raw,value=latest", "type=sha"]
`)

const onMain = plan(config, { event: 'push', ref: 'refs/heads/main', sha: 'a'.repeat(40) }, undefined)

function built(...keys: [name: string, key: string][]): BuiltImage[] {
  return keys.map(([name, key]) => ({ name, key, how: 'built', config: {}, registries: {}, size: 1, layers: 1, ms: 1 }))
}

/** `repository:candidate → tag`, a line each. */
function lines(section: PlanSection, images: BuiltImage[]): string[] {
  return planMoves(section, images).map(({ image, repository, candidate, tag }) => `${image}: ${repository}:${candidate} → ${tag}`)
}

describe('the tags that move', () => {
  const images = built(['worker', '2'.repeat(32)], ['web', '1'.repeat(32)])

  test('are those of the plan, of every image in every repository: all of one tag before the next', () => {
    const [web, worker] = [`launchway-${'1'.repeat(32)}`, `launchway-${'2'.repeat(32)}`]
    expect(lines(onMain, images)).toEqual([
      `web: ghcr.io/team/web:${web} → latest`,
      `web: docker.io/team/web:${web} → latest`,
      `worker: ghcr.io/team/worker:${worker} → latest`,
      `web: ghcr.io/team/web:${web} → sha-aaaaaaa`,
      `web: docker.io/team/web:${web} → sha-aaaaaaa`,
      `worker: ghcr.io/team/worker:${worker} → sha-aaaaaaa`,
    ])
  })

  test.each([
    ['a plan without tags', { ...onMain, tags: [] }],
    ['a plan that matched nothing', plan(config, { event: 'push', ref: 'refs/heads/fix', sha: 'a'.repeat(40) }, undefined)],
  ])('are none for %s', (_, section) => {
    expect(lines(section, images)).toEqual([])
  })

  test('two images of the same content keep to their own repositories', () => {
    const same = '3'.repeat(32)
    const moves = planMoves({ ...onMain, tags: ['latest'] }, built(['web', same], ['worker', same]))
    expect(moves.filter(({ image }) => image === 'worker').map(({ repository }) => repository)).toEqual(['ghcr.io/team/worker'])
  })
})
