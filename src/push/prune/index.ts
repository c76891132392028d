import type { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import type { Registry } from '../../core/release.ts'
import { openRepository } from '../../core/repository.ts'
import { lookInto, namedSince, notPermitted, removeImage } from './look.ts'
import { type Found, type Kept, planPrune } from './plan.ts'

export interface PruneTarget {
  registries: readonly Registry[]
  /** Those of the first image first: there the records are. */
  repositories: readonly string[]
  /** Releases that hosts keep, by environment. */
  keep: ReadonlyMap<string, number>
}

interface Pruned {
  repository: string
  goes: { digest: string; tags: readonly string[]; created?: string }[]
  stays: Kept[]
  /** Whether it has gone, and not only would. */
  removed: boolean
}

/** Removes from the registries what no environment runs, no rollback needs and nobody has given a name. */
export async function pruneRegistries(
  { registries, repositories, keep }: PruneTarget,
  { more, yes }: { more: number; yes: boolean },
  ports: Ports,
): Promise<{ text: string; json: Pruned[]; error?: LaunchwayError }> {
  const contents = []
  for (const name of new Set(repositories)) contents.push(await lookInto(await openRepository(name, registries, ports), ports))
  const current = contents.flatMap(({ running }) => running)
  const wish = {
    moving: new Set(contents.flatMap(({ moving }) => moving)),
    keep: widened(keep, current),
    unknown: new Set(current.filter(({ digests }) => digests === undefined).map(({ environment }) => environment)),
    ...{ more, now: ports.clock.now().getTime() },
  }
  const pruned: Pruned[] = []
  const keptTags = new Set<string>()
  let error: LaunchwayError | undefined
  for (const one of contents) {
    const { repository, images } = one
    const running = new Map<string, string[]>()
    for (const { environment, digests } of current) {
      const digest = digests?.get(repository.name)
      if (digest !== undefined) running.set(digest, [...(running.get(digest) ?? []), environment])
    }
    const planned = planPrune(images, { ...wish, running }, keptTags)
    const named = yes && planned.goes.length > 0 ? await namedSince(one) : new Set<string>()
    const goes = planned.goes.filter(({ digest }) => !named.has(digest))
    const late = planned.goes.filter(({ digest }) => named.has(digest)).map((image) => ({ ...kept(image), why: 'got a name just now' }))
    const stays = [...planned.stays, ...late]
    for (const tag of stays.flatMap(({ tags }) => tags)) if (tag.startsWith('launchway-')) keptTags.add(tag)
    let removed = 0
    for (const image of yes && error === undefined ? goes : []) {
      ports.signal.throwIfAborted()
      if (!(await removeImage(repository, image))) {
        error = notPermitted(repository.name, removed)
        break
      }
      removed += 1
      ports.log.info(`${repository.name}@${image.digest}: removed`)
    }
    pruned.push({ repository: repository.name, goes: goes.map(told), stays, removed: yes && removed === goes.length })
  }
  return { text: `${[...pruned.map(show), ending(pruned, yes)].join('\n')}\n`, json: pruned, ...(error === undefined ? {} : { error }) }
}

/** Applications that share a repository share the names of environments: each has its own releases to keep. */
function widened(keep: ReadonlyMap<string, number>, current: readonly { environment: string }[]): Map<string, number> {
  const names = new Set([...keep.keys(), ...current.map(({ environment }) => environment)])
  return new Map(
    [...names].map((name) => {
      const sharing = Math.max(1, current.filter(({ environment }) => environment === name).length)
      return [name, ((keep.get(name) ?? 5) + 1) * sharing - 1]
    }),
  )
}

function kept({ digest, tags }: Found): Omit<Kept, 'why'> {
  return { digest, tags }
}

function told({ digest, tags, created }: Found): Pruned['goes'][number] {
  return { digest, tags, ...(created === undefined ? {} : { created: new Date(created).toISOString() }) }
}

function show({ repository, goes, stays, removed }: Pruned): string {
  const reasons = Map.groupBy(stays, ({ why }) => why)
  return [
    repository,
    ...goes.map(
      ({ digest, tags, created }) =>
        `  ${removed ? 'gone ' : 'goes '}  ${digest.slice(0, 19)}  ${created?.slice(0, 10) ?? ''}  ${tags.join(' ')}`,
    ),
    ...[...reasons].map(([why, of]) => `  stays  ${of.length === 1 ? (of[0]?.digest.slice(0, 19) ?? '') : `${of.length} images`}: ${why}`),
  ].join('\n')
}

function ending(pruned: readonly Pruned[], yes: boolean): string {
  const count = pruned.reduce((sum, { goes }) => sum + goes.length, 0)
  if (count === 0) return 'nothing to remove'
  const images = `${count} image${count === 1 ? '' : 's'}`
  if (!yes) return `${images} would go; --yes removes them`
  return pruned.every(({ removed }) => removed) ? `${images} removed` : `not all of ${images} removed`
}
