import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokeCheck } from '../core/gates.ts'
import type { Answer, EngineContainer, Ports } from '../core/ports.ts'
import type { SmokeSection } from '../core/release.ts'
import { showMs } from '../core/units.ts'
import { type ComposeProject, exec } from '../tools/compose.ts'
import { followLog } from '../tools/docker.ts'
import { cut } from './evidence.ts'
import { networkOf } from './plan.ts'
import { serviceOf } from './verdict.ts'
import { within } from './within.ts'

/** Between two tries. */
const pauseMs = 500
/** A request that hangs longer than this, or than half the time of its check, is asked again. */
const tryMs = 10_000
/** Characters that are shown of what was answered. */
const shownChars = 2_000

/** That somebody listens: asked of each port that the file publishes where the user asks nothing. */
interface PortCheck {
  kind: 'port'
  name: string
  service: string
  port: number
  timeoutMs: number
}
export type Check = SmokeCheck | PortCheck
export type Checked = SmokeSection['checks'][number] & { service: string }

export interface Standing {
  project: string
  services: ComposeProject['services']
  containers(this: void): readonly EngineContainer[]
  /** Aborted when the stack died, or the run was cancelled. */
  signal: AbortSignal
}

/** What a try showed. */
interface Try {
  passed: boolean
  evidence: string
}

/** Tries until it passes or its time is up. */
export async function perform(check: Check, standing: Standing, ports: Ports): Promise<Checked> {
  const { clock } = ports
  const started = clock.elapsed()
  let last: Try = { passed: false, evidence: 'it was not tried' }
  let tries = 0
  while (!last.passed) {
    const left = check.timeoutMs - (clock.elapsed() - started)
    if (left <= 0) break
    if (tries > 0) await clock.sleep(Math.min(pauseMs, left), standing.signal)
    tries += 1
    const longest = check.kind === 'http' ? Math.min(left, Math.max(tryMs, check.timeoutMs / 2)) : left
    const inTime = await within(longest, standing.signal, ports, (signal) => attempt(check, { ...standing, signal }, ports))
    // A try that the end of the time cut short shows less than the one before.
    if (inTime !== undefined) last = inTime
    else if (tries === 1) last = { passed: false, evidence: check.kind === 'log' ? noLine(check) : `no answer within ${showMs(longest)}` }
  }
  const ms = clock.elapsed() - started
  const evidence = last.passed ? last.evidence : `${last.evidence}\ntried ${tries} times in ${showMs(ms)}`
  return { name: check.name, service: check.service, passed: last.passed, ms, evidence }
}

function attempt(check: Check, standing: Standing, ports: Ports): Promise<Try> {
  if (check.kind === 'http') return askHttp(check, standing, ports)
  if (check.kind === 'exec') return askInside(check, standing, ports)
  return check.kind === 'log' ? readLog(check, standing, ports) : askPort(check, standing, ports)
}

type Of<Kind extends Check['kind']> = Extract<Check, { kind: Kind }>

async function askHttp(check: Of<'http'>, standing: Standing, { probe }: Ports): Promise<Try> {
  const at = addressOf(check, standing)
  if (at === undefined) return { passed: false, evidence: `${check.service} does not run` }
  const host = check.port === (check.scheme === 'https' ? 443 : 80) ? check.service : `${check.service}:${check.port}`
  const asked = `${check.scheme}://${host}${check.path}`
  let answer: Answer
  try {
    answer = await probe.get(`${check.scheme}://${at.address}:${at.port}${check.path}`, { host, signal: standing.signal })
  } catch (error) {
    return { passed: false, evidence: `GET ${asked}\nno answer: ${error instanceof Error ? error.message : String(error)}` }
  }
  const wrong = wrongIn(check, answer)
  if (wrong.length === 0) return { passed: true, evidence: `answered ${answer.status}` }
  const headers = Object.keys(check.headers).map((name) => `  ${name}: ${answer.headers[name] ?? '(not there)'}`)
  const body = cut(answer.body.trim(), shownChars)
  return {
    passed: false,
    evidence: [
      `GET ${asked}`,
      ...wrong.map((line) => `wanted: ${line}`),
      `answered: ${answer.status}`,
      ...headers,
      body === '' ? '(an empty body)' : body,
    ].join('\n'),
  }
}

