import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import { Digest, movingTag } from '../core/names.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { isForGood } from '../core/registry-refusal.ts'

/**
 * What is being moved, written down in the registry before the first tag moves: so that a run which finds it there after
 * the one that wrote it has ended knows what to put back (docs/adr/0031-push.md). In an annotation, since a manifest is
 * the only thing that is replaced in one step.
 */
const Entry = z.object({ repository: z.string(), tag: z.string(), to: Digest, was: Digest.optional() })
const Note = z.object({
  version: z.literal(1),
  /** `moving` until all tags are where they belong, or back where they were. */
  state: z.enum(['moving', 'done']),
  release: z.string(),
  /** Whoever wrote it has given up, finished or ended by then. */
  until: z.iso.datetime(),
  changes: z.array(Entry),
  /** Tags that a release which was never finished made, and the registry does not let go: with the digest that they name. */
  left: z.array(z.object({ repository: z.string(), tag: z.string(), digest: Digest })),
})
export type Note = z.infer<typeof Note>

const annotation = 'launchway.moving'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const emptyType = 'application/vnd.oci.empty.v1+json'
const Manifest = z.object({ annotations: z.record(z.string(), z.string()).optional() })

/** Where the note of an application lies: in the first repository of its first image. */
export interface Desk {
  repository: Repository
  app: string
}

/** Undefined where there is none, and where somebody else's manifest has the tag. */
export async function readNote({ repository, app }: Desk): Promise<Note | undefined> {
  return noteIn((await repository.manifest(movingTag({ repository: repository.name, app })))?.body)
}

/** The note in a manifest, if it is one. */
export function noteIn(body: Buffer | undefined): Note | undefined {
  const text = body === undefined ? undefined : parseJson(body.toString(), Manifest)?.annotations?.[annotation]
  return text === undefined ? undefined : parseJson(text, Note)
}

export async function writeNote({ repository, app }: Desk, note: Note): Promise<void> {
  const empty = { ...(await repository.putBlob(Buffer.from('{}'))), mediaType: emptyType }
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: 'application/vnd.launchway.moving.v1+json',
    config: empty,
    layers: [empty],
    annotations: { [annotation]: JSON.stringify(note) },
  }
  await repository.putManifest(movingTag({ repository: repository.name, app }), manifestType, Buffer.from(JSON.stringify(manifest)))
}

/**
 * A registry that will not have the note is no reason to release nothing: old ones know no artifacts, and where tags
 * cannot be overwritten nothing that was there can be half moved.
 */
export function unlessRefused(ports: Pick<Ports, 'log'>): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof LaunchwayError && isForGood(error)) || error.code === 'REGISTRY_DENIED') throw error
    ports.log.warning(`${error.message}: a run that is killed while tags move cannot be put right by the next one`)
  }
}
