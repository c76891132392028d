import type { Ports } from '../core/ports.ts'
import { isForGood } from '../core/registry-refusal.ts'
import type { PlanSection } from '../core/release.ts'
import { leaseMs } from './lease.ts'
import { type Desk, type Note, readNote, unlessRefused, writeNote } from './note.ts'
import { planRepair, referenceOf } from './plan.ts'
import { type Tags, undo } from './set.ts'

/** How often a run that waits for another looks whether that is done. */
const lookMs = 2_000

/**
 * Waits for a run that is moving tags just now, and puts back what a run left half moved that has ended. Returns the tags
 * that cannot be taken away again.
 * @throws LaunchwayError REGISTRY_UNAVAILABLE where it cannot be known how things stand
 */
export async function finishEarlier(desk: Desk, plan: PlanSection, tags: Tags, ports: Ports): Promise<Note['left']> {
  const note = await settled(desk, ports)
  if (note === undefined) return []
  if (note.state === 'done') return note.left
  // What a note says of repositories is not believed: logins go to those of the configuration alone.
  const own = plan.images.flatMap(({ repositories }) => repositories)
  const changes = note.changes.filter(({ repository }) => own.includes(repository))
  const foreign = note.changes.filter(({ repository }) => !own.includes(repository))
  if (foreign.length > 0) {
    ports.log.warning(
      `release ${note.release} was moving ${foreign.map(referenceOf).join(', ')} when it ended, and launchway.yml names these no longer: look at them`,
    )
  }
  ports.log.info(`release ${note.release} ended while its tags were moving: ${changes.map(referenceOf).join(', ')}`)
  const { back, left, stuck } = await undo(changes, tags, planRepair)
  for (const { reference, why } of stuck) {
    ports.signal.throwIfAborted()
    // What cannot be known now is asked again; what will never be permitted must not hold up every release to come.
    if (why.code === 'REGISTRY_UNAVAILABLE' && !isForGood(why)) throw why
    ports.log.warning(`${reference} could not be put back: ${why.message}`)
  }
  if (left.length > 0) ports.log.warning(`${left.map(referenceOf).join(', ')}: made by release ${note.release}, which was never finished`)
  if (back.length > 0) ports.log.notice(`tags that release ${note.release} left half moved are back where they were: ${back.join(', ')}`)
  const all = [...note.left, ...left]
  // What is put right must not be taken for half moved again, when these tags move to the same images one day.
  await writeNote(desk, { ...note, state: 'done', changes: [], left: all }).catch(unlessRefused(ports))
  return all
}

/** The note, once nobody works on it any more. */
async function settled(desk: Desk, ports: Ports): Promise<Note | undefined> {
  // Whatever the clocks of two machines say, nobody waits for longer than a run may take.
  const patience = ports.clock.elapsed() + 2 * leaseMs
  let told = false
  for (;;) {
    const note = await readNote(desk)
    const wait = note === undefined || note.state === 'done' ? 0 : Date.parse(note.until) - ports.clock.now().getTime()
    if (wait <= 0 || ports.clock.elapsed() >= patience) return note
    if (!told && note !== undefined)
      ports.log.info(`release ${note.release} is moving tags; waiting until it is done, ${note.until} at the latest`)
    told = true
    await ports.clock.sleep(Math.min(wait, lookMs), ports.signal)
  }
}
