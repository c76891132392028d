import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokeStep } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { SmokeSection } from '../core/release.ts'
import { showMs } from '../core/units.ts'
import { exec, run, type Stack } from '../tools/compose.ts'
import { lastOf } from './stack.ts'
import { within } from './within.ts'

export type Step = NonNullable<SmokeSection['steps']>[number]

/** Lines that are kept of what a step says. */
const keptLines = 200

/**
 * What is done in the stack before the checks.
 * @param steps gets one more when it has ended, however that was
 * @throws LaunchwayError SMOKE_CHECK_FAILED with the end of what it said
 */
export async function step(of: SmokeStep, stack: Stack, steps: Step[], ports: Ports, signal: AbortSignal): Promise<void> {
  const started = ports.clock.elapsed()
  const asked = of.kind === 'run' ? run(stack, of.service, of.command) : exec(stack.project, of.service, of.command)
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
  throw new LaunchwayError('SMOKE_CHECK_FAILED', `${of.name} ${why}`, { hint: lastOf(lines.join('\n')) })
}
