import { LaunchwayError } from '../../core/error.ts'
import { accessoryName } from '../../core/names.ts'
import type { Ports } from '../../core/ports.ts'
import { type HostCall, keepAgain, networkCalls, stopSeconds } from '../call.ts'
import { cronLacks } from '../cron.ts'
import type { SeenHost } from '../look.ts'
import { membersOf } from '../members.ts'
import { lookToChange } from '../recovered.ts'
import type { Observation, SeenContainer } from '../observation.ts'
import { hasRun } from '../once.ts'
import { refuseLacks } from '../unfit.ts'
import { restartOf, watchCall } from '../start.ts'
import { perform } from './change.ts'
import { type Answer, changeAll, exitOf, hostsOf, showRefusal, type Target } from './hosts.ts'

/** Which services, and on which hosts; all of them where none is named. */
export interface Which {
  service: string | undefined
  host: string | undefined
}

/** Stops services of the release that runs. They stay stopped over a reboot; the next deploy starts them again. */
export function stop(target: Target, which: Which, ports: Ports): Promise<Answer> {
  return turn(target, which, 'stop', ports)
}

/** Starts services that were stopped, and waits until they are well. */
export function start(target: Target, which: Which, ports: Ports): Promise<Answer> {
  return turn(target, which, 'start', ports)
}

async function turn(target: Target, { service, host: wanted }: Which, did: 'stop' | 'start', ports: Ports): Promise<Answer> {
  const answers = await changeAll(
    hostsOf(target, wanted),
    async (host) => {
      await using seen = await lookToChange(host, target, ports)
      const { calls, services } = did === 'stop' ? stopCalls(target, seen, service) : startAgainCalls(seen, service)
      if (calls.length > 0) await perform(target, seen, { did, calls }, ports)
      return { release: seen.seen.current ?? '', services }
    },
    ports,
  )
  const [done, already] = did === 'stop' ? ['stopped', 'nothing was running'] : ['started', 'everything is running already']
  const lines = answers.map((one) => {
    if (one.error !== undefined) return showRefusal(one.host, one.error)
    return `${one.host}: ${one.services.length === 0 ? already : `${done} ${one.services.join(', ')}`}`
  })
  const stopped = answers.some((one) => did === 'stop' && one.error === undefined && one.services.length > 0)
  const then = stopped ? ['Stopped also over a reboot, until `launchway start` or the next deploy.'] : []
  return { text: `${[...lines, ...then].join('\n')}\n`, json: answers, ...exitOf(answers) }
}

export function stopCalls(
  target: Target,
  seen: Pick<SeenHost, 'host' | 'seen'>,
  service: string | undefined,
): { calls: HostCall[]; services: string[] } {
  const found = containersOf(seen, service)
  const running = found.filter(({ state }) => state !== 'exited' && state !== 'created')
  // Their lines go first: no run begins while one is ended.
  const jobs = found.filter((one) => one.cron !== undefined && seen.seen.cron?.lines.has(one.service) === true).map((one) => one.service)
  const as = seen.seen.releases.get(seen.seen.current ?? '')?.environment ?? target.environment
  return {
    calls: [
      ...(jobs.length === 0 ? [] : [['unschedule', ...jobs] as const, ['settled'] as const]),
      ...running.map((one): HostCall => [
        'cease',
        one.service,
        one.name,
        stopSeconds(one, seen.seen, as),
        as.services.find(({ name }) => name === one.service)?.restart ?? 'unless-stopped',
      ]),
    ],
    services: found.filter((one) => running.includes(one) || jobs.includes(one.service)).map((one) => one.service),
  }
}

/**
 * In the order in which a deploy starts them; a scheduled command gets its line again.
 * @throws LaunchwayError HOST_UNFIT where no cron would run it
 */
