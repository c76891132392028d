import { isKept, isWatched, keptBy, processOf, smokeLabels } from '../core/names.ts'
import type { Labelled, Ports } from '../core/ports.ts'
import { within } from '../core/within.ts'

/** Older than any run: where its owner cannot be judged from here, it belongs to nobody. */
const oldMs = 2 * 3_600_000
/** The same of a stack that somebody works at. */
const watchedMs = 24 * 3_600_000
/** What containers have to end. What they would still write goes with them, and many a first process hears no SIGTERM. */
const graceMs = 300
/** An engine that is restarted is there again after some seconds. */
const restartMs = 30_000
const pauseMs = 500
/** What all of it may take: longer than the largest stack, and after a cancel as long as somebody waits for an engine that hangs. */
const patientMs = 15 * 60_000
const hurryMs = 20_000
/** Before each further round: a start that was cut short may still be making something, and a removal be under way. */
const pausesMs = [0, 100, 500]

const labelOf = (project: string): string => `${smokeLabels.project}=${project}`

/** Removes what earlier runs left behind that were killed: their process is gone, or cannot be judged and they are too old to be at work. */
export async function removeLeftovers({ engine, clock, self, log }: Ports): Promise<void> {
  for (const project of leftBehind(await engine.labelled(smokeLabels.project), clock.now(), (owner) => self.isGone(owner))) {
    log.info(`removing ${project}, left behind by a run that was killed`)
    // Another run may be at it, too.
    await engine.remove(labelOf(project)).catch((error: unknown) => log.debug(String(error)))
  }
}

/** The projects that belong to no run any more. */
export function leftBehind(found: readonly Labelled[], now: Date, isGone: (owner: string) => boolean | undefined): string[] {
  const left = found.flatMap(({ kind, labels, created }) => {
    const project = labels[smokeLabels.project]
    const owner = labels[smokeLabels.owner]
    if (owner !== undefined && isKept(owner)) return []
    // A run makes its containers and networks itself; an image that it built may have the time of layers of long ago.
    const hasAge = kind === 'container' || kind === 'network'
    const longest = owner !== undefined && isWatched(owner) ? watchedMs : oldMs
    const isOld = hasAge && created !== undefined && now.getTime() - created.getTime() > longest
    const isLeft = (owner === undefined ? undefined : isGone(processOf(owner))) ?? isOld
    return project !== undefined && isLeft ? [project] : []
  })
  return [...new Set(left)]
}

/**
 * Takes a stack down, also after a cancel, and never fails: what became of the test counts. What a start that was cut
 * short made meanwhile goes as well. Everything of it carries the label, so compose need not be asked.
 */
export async function takeDown(project: string, ports: Pick<Ports, 'engine' | 'clock' | 'log' | 'signal'>): Promise<void> {
  const label = labelOf(project)
  // Not the signal of the run: that may be what it is taken down for.
  const never = new AbortController().signal
  const ended = await within(ports.signal.aborted ? hurryMs : patientMs, never, ports, (inTime) => removeAll(label, inTime, ports))
  const { isGone, problem } = ended ?? { isGone: false, problem: new Error('the engine does not answer') }
  if (isGone) return
  ports.log.warning(
    `not all of ${project} could be removed${problem instanceof Error ? `: ${problem.message}` : ''}; docker ps --all --filter label=${label} shows it`,
  )
}

async function removeAll(
  label: string,
  inTime: AbortSignal,
  { engine, clock, log, signal }: Pick<Ports, 'engine' | 'clock' | 'log' | 'signal'>,
): Promise<{ isGone: boolean; problem?: unknown }> {
  const started = clock.elapsed()
  let problem: unknown
  // Who has cancelled waits for some seconds only.
  if (!signal.aborted) await engine.stop(label, graceMs).catch((error: unknown) => log.debug(String(error)))
  for (let round = 0; round < pausesMs.length && !inTime.aborted; round += 1) {
    // Also after a cancel: it is little, and what is not removed now is there for hours.
    if (round > 0) await clock.sleep(pausesMs[round] ?? 0)
    try {
      await engine.remove(label)
      if ((await engine.labelled(label)).length === 0) return { isGone: true }
    } catch (error) {
      problem = error
      if (signal.aborted || hasAnswered(error) || clock.elapsed() - started > restartMs) continue
      round -= 1
      await clock.sleep(pauseMs, signal).catch(() => undefined)
    }
  }
  return { isGone: false, problem }
}

/** Whether an error is one that the engine itself has told. */
function hasAnswered(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error
}

/** Takes down what was kept to look around, of this working tree alone. @returns its projects */
export async function takeDownKept(ports: Ports): Promise<string[]> {
  const found = await ports.engine.labelled(`${smokeLabels.owner}=${keptBy(ports.root)}`)
  const projects = [...new Set(found.flatMap(({ labels }) => labels[smokeLabels.project] ?? []))].toSorted()
  await Promise.all(projects.map((project) => takeDown(project, ports)))
  return projects
}
