import { candidates, keyTag } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { familiarName } from '../core/reference.ts'
import type { Release } from '../core/release.ts'
import { section } from '../core/stages.ts'
import { imagesOfContainers, inspectImages, listContainers, listImages, parseImages, removeImages } from '../tools/docker.ts'

/** Of each repository, beside that of this run: what a look back or another branch may want. */
const kept = 2
/** Another run of this machine may be at work on what is younger. */
const youngMs = 24 * 3_600_000

/** A candidate in the engine of this machine. */
export interface Candidate {
  /** Of the image, as the engine calls it. */
  id: string
  reference: string
  repository: string
  tagged: Date
}

/**
 * The candidates that nobody needs any more.
 * @param own those of this run
 * @param used IDs of images that containers have
 */
export function stale(
  all: readonly Candidate[],
  { own, used, now }: { own: ReadonlySet<string>; used: ReadonlySet<string>; now: Date },
): string[] {
  const byRepository = Map.groupBy(
    all.filter(({ reference }) => !own.has(reference)),
    ({ repository }) => repository,
  )
  return [...byRepository.values()].flatMap((ofOne) =>
    ofOne
      .toSorted((a, b) => b.tagged.getTime() - a.tagged.getTime())
      .slice(kept)
      .filter(({ id, tagged }) => !used.has(id) && now.getTime() - tagged.getTime() > youngMs)
      .map(({ reference }) => reference),
  )
}

/** Removes what earlier runs have left in the engine of this machine under the repositories of the release. */
export async function tidy(release: Release, ports: Ports): Promise<void> {
  try {
    const { images } = release.plan
    const repositories = images.flatMap((image) => image.repositories.map(familiarName))
    const keys = new Map(section(release, 'build').images.map(({ name, key }) => [name, key]))
    const own = new Set(images.flatMap((image) => candidates(image, keys.get(image.name) ?? '').map(familiarName)))
    const all = await candidatesHere(repositories, ports)
    const now = ports.clock.now()
    if (stale(all, { own, used: new Set(), now }).length === 0) return
    const old = stale(all, { own, used: await usedHere(ports), now })
    if (old.length === 0) return
    const { code } = await ports.exec.run(removeImages(old), { signal: ports.signal, accept: [0, 1] })
    ports.log.info(
      `candidates of earlier runs that are removed from this engine: ${old.length}${code === 0 ? '' : ', as far as nobody uses them'}`,
    )
  } catch (error) {
    // A job that pushes alone need not have an engine; and nothing depends on this.
    ports.log.debug(`the candidates of earlier runs stay: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function candidatesHere(repositories: readonly string[], ports: Ports): Promise<Candidate[]> {
  const listed = await ports.exec.read(listImages(repositories.map((repository) => `${repository}:${keyTag('*')}`)))
  const ids = [...new Set(listed.split('\n').filter((id) => id !== ''))]
  if (ids.length === 0) return []
  return parseImages(await ports.exec.read(inspectImages(ids))).flatMap(({ id, tags, tagged }) =>
    tags.flatMap((reference) => {
      const [, repository = '', key] = /^(.+):([^:/]+)$/.exec(reference) ?? []
      // Another tag may begin in the same way: that of a moving set, of an environment.
      const isCandidate = repositories.includes(repository) && /^launchway-[0-9a-f]{32}$/.test(key ?? '')
      return isCandidate ? [{ id, reference, repository, tagged }] : []
    }),
  )
}

/** Images that containers of this engine have, also those that have ended. */
async function usedHere(ports: Ports): Promise<Set<string>> {
  const containers = (await ports.exec.read(listContainers())).split('\n').filter((id) => id !== '')
  if (containers.length === 0) return new Set()
  // One that has gone meanwhile uses nothing.
  const { stdout } = await ports.exec.run(imagesOfContainers(containers), { signal: ports.signal, accept: [0, 1] })
  return new Set(stdout.split('\n').filter((id) => id !== ''))
}
