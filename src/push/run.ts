import { z } from 'zod'
import { failedAfter, LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { PushSection, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import { allOf } from './all.ts'
import { Lease, leaseMs } from './lease.ts'
import { type Desk, type Note, unlessRefused, writeNote } from './note.ts'
import { type Change, decide, type Move, planMoves, referenceOf } from './plan.ts'
import { finishEarlier } from './repair.ts'
import { asFailure, gone, look, openIn, setTag, type Tags, undo, type Undone } from './set.ts'

/** Time for putting back what had moved. */
const undoMs = 75_000

/**
 * Moves the tags of the plan to the images that were uploaded, all of them or none. Nothing is built or uploaded here: a
 * tag moves by writing the manifest of the upload under its name, so the digest is the one that was tested.
 */
export async function push(release: Release, ports: Ports): Promise<PushSection> {
  const { plan, app } = release
  const started = ports.clock.elapsed()
  const moves = planMoves(plan, section(release, 'build').images)
  const [first] = moves
  if (first === undefined) return { references: [], ms: 0 }
  const tags: Tags = { registries: plan.registries, ports, signal: ports.signal, kept: new Map() }
  await requireUploaded(moves, tags)
  const desk: Desk = { repository: await openRepository(first.repository, plan.registries, ports), app }
  const left = await finishEarlier(desk, plan, tags, ports)
  const seen = await look(moves, tags)
  const { refused, rounds } = decide(moves, seen, plan.immutable ?? [], new Map(left.map((one) => [referenceOf(one), one.digest])))
  if (refused.length > 0) throw immutable(refused)
  const changes = rounds.flat()
  if (changes.length > 0) {
    const kept = left.filter((one) => !changes.some((change) => referenceOf(change) === referenceOf(one)))
    await moveAll(rounds, { release: release.id, desk, left: kept, isNoted: changes.length > 1 || left.length > 0 }, tags, ports)
  }
  const references = moves.map(({ repository, tag, digest }) => {
    const reference = referenceOf({ repository, tag })
    const was = seen.get(reference)
    ports.log.info(`${reference}: ${was === digest ? 'was there already' : 'moved'}, ${digest}`)
    return { reference, digest, ...(was === undefined ? {} : { was }) }
  })
  return { references, ms: ports.clock.elapsed() - started }
}

const Index = z.object({ manifests: z.array(z.object({ digest: Digest })).optional() })

/** Every image in every registry, before the first tag of the first of them moves. */
async function requireUploaded(moves: readonly Move[], tags: Tags): Promise<void> {
  const places = new Map(moves.map(({ repository, digest }) => [`${repository}@${digest}`, { repository, digest }]))
  await Promise.all(
    [...places.values()].map(async ({ repository, digest }) => {
      const opened = await openIn(tags, repository)
      const found = await opened.manifest(digest)
      if (found === undefined) throw gone(repository, digest)
      tags.kept?.set(`${repository}@${digest}`, found)
      const parts = parseJson(found.body.toString(), Index)?.manifests ?? []
      await Promise.all(
        parts.map(async (part) => {
          if ((await opened.resolve(part.digest)) === undefined) throw gone(repository, part.digest)
        }),
      )
    }),
  )
}

function immutable(refused: readonly Change[]): LaunchwayError {
  const lines = refused.map((change) => `${referenceOf(change)}\n  is   ${change.was ?? 'nothing'}\n  not  ${change.to}`)
  const names = refused.map(referenceOf)
  const [is, are] = refused.length === 1 ? ['is', 'is another image'] : ['are', 'are other images']
  const [{ tag } = { tag: '' }] = refused
  return new LaunchwayError('TAG_IMMUTABLE', `${names.join(', ')} ${is} there already, and ${are}; nothing was tagged`, {
    hint: `${lines.join('\n')}\nA version names one image for good. To put the one that is there live: launchway redeploy ${tag}. To release other content, give it another version. A tag that is meant to move gets overwrite=true in image-tags, as in "type=ref,event=tag,overwrite=true".`,
  })
}

interface Task {
  release: string
  desk: Desk
  left: Note['left']
  /** A single tag moves in one step, and needs no note. */
  isNoted: boolean
}

async function moveAll(rounds: readonly Change[][], task: Task, tags: Tags, ports: Ports): Promise<void> {
  const changes = rounds.flat()
  const noteOf = (state: Note['state'], left: Note['left'], until: Date): Note => ({
    ...{ version: 1, state, release: task.release, until: until.toISOString(), left },
    changes: state === 'done' ? [] : changes.map(({ was, ...change }) => ({ ...change, ...(was === undefined ? {} : { was }) })),
  })
  using lease = new Lease(ports, leaseMs)
  const desk: Desk = { ...task.desk, repository: await openIn({ ...tags, signal: lease.signal }, task.desk.repository.name) }
  const note = async (): Promise<void> => {
    if (!task.isNoted) return
    await writeNote(desk, noteOf('moving', task.left, new Date(ports.clock.now().getTime() + leaseMs))).catch(unlessRefused(ports))
    lease.extend(leaseMs)
  }
  ports.signal.throwIfAborted()
  await note()
  let noted = ports.clock.elapsed()
  const begun: Change[] = []
  try {
    for (const round of rounds) {
      ports.signal.throwIfAborted()
      if (ports.clock.elapsed() - noted > leaseMs / 3) {
        await note()
        noted = ports.clock.elapsed()
      }
      begun.push(...round)
      await allOf(round.map((change) => setTag(change, change.to, { ...tags, signal: lease.signal })))
    }
  } catch (error) {
    throw await takeBack(error, begun, task, tags, ports, noteOf)
  }
  if (task.isNoted) await closeNote(desk, noteOf('done', task.left, ports.clock.now()), ports)
}

/** Puts back what had moved, and says of the failure how far that came. */
async function takeBack(
  error: unknown,
  begun: readonly Change[],
  task: Task,
  tags: Tags,
  ports: Ports,
  noteOf: (state: Note['state'], left: Note['left'], until: Date) => Note,
): Promise<unknown> {
  if (begun.length === 0) return error
  const calm = { clock: ports.clock, signal: new AbortController().signal }
  using time = new Lease(calm, undoMs)
  const under: Tags = { ...tags, signal: time.signal }
  const undone = await undo(begun, under)
  if (task.isNoted && undone.stuck.length === 0) {
    const desk: Desk = { ...task.desk, repository: await openIn(under, task.desk.repository.name) }
    await closeNote(desk, noteOf('done', [...task.left, ...undone.left], ports.clock.now()), ports)
  }
  const said = tellUndone(undone, task.isNoted)
  const failure = error instanceof LaunchwayError ? error : ports.signal.aborted ? asFailure(ports.signal.reason) : error
  return failure instanceof LaunchwayError ? failedAfter(failure, said, {}) : failure
}

function tellUndone({ back, left, stuck }: Undone, isNoted: boolean): string {
  const parts = [
    back.length === 0 ? '' : `moved back: ${back.join(', ')}`,
    left.length === 0 ? '' : `new, and this registry lets no tag be removed: ${left.map(referenceOf).join(', ')}`,
    stuck.length === 0
      ? ''
      : `not as it was: ${stuck.map(({ reference, why }) => `${reference} (${why.message})`).join(', ')}${isNoted ? '; the next run puts that right' : ''}`,
  ].filter((part) => part !== '')
  return parts.length === 0 ? 'no tag has moved' : parts.join('; ')
}

/** The tags are where they belong: what the note still says is found out by the next run. */
async function closeNote(desk: Desk, note: Note, ports: Ports): Promise<void> {
  try {
    await writeNote(desk, note).catch(unlessRefused(ports))
  } catch (error) {
    ports.log.warning(`${desk.repository.name}: the note of what was moving could not be closed: ${asFailure(error).message}`)
  }
}
