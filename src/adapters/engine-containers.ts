import { Readable } from 'node:stream'
import type Dockerode from 'dockerode'
import { z } from 'zod'
import { parseJson } from '../core/json.ts'
import type { Engine, EngineChange, EngineContainer, HealthSettings } from '../core/ports.ts'

/** The part of the engine that concerns what runs on it. */
type Containers = Omit<Engine, 'info' | 'platform' | 'image' | 'history' | 'filesIn' | 'host'>

/** What a container does that somebody waits for. */
const awaited = ['start', 'die', 'oom', 'health_status']
const Change = z.object({
  Action: z.string(),
  timeNano: z.number(),
  Actor: z.object({ ID: z.string(), Attributes: z.looseObject({ exitCode: z.string().optional() }) }),
})
/** In the second version of cgroups, or in the first; nothing of either when the container has ended. */
const Memory = z.object({
  memory_stats: z
    .object({
      usage: z.number().optional(),
      stats: z.object({ inactive_file: z.number().optional(), total_inactive_file: z.number().optional() }).optional(),
    })
    .optional(),
})

/** @param listening the same engine, by a client that waits for ever */
export function engineContainers(docker: () => Promise<Dockerode>, listening: () => Promise<Dockerode>): Containers {
  async function container(id: string): Promise<EngineContainer | undefined> {
    const engine = await docker()
    return orGone(async () => describe(await engine.getContainer(id).inspect()))
  }

  return {
    container,

    async containers(label) {
      const listed = await (await docker()).listContainers({ all: true, filters: { label: [label] } })
      const found = await Promise.all(listed.map(({ Id }) => container(Id)))
      return found.filter((one) => one !== undefined)
    },

    async changes(label, signal) {
      const filters = { type: ['container' as const], label: [label], event: awaited }
      const stream = await (await listening()).getEvents({ filters: JSON.stringify(filters) })
      return follow(stream, signal)
    },

    async lastLines(id, { lines, since }) {
      const engine = await docker()
      const from = since === undefined ? {} : { since: Math.floor(Date.parse(since)) / 1000 }
      const read = async (): Promise<Buffer> =>
        engine.getContainer(id).logs({ stdout: true, stderr: true, follow: false, tail: lines, ...from })
      const [log, found] = await Promise.all([orGone(read), orGone(() => engine.getContainer(id).inspect())])
      if (log === undefined) return ''
      return (found?.Config.Tty === true ? log.toString() : withoutHeaders(log)).trimEnd()
    },

    async start(id) {
      try {
        await (await docker()).getContainer(id).start()
        return undefined
      } catch (error) {
        const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
        // 304: it runs already.
        if (status === 304) return undefined
        if (typeof status === 'number' && error instanceof Error) return error.message
        throw error
      }
    },

    async stop(label, graceMs) {
      const engine = await docker()
      const running = await engine.listContainers({ filters: { label: [label] } })
      const t = Math.ceil(graceMs / 1000)
      const ended = Promise.allSettled(running.map(({ Id }) => engine.getContainer(Id).stop({ t })))
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs)
      })
      await Promise.race([ended, late])
      clearTimeout(timer)
    },

    async memory(id) {
      const engine = await docker()
      const found = await orGone(() => engine.getContainer(id).stats({ stream: false, 'one-shot': true }))
      const { usage, stats } = Memory.parse(found ?? {}).memory_stats ?? {}
      return usage === undefined ? undefined : Math.max(0, usage - (stats?.inactive_file ?? stats?.total_inactive_file ?? 0))
    },

    async labelled(label) {
      const engine = await docker()
      const filters = { label: [label] }
      const [containers, networks, { Volumes }, images] = await Promise.all([
        engine.listContainers({ all: true, filters }),
        engine.listNetworks({ filters }),
        engine.listVolumes({ filters }),
        engine.listImages({ filters: JSON.stringify(filters) }),
      ])
      return [
        ...containers.map(({ Labels, Created }) => ({ kind: 'container' as const, labels: Labels, created: instant(Created * 1000) })),
        ...networks.map(({ Labels, Created }) => ({ kind: 'network' as const, labels: Labels ?? {}, created: instant(Created) })),
        ...Volumes.map((volume) => ({
          kind: 'volume' as const,
          labels: volume.Labels,
          created: instant('CreatedAt' in volume && typeof volume.CreatedAt === 'string' ? volume.CreatedAt : undefined),
        })),
        ...images.map(({ Labels, Created }) => ({ kind: 'image' as const, labels: Labels, created: instant(Created * 1000) })),
      ]
    },

    async remove(label) {
      const engine = await docker()
      const filters = { label: [label] }
      const containers = await engine.listContainers({ all: true, filters })
      await Promise.all(containers.map(({ Id }) => orGone(() => engine.getContainer(Id).remove({ force: true, v: true }))))
      const [networks, { Volumes }, images] = await Promise.all([
        engine.listNetworks({ filters }),
        engine.listVolumes({ filters }),
        engine.listImages({ filters: JSON.stringify(filters) }),
      ])
      await Promise.all([
        ...networks.map(({ Id }) => orGone(() => engine.getNetwork(Id).remove())),
        ...Volumes.map(({ Name }) => orGone(() => engine.getVolume(Name).remove())),
        ...images.map(({ Id }) => orGone(() => engine.getImage(Id).remove({ force: true }))),
      ])
    },
  }
}