/** What of the answer is not as it was asked for. */
export function wrongIn(check: Pick<Of<'http'>, 'status' | 'contains' | 'headers'>, answer: Answer): string[] {
  const { status, contains, headers } = check
  const right = status === undefined ? answer.status >= 200 && answer.status <= 299 : answer.status === status
  return [
    ...(right ? [] : [`status ${status ?? '200 to 299'}`]),
    ...(contains === undefined || answer.body.includes(contains) ? [] : [`a body with ${JSON.stringify(contains)}`]),
    ...Object.entries(headers).flatMap(([name, value]) => {
      const found = answer.headers[name]
      return found !== undefined && (value === '' || found === value) ? [] : [`the header ${name}${value === '' ? '' : `: ${value}`}`]
    }),
  ]
}

async function askInside(check: Of<'exec'>, { project, signal }: Standing, ports: Ports): Promise<Try> {
  const { code, stdout, stderr } = await ports.exec.run(exec(project, check.service, check.command), { signal, accept: anyCode })
  const passed = code === 0 && (check.stdout === undefined || stdout.includes(check.stdout))
  if (passed) return { passed, evidence: 'exit code 0' }
  const wanted = check.stdout === undefined ? [] : [`wanted: a standard output with ${JSON.stringify(check.stdout)}`]
  const said = [stdout.trim(), stderr.trim()].filter((text) => text !== '').join('\n')
  return { passed, evidence: [`exit code ${code}`, ...wanted, said === '' ? '(no output)' : cut(said, shownChars)].join('\n') }
}

/** Follows the log, so that no line is overlooked and none is read twice. */
async function readLog(check: Of<'log'>, standing: Standing, ports: Ports): Promise<Try> {
  const pattern = new RegExp(check.matches)
  const found = new AbortController()
  const signal = AbortSignal.any([standing.signal, found.signal])
  let line: string | undefined
  const onLine = (text: string): void => {
    if (line !== undefined || !pattern.test(text)) return
    line = text
    found.abort()
  }
  const containers = standing.containers().filter((container) => serviceOf(container) === check.service)
  // A program that was ended since the line is there has failed by that alone.
  await Promise.allSettled(containers.map(({ id }) => ports.exec.run(followLog(id), { signal, onLine, accept: anyCode })))
  return line === undefined ? { passed: false, evidence: noLine(check) } : { passed: true, evidence: cut(line, 200) }
}

function noLine({ matches }: Of<'log'>): string {
  return `no line of the log matches ${matches}`
}

async function askPort(check: PortCheck, standing: Standing, { probe }: Ports): Promise<Try> {
  const at = addressOf(check, standing)
  if (at === undefined) return { passed: false, evidence: `${check.service} does not run` }
  const passed = await probe.connects(at.address, at.port, standing.signal)
  return { passed, evidence: passed ? 'takes connections' : `nobody listens on port ${check.port}` }
}

/** Where a port inside is reached. It changes with each start of a container, so it is looked up for each try. */
function addressOf(
  { service, port }: { service: string; port: number },
  { services, containers }: Standing,
): EngineContainer['ports'][string] | undefined {
  const at = networkOf(service, services)
  const container = containers().find((one) => serviceOf(one) === at && one.status === 'running')
  if (container === undefined) return undefined
  return services[at]?.network_mode === 'host' ? { address: '127.0.0.1', port } : container.ports[`${port}/tcp`]
}

/** What the failed checks have in common is said once. */
export function checksFailed(failed: readonly Checked[], logs: ReadonlyMap<string, string>): LaunchwayError {
  const names = failed.map(({ name }) => `"${name}"`).join(', ')
  const shown = failed.map(({ name, evidence = '' }) => `${name}\n${indented(evidence)}`)
  const ends = [...logs].map(([service, log]) => `the end of the log of ${service}:\n${indented(log === '' ? '(nothing)' : log)}`)
  return new LaunchwayError(
    'SMOKE_CHECK_FAILED',
    failed.length === 1 ? `the check ${names} failed` : `${failed.length} checks failed: ${names}`,
    {
      hint: [...shown, ...ends].join('\n\n'),
    },
  )
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
