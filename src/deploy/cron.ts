import { z } from 'zod'
import type { Environment, Service } from '../core/deployment.ts'
import { parseJson } from '../core/json.ts'
import type { Slot } from '../core/names.ts'
import { type HostCall, imageOf, joinCalls, nameIn, secretsCalls, stopSeconds } from './call.ts'
import { containerArgs } from './container.ts'
import { ownerOf } from './mounts.ts'
import type { Observation, SeenContainer } from './observation.ts'
import type { Lack, Wanted } from './wanted.ts'

/** What a host has for scheduled commands. */
export interface SeenCron {
  /**
   * What keeps them from being run: no program `crontab`, no daemon, an account that may not use it, or the lock of the
   * host out of its reach.
   */
  lacks: readonly ('missing' | 'idle' | 'denied' | 'unlocked')[]
  /** The words with which the account was denied. */
  said: string
  /** The account whose crontab has the lines; undefined while there are none. */
  of: string | undefined
  /** By service: the five fields of its line. */
  lines: ReadonlyMap<string, string>
  /** The services whose next run makes their container again, if that is gone. */
  noted?: ReadonlySet<string>
}

/** How the last run of a scheduled command went; instants are ISO 8601. */
export type Run =
  | { state: 'never' }
  | { state: 'running'; startedAt: string }
  | { state: 'ended'; startedAt: string; endedAt: string; exitCode: number; outOfMemory: boolean; error: string }

/** A service that runs at its times alone. */
export type Job = Service & { cron: string }

export function isJob(service: Service): service is Job {
  return service.cron !== undefined
}

/** Reads what observe-cron.sh prints; undefined where nothing was looked for. */
export function cronOf(facts: readonly string[][]): SeenCron | undefined {
  const all = (name: string): string[][] => facts.flatMap(([key, ...rest]) => (key === name ? [rest] : []))
  const told = all('cron')
  const of = all('cron.of')[0]?.[0]
  if (told.length === 0) return undefined
  const kinds = ['missing', 'idle', 'denied', 'unlocked'] as const
  return {
    lacks: kinds.filter((kind) => told.some(([word]) => word === kind)),
    said: told.find(([word]) => word === 'denied')?.[1] ?? '',
    of,
    noted: new Set(all('cron.noted').flatMap(([service = '']) => service)),
    lines: new Map(
      all('cron.line').flatMap(([line = '']) => {
        // One that somebody has commented out runs nothing.
        const [, times, service] = /^([\d*,/-]+(?: [\d*,/-]+){4}) .* (\S+)$/.exec(line) ?? []
        return times === undefined || service === undefined ? [] : [[service, times] as const]
      }),
    ),
  }
}

const State = z.object({
  Running: z.boolean(),
  StartedAt: z.string(),
  FinishedAt: z.string(),
  ExitCode: z.int(),
  OOMKilled: z.boolean().default(false),
  Error: z.string().default(''),
})

