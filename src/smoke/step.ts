import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokeStep } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { SmokeSection } from '../core/release.ts'
import { showMs } from '../core/units.ts'
import { run } from '../tools/compose.ts'
import { execIn } from '../tools/docker.ts'
import { lastOf } from './evidence.ts'
import { runningOf, type Standing } from './standing.ts'
import { within } from '../core/within.ts'

export type Step = NonNullable<SmokeSection['steps']>[number]

type Around = Pick<Standing, 'stack' | 'containers' | 'signal'>

/** Lines that are kept of what a step says. */
const keptLines = 200

/**
 * What is done in the stack before the checks.
 * @param steps gets one more when it has ended, however that was
 * @throws LaunchwayError SMOKE_CHECK_FAILED with the end of what it said
 */
export async function step(of: SmokeStep, { stack, containers, signal }: Around, steps: Step[], ports: Ports): Promise<void> {
  const started = ports.clock.elapsed()
  const inside = of.kind === 'exec' ? runningOf(of.service, containers()) : undefined
  if (of.kind === 'exec' && inside === undefined) {
    steps.push({ name: ports.redact(of.name), passed: false, ms: 0 })
    throw new LaunchwayError('SMOKE_CHECK_FAILED', `${of.name}: ${of.service} does not run`)
  }
  const asked = inside === undefined ? run(stack, of.service, of.command) : execIn(inside.id, of.command)
  const lines: string[] = []
  const onLine = (line: string): void => {
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
  }
  const done = await within(of.timeoutMs, signal, ports, (inTime) => ports.exec.run(asked, { signal: inTime, accept: anyCode, onLine }))
  const ms = ports.clock.elapsed() - started
  const passed = done?.code === 0
  steps.push({ name: ports.redact(of.name), passed, ms })
  if (passed) return ports.log.info(`${of.name}: done in ${showMs(ms)}`)
  const why = done === undefined ? `did not end within ${showMs(of.timeoutMs)}` : `ended with exit code ${done.code}`
  throw new LaunchwayError('SMOKE_CHECK_FAILED', `${of.name} ${why}`, { hint: lastOf(lines.join('\n'), ports) })
}
