import type { SmokeSection } from '../core/release.ts'
import { showMs } from '../core/units.ts'
import { code, folded, prose, short, table } from './markdown.ts'

/** Characters of a failed check's evidence that the page shows; the record keeps more. */
const shownChars = 2_000

/** What ran in the stack, what it was asked, and what the checks that failed showed. */
export function smokeParts({ services, checks }: SmokeSection): string[] {
  const ran = services.map(({ name, image, config, state, ms }) => [
    prose(name),
    code(image),
    config === undefined ? '' : code(short(config)),
    prose(state),
    showMs(ms),
  ])
  const asked = checks.map(({ name, passed, ms }) => [code(name), passed ? 'passed' : 'failed', showMs(ms)])
  const failed = checks.filter(({ passed, evidence }) => !passed && evidence !== undefined)
  return [
    ...(ran.length === 0 ? [] : [table(['smoke service', 'image', 'configuration', 'state', 'up after'], ran)]),
    ...(asked.length === 0 ? [] : [table(['smoke check', '', 'time'], asked)]),
    ...failed.map(({ evidence = '' }) => folded('What a failed check was answered', evidence.slice(0, shownChars).toWellFormed())),
  ]
}