/** What somebody else has removed, or is removing, is gone. */
async function orGone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
    if (status === 404 || (status === 409 && error instanceof Error && /already in progress|removal of container/.test(error.message)))
      return undefined
    throw error
  }
}

function describe(found: Dockerode.ContainerInspectInfo): EngineContainer {
  const { Config, State } = found
  const last = State.Health?.Log.at(-1)
  const limit = found.HostConfig.Memory ?? 0
  const started = happened(State.StartedAt)
  const finished = happened(State.FinishedAt)
  return {
    id: found.Id,
    labels: Config.Labels,
    image: found.Image,
    reference: Config.Image,
    status: State.Status,
    exitCode: State.ExitCode,
    error: State.Error,
    outOfMemory: State.OOMKilled,
    ...(limit > 0 ? { memoryLimit: limit } : {}),
    restarts: found.RestartCount,
    ...(started === undefined ? {} : { startedAt: started }),
    ...(finished === undefined ? {} : { finishedAt: finished }),
    ...(State.Health === undefined || State.Health.Status === 'none'
      ? {}
      : {
          health: {
            status: State.Health.Status,
            ...(last === undefined ? {} : { exitCode: last.ExitCode }),
            output: (last?.Output ?? '').trim(),
            ...(last === undefined ? {} : { ms: Math.max(0, Date.parse(last.End) - Date.parse(last.Start)) }),
            settings: healthSettings(Config.Healthcheck),
          },
        }),
    ports: reachable(found.NetworkSettings),
  }
}

/** What the engine takes where nothing is said. */
const healthDefaults = { interval: 30e9, timeout: 30e9, retries: 3 }

function healthSettings(found: Dockerode.HealthConfig | undefined): HealthSettings {
  const given = (value: number | undefined, otherwise: number): number => (value === undefined || value === 0 ? otherwise : value)
  return {
    intervalMs: given(found?.Interval, healthDefaults.interval) / 1e6,
    timeoutMs: given(found?.Timeout, healthDefaults.timeout) / 1e6,
    retries: given(found?.Retries, healthDefaults.retries),
  }
}

/** Where each port is published, and where it is reached without: the engine publishes none of an internal network. */
function reachable(settings: Dockerode.ContainerInspectInfo['NetworkSettings']): EngineContainer['ports'] {
  const own = Object.values(settings.Networks).find(({ IPAddress }) => IPAddress !== '')?.IPAddress
  // An exposed port that is not published stands there as null, which the types do not say.
  const entries = Object.entries<{ HostIp: string; HostPort: string }[] | null>(settings.Ports)
  return Object.fromEntries(
    entries.flatMap(([inside, bindings]) => {
      const published = bindings?.[0]
      if (published !== undefined) return [[inside, { address: published.HostIp, port: Number(published.HostPort) }] as const]
      return own === undefined ? [] : [[inside, { address: own, port: Number.parseInt(inside, 10) }] as const]
    }),
  )
}

/** The engine writes the year 1 for what has not been. */
function happened(at: string): string | undefined {
  return at.startsWith('0001-') ? undefined : at
}

function instant(of: string | number | undefined): Date | undefined {
  const date = of === undefined ? undefined : new Date(of)
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date
}

function told({ Action, timeNano, Actor: { ID, Attributes } }: z.infer<typeof Change>): EngineChange {
  const at = new Date(timeNano / 1e6).toISOString()
  return { id: ID, ...(Action === 'die' ? { died: { at, exitCode: Number(Attributes.exitCode ?? 0) } } : {}) }
}

/** What a stream of events says, one JSON document a line, until the signal. */
async function* follow(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<EngineChange> {
  const stop = (): void => {
    if (stream instanceof Readable) stream.destroy()
  }
  signal.addEventListener('abort', stop, { once: true })
  stream.setEncoding('utf8')
  let rest = ''
  try {
    if (signal.aborted) return
    for await (const chunk of stream) {
      const lines = `${rest}${chunk.toString()}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const change = parseJson(line, Change)
        if (change !== undefined) yield told(change)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

/** Without a terminal each piece of a log has eight bytes before it: the stream, and its length. */
function withoutHeaders(log: Buffer): string {
  const pieces: Buffer[] = []
  for (let at = 0; at + 8 <= log.length;) {
    const end = at + 8 + log.readUInt32BE(at + 4)
    pieces.push(log.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(pieces).toString()
}
