import type { SmokeCheck } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import { askedService, perform } from './checks.ts'
import type { Checked, Standing } from './standing.ts'

/**
 * Asks the checks side by side, each after those that it names: not at all when one of these failed.
 * @param settled kept when nothing in the stack comes or goes any more
 */
export async function askAll(
  checks: readonly SmokeCheck[],
  { settled, ...around }: Omit<Standing, 'rest'> & { settled: Promise<unknown> },
  ports: Ports,
  onDone: (checked: Checked, check: SmokeCheck) => void,
): Promise<void> {
  const asked = new Map<SmokeCheck, Promise<Checked>>()
  const rest = Promise.withResolvers<void>()
  const standing: Standing = { ...around, rest: rest.promise }

  async function ask(check: SmokeCheck): Promise<Checked> {
    const before = await Promise.all(checks.filter(({ name }) => check.after?.includes(name)).map(begin))
    const failed = before.filter(({ passed }) => !passed)
    const done = failed.length === 0 ? await perform(check, standing, ports) : echo(check, failed)
    onDone(done, check)
    return done
  }
  function begin(check: SmokeCheck): Promise<Checked> {
    const begun = asked.get(check) ?? ask(check)
    asked.set(check, begun)
    return begun
  }

  const all = checks.map(begin)
  const ending = checks.flatMap((check, index) => (lasts(check) ? [] : (all[index] ?? [])))
  await Promise.all([Promise.all([...ending, settled]).then(() => rest.resolve()), ...all])
}

/** Whether a check ends with the others only. */
function lasts(check: SmokeCheck): boolean {
  return check.kind === 'log' && check.never !== undefined
}

function echo(check: SmokeCheck, failed: readonly Checked[]): Checked {
  const names = failed.map(({ name }) => `"${name}"`).join(', ')
  return {
    name: check.name,
    service: askedService(check),
    passed: false,
    ms: 0,
    evidence: `not asked, since ${names} failed`,
    isEcho: true,
  }
}
