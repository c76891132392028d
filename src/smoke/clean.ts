import { smokeLabels } from '../core/names.ts'
import type { Labelled, Ports } from '../core/ports.ts'
import { down, type Stack } from '../tools/compose.ts'

/** Older than any run: what is left of it belongs to nobody. */
const oldMs = 2 * 3_600_000
/** How long `docker compose down` may take before what is left is removed piece by piece; a runner that cancels waits for some seconds. */
const downMs = 60_000
const hurriedMs = 5_000
/** Seconds that containers have to end. What they would still write goes with them, and many a first process hears no SIGTERM. */
const graceS = 1

const labelOf = (project: string): string => `${smokeLabels.project}=${project}`

/** Removes what earlier runs left behind that were killed: their process is gone, or they are too old to be at work. */
export async function removeLeftovers({ engine, clock, self, log }: Ports): Promise<void> {
  for (const project of leftBehind(await engine.labelled(smokeLabels.project), clock.now(), (owner) => self.isGone(owner))) {
    log.info(`removing ${project}, left behind by a run that was killed`)
    // Another run may be at it, too.
    await engine.remove(labelOf(project)).catch((error: unknown) => log.debug(String(error)))
  }
}

/** The projects that belong to no run any more. */
export function leftBehind(found: readonly Labelled[], now: Date, isGone: (owner: string) => boolean): string[] {
  const left = found.flatMap(({ kind, labels, created }) => {
    const project = labels[smokeLabels.project]
    const owner = labels[smokeLabels.owner]
    // A run makes its containers and networks itself; an image that it built may have the time of layers of long ago.
    const hasAge = kind === 'container' || kind === 'network'
    const isOld = hasAge && created !== undefined && now.getTime() - created.getTime() > oldMs
    return project !== undefined && (isOld || (owner !== undefined && isGone(owner))) ? [project] : []
  })
  return [...new Set(left)]
}

/**
 * Takes the stack down, also after a cancel, and never fails: what became of the test counts. What a start that was cut
 * short made meanwhile goes as well.
 */
export async function takeDown(stack: Stack, { exec, engine, log, signal }: Ports): Promise<void> {
  const hurried = signal.aborted
  const label = labelOf(stack.project)
  try {
    await exec.run({ ...down(stack, hurried ? 0 : graceS), timeoutMs: hurried ? hurriedMs : downMs, graceMs: 500 })
  } catch (error) {
    log.debug(error instanceof Error ? error.message : String(error))
  }
  let problem: unknown
  for (let round = 0; round < 3; round += 1) {
    try {
      await engine.remove(label)
      if ((await engine.labelled(label)).length === 0) return
    } catch (error) {
      problem = error
    }
  }
  log.warning(
    `not all of ${stack.project} could be removed${problem instanceof Error ? `: ${problem.message}` : ''}; docker ps --all --filter label=${label} shows it`,
  )
}
