import type { SmokeSection } from '../core/release.ts'
import { showBytes, showMs } from '../core/units.ts'
import { code, folded, prose, short, table } from './markdown.ts'

/** Characters of a failed check's evidence that a summary shows; the record keeps more. */
const shownChars = 2_000

/**
 * What ran in the stack, what it was asked, and what the checks that failed showed.
 * @param most characters of the evidence of each
 */
export function smokeParts({ services, steps = [], checks, earlier }: SmokeSection, most = shownChars): string[] {
  const hasMemory = services.some(({ memory }) => memory !== undefined)
  const ran = services.map(({ name, image, config, state, ms, memory }) => [
    prose(name),
    code(image),
    config === undefined ? '' : code(short(config)),
    prose(state),
    showMs(ms),
    ...(hasMemory ? [memory === undefined ? '' : showBytes(memory)] : []),
  ])
  const done = steps.map(({ name, passed, ms }) => [code(name), passed ? 'done' : 'failed', showMs(ms)])
  const asked = checks.map(({ name, passed, ms }) => [code(name), passed ? 'passed' : 'failed', showMs(ms)])
  const failed = checks.filter(({ passed, evidence }) => !passed && evidence !== undefined)
  const memoryTitle = hasMemory ? ['memory'] : []
  return [
    ...(earlier === undefined
      ? []
      : [`The same images, stack and checks had passed the smoke test on ${earlier.at}: ${byWhom(earlier.by)}. Nothing was started.`]),
    ...(ran.length === 0 ? [] : [table(['smoke service', 'image', 'configuration', 'state', 'up after', ...memoryTitle], ran)]),
    ...(done.length === 0 ? [] : [table(['smoke step', '', 'time'], done)]),
    ...(asked.length === 0 ? [] : [table(['smoke check', '', 'time'], asked)]),
    ...failed.map(({ evidence = '' }) => folded('What a failed check was answered', evidence.slice(0, most).toWellFormed())),
  ]
}

/** The address of a run of a workflow, in which nothing can end a link. */
const runAddress = /^https?:\/\/[\w.:-]+\/[\w.-]+\/[\w.-]+\/actions\/runs\/(\d+)$/

/** A run as what one can go to; whoever else it was in words. */
function byWhom(by: string): string {
  const [, run] = runAddress.exec(by) ?? []
  return run === undefined ? prose(by) : `[run ${run}](${by})`
}
