import { LaunchwayError } from '../core/error.ts'
import type { Ports, Repository } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { type Change, planUndo, referenceOf, type Seen, type Undo } from './plan.ts'

/** The registries, as one thing that is asked and changes tags. */
export interface Tags {
  registries: readonly Registry[]
  ports: Pick<Ports, 'registry' | 'clock' | 'log'>
  /** Ends what is asked; not that of the run, which must not leave a set half moved. */
  signal: AbortSignal
  /** Manifests that are known already, by `repository@digest`. */
  kept?: Map<string, NonNullable<Awaited<ReturnType<Repository['manifest']>>>>
}

/** Pauses before a tag that reads back as something else is taken for that: some registries are a moment behind themselves. */
const rereadMs = [250, 500, 1000]

export function openIn({ registries, ports, signal }: Tags, repository: string): Promise<Repository> {
  return openRepository(repository, registries, ports, signal)
}

/** What these tags name, all asked at once. */
export async function look(places: readonly { repository: string; tag: string }[], tags: Tags): Promise<Seen> {
  return new Map(
    await Promise.all(
      places.map(async (place) => {
        const found = await (await openIn(tags, place.repository)).resolve(place.tag)
        return [referenceOf(place), found?.digest] as const
      }),
    ),
  )
}

/** Points a tag at a manifest of the same repository, and reads it back. */
export async function setTag({ repository, tag }: Pick<Change, 'repository' | 'tag'>, digest: string, tags: Tags): Promise<void> {
  const opened = await openIn(tags, repository)
  const manifest = tags.kept?.get(`${repository}@${digest}`) ?? (await opened.manifest(digest))
  if (manifest === undefined) throw gone(repository, digest)
  await opened.putManifest(tag, manifest.descriptor.mediaType, manifest.body)
  for (const pause of [...rereadMs, undefined]) {
    const now = (await opened.resolve(tag))?.digest
    if (now === digest) return
    if (pause === undefined) {
      throw new LaunchwayError('DIGEST_MISMATCH', `${repository}:${tag} was written, but reads back as another image`, {
        hint: `Written: ${digest}; read: ${now ?? 'nothing'}.`,
      })
    }
    await tags.ports.clock.sleep(pause, tags.signal)
  }
}

export function gone(repository: string, digest: string): LaunchwayError {
  return new LaunchwayError('DIGEST_MISMATCH', `${repository}@${digest} was uploaded, but the registry does not have it`, {
    hint: 'A clean-up of the registry may have removed it, or a mirror answers in its place. Run the build again.',
  })
}

/** How the undoing of a set went, by reference. */
export interface Undone {
  back: string[]
  /** New tags that the registry does not let go. */
  left: { repository: string; tag: string; digest: string }[]
  /** Tags of ours that are still where they should not be, and why. */
  stuck: { reference: string; why: LaunchwayError }[]
}

/** Puts back what of these changes can be seen to have been made. Nothing it meets keeps it from the others. */
export async function undo(changes: readonly Change[], tags: Tags, plan: typeof planUndo = planUndo): Promise<Undone> {
  const undone: Undone = { back: [], left: [], stuck: [] }
  const attempt = async (reference: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (error) {
      undone.stuck.push({ reference, why: asFailure(error) })
    }
  }
  // Each by itself: what one registry has must not depend on whether another can be asked.
  const seen = new Map<string, string | undefined>()
  await Promise.all(
    changes.map((change) =>
      attempt(referenceOf(change), async () => {
        for (const [reference, digest] of await look([change], tags)) seen.set(reference, digest)
      }),
    ),
  )
  const known = changes.filter((change) => seen.has(referenceOf(change)))
  await Promise.all(plan(known, seen).map((one) => attempt(referenceOf(one.change), () => undoOne(one, undone, tags))))
  return undone
}

async function undoOne({ change, how }: Undo, undone: Undone, tags: Tags): Promise<void> {
  const reference = referenceOf(change)
  if (how === 'leave') tags.ports.log.warning(`${reference} was moved by somebody else meanwhile, and stays as it is now`)
  if (how === 'restore' && change.was !== undefined) {
    await setTag(change, change.was, tags)
    tags.ports.log.info(`${reference}: back at ${change.was}`)
    undone.back.push(reference)
  }
  if (how !== 'remove') return
  const opened = await openIn(tags, change.repository)
  // Before it is tried: where a registry takes the image with its tag, it is put back.
  const kept = await opened.manifest(change.to)
  if ((await opened.untag(change.tag)) === 'not permitted') {
    undone.left.push({ repository: change.repository, tag: change.tag, digest: change.to })
    return
  }
  if (kept !== undefined && (await opened.resolve(change.to)) === undefined) {
    await opened.putManifest(change.to, kept.descriptor.mediaType, kept.body)
  }
  tags.ports.log.info(`${reference}: removed, as it was not there before`)
  undone.back.push(reference)
}

export function asFailure(error: unknown): LaunchwayError {
  if (error instanceof LaunchwayError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new LaunchwayError('REGISTRY_UNAVAILABLE', why, { cause: error })
}
