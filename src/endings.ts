/** What a command says last. */
import { whereReached } from './core/addresses.ts'
import { called } from './core/called.ts'
import type { Release } from './core/release.ts'
import { showMs } from './core/units.ts'
import type { Wish } from './smoke/index.ts'

/** The whole test, as it was planned. */
export const isPlanned = ({ only, scale }: Wish): boolean => only === undefined && scale === undefined

/** Of a smoke test. */
export function tested({ app, plan, smoke: section }: Release, wish: Wish, path: string): string {
  if (section === undefined) return `${app} ${plan.version}: there is nothing to smoke-test: ${plan.stages.smoke.reason}\n`
  const { checks, earlier } = section
  const asked = `${checks.length} check${checks.length === 1 ? '' : 's'}`
  const what =
    earlier === undefined
      ? `${app} ${called(plan.version, plan.sha)} passed: ${asked} in ${showMs(section.ms)}`
      : `passed earlier, ${earlier.at}, ${earlier.by} (${asked}); --fresh repeats it`
  return isPlanned(wish) ? `${what}\nrecord: ${path}\n` : `${what}; the record says nothing of it\n`
}

/** Of a release. */
export function ending({ app, plan, deploy, push }: Release): string {
  const what = `${app} ${called(plan.version, plan.sha)}`
  if (deploy !== undefined) {
    const waits = deploy.hosts.find((host) => host.waits !== undefined)?.waits
    const until = waits?.until === undefined ? '' : `, which it has until ${waits.until}`
    const ways = `launchway confirm -e ${deploy.environment}, or launchway abort -e ${deploy.environment}`
    const at = deploy.url ?? whereReached(plan.environment)
    return `${what} is live in ${deploy.environment}${at === undefined ? '' : `: ${at}`}${waits === undefined ? '' : `\nit waits for a confirmation${until}: ${ways}`}`
  }
  const tags = (push?.references ?? []).map(({ reference }) => reference)
  return tags.length === 0 ? `${what} is built` : `${what} is pushed: ${tags.join(' ')}`
}
