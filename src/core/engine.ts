/** The container engine of this machine, as stages see it. */

export interface EngineInfo {
  /** Where it listens, as DOCKER_HOST or the docker context says it; undefined for the local socket. */
  host?: string
  version: string
  apiVersion: string
  /** `linux/amd64` */
  platform: string
  /** Images are kept by containerd: their ID is a manifest's digest, not a configuration's. */
  containerdStore: boolean
  /** Of its machine, in bytes; absent where it does not say. */
  memory?: number
}

export interface EngineImage {
  id: string
  platform: string
  size: number
  layers: number
  /** Digests of what the layers hold, the lowest first. */
  diffIds?: readonly string[]
  repoDigests: readonly string[]
  /** How long its HEALTHCHECK leaves a program that starts in peace; absent without one. */
  startPeriodMs?: number
}

/** A container, whatever it does. Instants are ISO 8601; those that have not been are absent. */
export interface EngineContainer {
  id: string
  labels: Readonly<Record<string, string>>
  /** ID of the image that it runs. */
  image: string
  /** What it was asked to run. */
  reference: string
  /** `created`, `running`, `restarting`, `exited`… */
  status: string
  exitCode: number
  /** Why it could not be started. */
  error: string
  outOfMemory: boolean
  /** What it may use of it, in bytes; absent where it has no limit. */
  memoryLimit?: number
  restarts: number
  startedAt?: string
  finishedAt?: string
  /** Of an image or service with a HEALTHCHECK: `starting`, `healthy` or `unhealthy`, and what the last check said. */
  health?: { status: string; exitCode?: number; output: string; settings?: HealthSettings; /** Of the last check. */ ms?: number }
  /** By port inside (`80/tcp`): where it is reached from this machine. */
  ports: Readonly<Record<string, { address: string; port: number }>>
}

/** How a container's health is asked for. */
export interface HealthSettings {
  intervalMs: number
  timeoutMs: number
  /** So many failures in a row make it unhealthy. */
  retries: number
}

/** What happened to a container. */
export interface EngineChange {
  id: string
  /** It ended, at this instant: one that is restarted may live again before anybody has looked. */
  died?: { at: string; exitCode: number }
}

/** The container engine of this machine. A label is `name` or `name=value`. */
export interface Engine {
  /** Throws TOOL_MISSING when no engine answers. */
  info(): Promise<EngineInfo>
  /** That alone, which takes a fraction of the time. Throws TOOL_MISSING when no engine answers. */
  platform(): Promise<string>
  image(reference: string): Promise<EngineImage | undefined>
  /** What each layer of an image holds in bytes, and what the builder has noted of it, the lowest first; none where it is not there. */
  history(reference: string): Promise<{ size: number; by: string }[]>
  /**
   * Which of these paths are in an image; undefined where the image is not there. It is never run.
   * @param platform of an image of several. Default: that of the engine
   */
  filesIn(reference: string, paths: readonly string[], platform?: string): Promise<string[] | undefined>
  /**
   * What DOCKER_HOST must be for a docker that does not see the user's configuration to reach this engine. Undefined
   * where it needs none.
   */
  host(): Promise<string | undefined>
  /** The running and the ended ones. */
  containers(label: string): Promise<EngineContainer[]>
  /** Undefined when it is gone. */
  container(id: string): Promise<EngineContainer | undefined>
  /** Containers that started, ended or changed their health. What happens after the promise is kept is not missed. */
  changes(label: string, signal: AbortSignal): Promise<AsyncIterable<EngineChange>>
  /** The last lines of what a container wrote, the two streams mixed. @param since an instant */
  lastLines(id: string, options: { lines: number; since?: string }): Promise<string>
  /** Starts a container that was made. @returns why it could not be started; undefined when it was */
  start(id: string): Promise<string | undefined>
  /** Asks all that runs to end, and gives it so long at most. What has not ended then still runs. */
  stop(label: string, graceMs: number): Promise<void>
  /** What a running container uses of the memory now, in bytes, without what the kernel only caches; undefined of one that has ended. */
  memory(id: string): Promise<number | undefined>
  /** All that has this label. */
  labelled(label: string): Promise<Labelled[]>
  /** Containers with their anonymous volumes, then networks, volumes and images. */
  remove(label: string): Promise<void>
}

export interface Labelled {
  kind: 'container' | 'network' | 'volume' | 'image'
  labels: Readonly<Record<string, string>>
  /** Of an image when its layers were made, which a build that found them in its cache does not change. */
  created: Date | undefined
}