/** By container: what the engine says of its last run. */
export function runsOf(facts: readonly string[][]): Map<string, Run> {
  return new Map(
    facts.flatMap(([key, name = '', ...text]) => {
      const state = key === 'run' ? parseJson(text.join('\t'), State) : undefined
      return state === undefined ? [] : [[name.replace(/^\//, ''), runOf(state)] as const]
    }),
  )
}

function runOf({ Running, StartedAt, FinishedAt, ExitCode, OOMKilled, Error: error }: z.infer<typeof State>): Run {
  const startedAt = instant(StartedAt)
  if (Running) return { state: 'running', startedAt: startedAt ?? '' }
  const endedAt = instant(FinishedAt)
  // One that could not be started has neither instant, and says why.
  if (endedAt === undefined && error === '') return { state: 'never' }
  return { state: 'ended', startedAt: startedAt ?? '', endedAt: endedAt ?? '', exitCode: ExitCode, outOfMemory: OOMKilled, error }
}

/** The engine writes the year 1 for what has not been, and nanoseconds. */
function instant(text: string): string | undefined {
  return text.startsWith('0001-') ? undefined : text.replace(/\.\d+Z$/, 'Z')
}

/**
 * Why scheduled commands would not run here; nothing where none is wanted.
 * @param isReturn a way back that is needed now does not wait for a daemon that can be started later
 */
export function cronLacks(services: readonly Service[], { cron }: Pick<Observation, 'cron'>, isReturn = false): Lack[] {
  const names = services.filter(isJob).map(({ name }) => name)
  if (names.length === 0) return []
  const whose = `${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} cron`
  const words: Record<SeenCron['lacks'][number], Lack> = {
    missing: { what: 'crontab is not installed', hint: `${whose}. As root on the host: apt install cron` },
    idle: { what: 'no cron daemon runs', hint: `${whose}. As root on the host: apt install cron && systemctl enable --now cron` },
    denied: {
      what: 'the account may not use crontab',
      hint: `${whose}. It said: ${cron?.said ?? ''} See cron.allow and cron.deny in /etc.`,
    },
    unlocked: {
      what: 'the account cannot use the lock of the host, host.lock in the state folder',
      hint: `${whose}, and crontabs are changed under that lock. As root on the host: chown USER the state folder, or chmod a+r its host.lock`,
    },
  }
  return (cron?.lacks ?? ['missing']).filter((lack) => !isReturn || lack !== 'idle').map((lack) => words[lack])
}

/** What a way back passes over. */
export function cronWarnings({ isReturn, environment }: Pick<Wanted, 'isReturn' | 'environment'>, { cron }: Observation): string[] {
  if (!isReturn || !environment.services.some(isJob) || cron?.lacks.includes('idle') !== true) return []
  return ['no cron daemon runs, and no scheduled command until one does. As root on the host: systemctl enable --now cron']
}

/** Makes the containers of scheduled commands. None is started, and none that is there is touched. */
export function jobCalls(wanted: Wanted, seen: Observation, slot: Slot): { creates: HostCall[]; notes: string[] } {
  const { release, environment, isReturn } = wanted
  const creates: HostCall[] = []
  const notes: string[] = []
  for (const service of environment.services.filter(isJob)) {
    const container = nameIn(wanted, service)
    const there = seen.containers.find(({ name }) => name === container)
    // One of a release that is not current was left by an attempt that broke off: `recover` removes it.
    const isKept = there !== undefined && (seen.current === release || (isReturn && there.slot === slot))
    if (!isKept) {
      const owner = ownerOf(wanted, slot)
      creates.push(...secretsCalls(service, wanted))
      creates.push(['create', service.name, container, ...containerArgs(service, owner, imageOf(wanted, service).reference)])
      creates.push(...joinCalls(service, container))
    }
    const before = seen.cron?.lines.get(service.name) ?? service.cron
    const instead = before === service.cron ? '' : ` instead of ${before}`
    const secrets = isKept && !isReturn && service.secrets.length > 0 ? ', and keeps the secrets it was made with' : ''
    notes.push(`${service.name}: runs at ${service.cron}${instead}, host's time${secrets}`)
  }
  return { creates, notes }
}

/** The lines of the crontab become those of the release; none where there are none and were none. */
export function scheduleCalls({ environment }: Pick<Wanted, 'environment'>, { cron }: Observation): HostCall[] {
  const jobs = environment.services.filter(isJob)
  if (jobs.length === 0 && cron?.of === undefined) return []
  return [['schedule', ...jobs.flatMap((job) => [job.name, job.cron])]]
}

/** An old container has its time to stop. A run of a scheduled command has it to end by itself. */
export function retireCall(
  environment: Environment,
  one: SeenContainer,
  seen: Pick<Observation, 'releases'>,
  drained: readonly string[],
  when: 'now' | 'beside' = 'beside',
): HostCall {
  const { service, name, cron } = one
  const seconds = stopSeconds(one, seen, environment)
  if (cron === undefined) return ['retire', service, name, seconds, ...drained]
  return [when === 'now' ? 'retire_run' : 'retire_job', service, name, seconds]
}
