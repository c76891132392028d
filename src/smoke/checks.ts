import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokeCheck } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { run } from '../tools/compose.ts'
import { execIn } from '../tools/docker.ts'
import { askHttp } from './ask-http.ts'
import { lastOf } from './evidence.ts'
import { listensElsewhere } from './listening.ts'
import { watchLog } from './read-log.ts'
import { runScript } from './script.ts'
import { addressOf, type Checked, judgedOutput, type Of, runningOf, type Standing, type Try } from './standing.ts'
import { within } from '../core/within.ts'

/** Between two tries. */
const pauseMs = 500
/** After the first; who has just started is there a moment later. */
const firstPauseMs = 100
/** A request that hangs longer than this, or than half the time of its check, is asked again. */
const tryMs = 10_000

/** Asks once, or again until it passes or its time is up: as its kind has it. */
export async function perform(check: SmokeCheck, standing: Standing, ports: Ports): Promise<Checked> {
  const { clock } = ports
  const started = clock.elapsed()
  const { passed, evidence } = await judged(check, standing, ports)
  return { name: check.name, service: askedService(check), passed, ms: clock.elapsed() - started, evidence }
}

export function askedService(check: SmokeCheck): string | undefined {
  return check.kind === 'script' ? undefined : check.service
}

function judged(check: SmokeCheck, standing: Standing, ports: Ports): Promise<Try> {
  if (check.kind === 'log') return watchLog(check, standing, ports)
  return check.kind === 'script' ? runScript(check, standing, ports) : again(check, standing, ports)
}

async function again(check: Of<'http' | 'tcp' | 'exec' | 'run'>, standing: Standing, ports: Ports): Promise<Try> {
  const { clock } = ports
  const started = clock.elapsed()
  let last: Try = { passed: false, evidence: 'it was not tried' }
  let tries = 0
  while (!last.passed) {
    const left = check.timeoutMs - (clock.elapsed() - started)
    if (left <= 0) break
    if (tries > 0) await clock.sleep(Math.min(firstPauseMs * tries, pauseMs, left), standing.signal)
    tries += 1
    const longest = check.kind === 'http' ? Math.min(left, Math.max(tryMs, check.timeoutMs / 2)) : left
    const inTime = await within(longest, standing.signal, ports, (signal) => attempt(check, { ...standing, signal }, ports))
    // A try that the end of the time cut short shows less than the one before.
    if (inTime !== undefined) last = inTime
    else if (tries === 1) last = { passed: false, evidence: `no answer within ${showMs(longest)}` }
  }
  if (last.passed) return last
  const elsewhere = last.isUnanswered === true && 'port' in check ? await listensElsewhere(check, standing, ports) : undefined
  const told = [
    last.evidence,
    ...(elsewhere === undefined ? [] : [elsewhere]),
    `tried ${tries} times in ${showMs(clock.elapsed() - started)}`,
  ]
  return { passed: false, evidence: told.join('\n') }
}

async function attempt(check: Of<'http' | 'tcp' | 'exec' | 'run'>, standing: Standing, ports: Ports): Promise<Try> {
  if (check.kind === 'http') return askHttp(check, standing, ports)
  if (check.kind === 'tcp') return askPort(check, standing, ports)
  const { service, command, stdout } = check
  const inside = check.kind === 'exec' ? runningOf(service, standing.containers()) : undefined
  if (check.kind === 'exec' && inside === undefined) return { passed: false, evidence: `${service} does not run` }
  const asked = inside === undefined ? run(standing.stack, service, command) : execIn(inside.id, command)
  const done = await ports.exec.run(asked, { signal: standing.signal, accept: anyCode })
  // Of both, since the first may be long, and the cause in the second.
  const said = [done.stdout, done.stderr].map((text) => lastOf(text, ports)).filter((text) => text !== '')
  const { passed, evidence } = judgedOutput({ ...done, said: said.join('\n') }, stdout)
  // Of a question that passes nobody reads what was said.
  return { passed, evidence: passed ? 'exit code 0' : evidence }
}

async function askPort(check: Of<'tcp'>, standing: Standing, { probe }: Ports): Promise<Try> {
  const at = addressOf(check, standing)
  if (at === undefined) return { passed: false, evidence: `${check.service} does not run` }
  const passed = await probe.connects(at.address, at.port, standing.signal)
  return passed
    ? { passed, evidence: 'takes connections' }
    : { passed, evidence: `nobody listens on port ${check.port}`, isUnanswered: true }
}

/** What the failed checks have in common is said once; those that waited for one of them are its echoes. */
export function checksFailed(checked: readonly Checked[], logs: ReadonlyMap<string, string>): LaunchwayError {
  const failed = checked.filter(({ isEcho = false }) => !isEcho)
  const names = failed.map(({ name }) => `"${name}"`).join(', ')
  const shown = failed.map(({ name, evidence = '' }) => `${name}\n${indented(evidence)}`)
  const echoes = checked.filter(({ isEcho = false }) => isEcho).map(({ name, evidence = '' }) => `${name}: ${evidence}`)
  const ends = [...logs].map(([service, log]) => `the end of the log of ${service}:\n${indented(log === '' ? '(nothing)' : log)}`)
  return new LaunchwayError(
    'SMOKE_CHECK_FAILED',
    failed.length === 1 ? `the check ${names} failed` : `${failed.length} checks failed: ${names}`,
    {
      hint: [...shown, ...(echoes.length === 0 ? [] : [echoes.join('\n')]), ...ends].join('\n\n'),
    },
  )
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
