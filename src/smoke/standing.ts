import type { SmokeCheck } from '../core/gates.ts'
import type { EngineContainer } from '../core/ports.ts'
import type { SmokeSection } from '../core/release.ts'
import type { Stack } from '../tools/compose.ts'
import { networkOf, type ServicePort } from './reach.ts'
import { serviceOf } from './verdict.ts'

/** The stack as the checks find it. */
export interface Standing {
  stack: Stack
  containers(this: void): readonly EngineContainer[]
  /** The ports that can be reached, by the services that have them. */
  reached: readonly ServicePort[]
  /** Kept when all checks have ended that end by themselves, and nothing in the stack comes or goes any more. */
  rest: Promise<unknown>
  /** Aborted when the stack died, or the run was cancelled. */
  signal: AbortSignal
}

export type Of<Kind extends SmokeCheck['kind']> = Extract<SmokeCheck, { kind: Kind }>

/** What a try showed. */
export interface Try {
  passed: boolean
  evidence: string
  /** Nobody took the connection, or nobody answered. */
  isUnanswered?: boolean
}

/** How a check ended. `isEcho`: it was not asked, since another one failed. */
export type Checked = SmokeSection['checks'][number] & { service: string | undefined; isEcho?: boolean }

/** Characters that are shown of what was answered. */
export const shownChars = 2_000

/**
 * A command passes by its exit code, and by what it writes where something is wanted of that.
 * @param ended `late`: the time in which it did not end; `said`: what of its output is shown
 */
export function judgedOutput(ended: { said: string } & ({ code: number; stdout: string } | { late: string }), wanted?: string): Try {
  const how = 'late' in ended ? `did not end within ${ended.late}` : `exit code ${ended.code}`
  const passed = 'code' in ended && ended.code === 0 && (wanted === undefined || ended.stdout.includes(wanted))
  const lacking = passed || wanted === undefined ? [] : [`wanted: a standard output with ${JSON.stringify(wanted)}`]
  return { passed, evidence: [how, ...lacking, ended.said === '' ? '(no output)' : ended.said].join('\n') }
}

/** The container of a service in which a command can run: the first of several that runs. */
export function runningOf(service: string, containers: readonly EngineContainer[]): EngineContainer | undefined {
  return containers.find((one) => serviceOf(one) === service && one.status === 'running')
}

/** Where a port inside is reached. It changes with each start of a container, so it is looked up for each try. */
export function addressOf({ service, port }: ServicePort, { stack, containers }: Standing): EngineContainer['ports'][string] | undefined {
  const { services } = stack.file
  const at = networkOf(service, services)
  const container = runningOf(at, containers())
  if (container === undefined) return undefined
  return services[at]?.network_mode === 'host' ? { address: '127.0.0.1', port } : container.ports[`${port}/tcp`]
}
