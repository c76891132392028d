/** An image in a repository: a manifest or an index that has a tag. */
export interface Found {
  digest: string
  /** Without those that launchway keeps its own papers under. */
  tags: readonly string[]
  /** When it was made, or last released: milliseconds since 1970; absent where nothing tells. */
  created?: number
  /** The manifests of an index. */
  parts: readonly string[]
  /** Environments that it was released to, with the time of the newest release to each. */
  released: ReadonlyMap<string, number>
}

export interface Wish {
  /** In which environments an image runs, by its digest. */
  running: ReadonlyMap<string, readonly string[]>
  /** Images that a set of tags is moving to or from. */
  moving: ReadonlySet<string>
  /** Releases that hosts keep beside the one that runs, by environment. */
  keep: ReadonlyMap<string, number>
  /** Environments of which it is not known what they run. */
  unknown: ReadonlySet<string>
  /** Images that stay beside all that are needed. */
  more: number
  /** Milliseconds since 1970. */
  now: number
}

export interface Kept {
  digest: string
  tags: readonly string[]
  why: string
}

/** What hosts keep where launchway.yml says nothing of the environment: the default of `keep`. */
const usualKeep = 5
/** A run that is under way has uploaded what no tag names yet. */
const youngMs = 24 * 60 * 60 * 1000

/** A tag that says what the image is to people, and not only which commit or content it was made of. */
export function isName(tag: string): boolean {
  return !/^(launchway-|sha-[0-9a-f]{7,40}(-dirty)?$)/.test(tag)
}

/**
 * What may go from one repository, and why the rest stays. Nothing goes that somebody has given a name: a version, a
 * branch; or that a host may still ask for.
 * @param keptElsewhere tags of the content of images that stay in another repository
 */
export function planPrune(images: readonly Found[], wish: Wish, keptElsewhere: ReadonlySet<string>): { stays: Kept[]; goes: Found[] } {
  const reasons = new Map<string, string>()
  const keep = ({ digest }: Pick<Found, 'digest'>, why: string): void => {
    if (!reasons.has(digest)) reasons.set(digest, why)
  }
  const newestFirst = images.toSorted((a, b) => (b.created ?? 0) - (a.created ?? 0))
  for (const image of images) {
    const environments = wish.running.get(image.digest)
    const name = image.tags.find(isName)
    const unsure = [...image.released.keys()].find((environment) => wish.unknown.has(environment))
    if (environments !== undefined) keep(image, `runs in ${environments.join(', ')}`)
    if (wish.moving.has(image.digest)) keep(image, 'tags are being moved')
    if (name !== undefined) keep(image, `is called ${name}`)
    if (unsure !== undefined) keep(image, `may run in ${unsure}, of which that is not known`)
  }
  for (const environment of new Set(images.flatMap(({ released }) => [...released.keys()]))) {
    const there = images.filter(({ released }) => released.has(environment))
    const newest = there.toSorted((a, b) => (b.released.get(environment) ?? 0) - (a.released.get(environment) ?? 0))
    // One more than hosts keep: the one that runs may be an older one, after a rollback.
    for (const image of newest.slice(0, (wish.keep.get(environment) ?? usualKeep) + 1))
      keep(image, `a rollback in ${environment} may need it`)
  }
  for (const image of images) {
    if (image.tags.some((tag) => keptElsewhere.has(tag))) keep(image, 'is kept in another repository')
    if (image.created === undefined) keep(image, 'its age is not known')
    else if (wish.now - image.created < youngMs) keep(image, 'is younger than a day')
  }
  for (const image of newestFirst.filter(({ digest }) => !reasons.has(digest)).slice(0, wish.more)) keep(image, 'is one of the newest')
  for (const index of images.filter(({ digest }) => reasons.has(digest))) {
    for (const part of index.parts) keep({ digest: part }, `is part of ${index.tags[0] ?? index.digest}`)
  }
  return {
    stays: images.flatMap(({ digest, tags }) => {
      const why = reasons.get(digest)
      return why === undefined ? [] : [{ digest, tags, why }]
    }),
    goes: images
      .filter(({ digest }) => !reasons.has(digest))
      .map((image) => ({ ...image, parts: image.parts.filter((part) => !reasons.has(part)) })),
  }
}