export function startAgainCalls(
  { host, seen }: Pick<SeenHost, 'host' | 'seen'>,
  service: string | undefined,
): { calls: HostCall[]; services: string[] } {
  const found = containersOf({ host, seen }, service)
  const stopped = found.filter((one) => one.state !== 'running' && one.cron === undefined && !hasRun(one, seen))
  const kept = seen.releases.get(seen.current ?? '')
  const jobs = found.flatMap((one) =>
    one.cron === undefined || seen.cron?.lines.has(one.service) === true ? [] : [[one.service, one.cron]],
  )
  const asked = kept?.environment.services.filter(({ name }) => jobs.some(([job]) => job === name)) ?? []
  refuseLacks(cronLacks(asked, seen), `${host} cannot run scheduled commands`)
  const order = kept?.environment.services.map(({ name }) => name) ?? []
  const sorted = stopped.toSorted((one, other) => order.indexOf(one.service) - order.indexOf(other.service))
  const calls = sorted.flatMap(({ service: of, name }): HostCall[] => {
    const settings = kept?.environment.services.find((one) => one.name === of)
    const watch =
      settings === undefined ? [] : [watchCall(settings, name, settings.nginx === undefined ? undefined : slotAddress(seen, of, stopped))]
    return [['wake', of, name], ...watch]
  })
  const started = kept?.environment.services.filter(({ name }) => sorted.some((one) => one.service === name)) ?? []
  const networks =
    kept === undefined
      ? []
      : networkCalls(
          kept.environment,
          started.flatMap((one) => one.networks),
        )
  const runs = found.filter((one) => one.state === 'running' && one.cron === undefined && !hasRun(one, seen))
  const keep = [
    ...sorted.map(({ name, service: of }): HostCall => ['keep', name, restartOf(of, seen)]),
    ...runs.flatMap((one) => keepAgain(one.name, one, restartOf(one.service, seen))),
  ]
  const schedule: HostCall[] = jobs.length === 0 ? [] : [['schedule_again', ...jobs.flat()]]
  const all = [...networks, ...calls, ...keep, ...schedule]
  return {
    calls: all.length === 0 ? [] : [...all, ['settled']],
    services: [...sorted.map((one) => one.service), ...jobs.map(([job = '']) => job)],
  }
}

function slotAddress({ ports }: Observation, service: string, containers: readonly SeenContainer[]): string | undefined {
  const slot = containers.find((one) => one.service === service)?.slot
  const pair = ports.get(service)
  return slot === undefined || pair === undefined ? undefined : `127.0.0.1:${pair[slot]}`
}

/**
 * The containers of the release that runs.
 * @throws LaunchwayError VERSION_UNKNOWN where nothing runs, USAGE for a service that is not there
 */
function containersOf({ host, seen }: Pick<SeenHost, 'host' | 'seen'>, service: string | undefined): SeenContainer[] {
  if (seen.current === undefined) throw nothingRuns(host)
  const all = membersOf(seen.current, seen)
  const found = all.filter((one) => service === undefined || one.service === service)
  if (found.length === 0 && service !== undefined)
    throw noService(
      host,
      service,
      all.map((one) => one.service),
      seen.accessories,
    )
  return found
}

/** As far as the configuration tells, where no host is looked at. */
export function accessoriesOf({ app, environment }: Target): { name: string; container: string }[] {
  return environment.accessories.map(({ name }) => ({
    name,
    container: accessoryName({ app, environment: environment.name, accessory: name }),
  }))
}

export function nothingRuns(host: string): LaunchwayError {
  return new LaunchwayError('VERSION_UNKNOWN', `nothing runs on ${host}`, { hint: 'launchway status shows what the hosts have.' })
}

/** @param accessories those of the environment: whoever names one of them means something, and is told what there is */
export function noService(
  host: string,
  service: string,
  known: readonly string[],
  accessories: readonly { name: string; container: string }[] = [],
): LaunchwayError {
  const accessory = accessories.find(({ name }) => name === service)
  if (accessory !== undefined) {
    return new LaunchwayError('USAGE', `${service} on ${host} is an accessory, which this verb is not for: no release has it`, {
      hint: `There are launchway logs ${service}, exec ${service}, remove ${service}, and, anew as it is configured, recreate ${service}. On the host: docker restart ${accessory.container}`,
    })
  }
  return new LaunchwayError('USAGE', `${host} runs no service "${service}"`, {
    hint: known.length === 0 ? 'No service runs there.' : `It has: ${known.join(', ')}`,
  })
}
