import type { EngineContainer, EngineInfo, Ports } from '../core/ports.ts'
import { type ComposeProject, type ComposeService, durationMs } from '../tools/compose.ts'
import { serviceOf } from './verdict.ts'

/**
 * Between two checks of a container that is not healthy yet. A check has some 50 ms until its program runs, and what becomes
 * true just after one look is seen by the next: with this pause that is within 200 ms.
 */
const startIntervalMs = 75
/** The same where the engine has one interval for all of a container's life. */
const plainIntervalMs = 500
/** What compose and the engine take where nothing is said. */
const defaults = { interval: '30s', retries: 3 }

/** What the engine and compose of this machine know: the interval at the start came with engine 25 and compose 2.20. */
export function knowsStartInterval({ apiVersion }: Pick<EngineInfo, 'apiVersion'>, composeVersion: string): boolean {
  return reaches(apiVersion, [1, 44]) && reaches(composeVersion, [2, 20])
}

/** Whether a version is that one or a later one. */
export function reaches(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, a = 0, b = 0] = /(\d+)\.(\d+)/.exec(version)?.map(Number) ?? []
  return a > major || (a === major && b >= minor)
}

export interface Quickened {
  file: ComposeProject
  /**
   * By service whose containers the engine leaves in peace for longer than the files say: the time that they say, or
   * undefined where that stands in the image. How long such a container may take is for `patienceOf` to say.
   */
  startPeriods: ReadonlyMap<string, number | undefined>
}

/**
 * Has health asked for often until a container is healthy for the first time. Test and timeout stay as they are; so do
 * interval and retries once it has been healthy, and how long it may take until then.
 * @param giveMs longer than anybody waits for the stack
 */
export function quicken(file: ComposeProject, hasStartInterval: boolean, giveMs: number): Quickened {
  const startPeriods = new Map<string, number | undefined>()
  const services = Object.entries(file.services).map(([name, service]): [string, ComposeService] => {
    const { healthcheck: asked = {} } = service
    if (asked.disable === true || asked.test?.[0] === 'NONE') return [name, service]
    if (!hasStartInterval) return [name, asked.test === undefined ? service : { ...service, healthcheck: { ...asked, ...oftener(asked) } }]
    // Who says how often to ask at the start knows why.
    if (asked.start_interval !== undefined) return [name, service]
    startPeriods.set(name, asked.start_period === undefined ? undefined : durationMs(asked.start_period))
    return [name, { ...service, healthcheck: { ...asked, start_interval: `${startIntervalMs}ms`, start_period: `${giveMs}ms` } }]
  })
  return { file: { ...file, services: Object.fromEntries(services) }, startPeriods }
}

type Health = NonNullable<ComposeService['healthcheck']>

/** As long until it is unhealthy, in more and shorter steps. */
function oftener({ interval = defaults.interval, retries = defaults.retries }: Health): Partial<Health> {
  const ms = durationMs(interval)
  if (ms <= plainIntervalMs) return {}
  return { interval: `${plainIntervalMs}ms`, retries: Math.ceil((ms * retries) / plainIntervalMs) }
}

/** How long a container may take until it is healthy, in milliseconds; undefined where the engine itself tells when it is too long. */
export type Patience = (container: EngineContainer) => number | undefined

/** What compose files and images gave the containers, now that there are any. */
export async function patienceOf(
  containers: readonly EngineContainer[],
  { startPeriods }: Quickened,
  { engine }: Pick<Ports, 'engine'>,
): Promise<Patience> {
  const found = new Map<string, number>()
  await Promise.all(
    containers.map(async (container) => {
      const service = serviceOf(container)
      if (service === undefined || !startPeriods.has(service)) return
      const ofImage = async (): Promise<number> => (await engine.image(container.image))?.startPeriodMs ?? 0
      found.set(service, startPeriods.get(service) ?? (await ofImage()))
    }),
  )
  return (container) => {
    const startPeriodMs = found.get(serviceOf(container) ?? '')
    const { settings, ms = 0 } = container.health ?? {}
    return startPeriodMs === undefined || settings === undefined ? undefined : startPeriodMs + settings.retries * (settings.intervalMs + ms)
  }
}
