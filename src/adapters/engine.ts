import type Dockerode from 'dockerode'
import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { platformOf } from '../core/platform.ts'
import type { Engine } from '../core/ports.ts'
import { contextEngine, contextHost } from './docker-context.ts'
import { engineContainers } from './engine-containers.ts'

/** What dockerode's types leave open in the answer to /info. */
const Info = z.object({ DriverStatus: z.array(z.tuple([z.string(), z.string()])).nullish(), MemTotal: z.number().optional() })

/** The same of the answer to /images/…/json. */
const Variant = z.object({ Variant: z.string().nullish() })

/** The same of the answer to /images/…/history, the newest first. */
const History = z.array(z.object({ Size: z.number(), CreatedBy: z.string() }))

/** To remove what is large takes minutes on a slow disk; an engine that hangs says nothing for ever. */
const longestMs = 600_000

/**
 * The engine that DOCKER_HOST or the docker context names, else the local socket. dockerode is heavy: it is loaded at the first question.
 * @param answerMs how long it may say nothing
 */
export function dockerEngine({ answerMs = longestMs }: { answerMs?: number } = {}): Engine {
  let client: Promise<Dockerode> | undefined
  const docker = (): Promise<Dockerode> => (client ??= openClient({ timeout: answerMs }))
  // Who is told what happens may hear nothing for hours.
  let listener: Promise<Dockerode> | undefined
  const listening = (): Promise<Dockerode> => (listener ??= openClient({}))

  return {
    async info() {
      const engine = await docker()
      const [version, info] = await Promise.all([engine.version(), engine.info().then((answer) => Info.parse(answer))]).catch(notThere)
      const host = process.env['DOCKER_HOST'] ?? (await contextHost(process.env))
      return {
        version: version.Version,
        apiVersion: version.ApiVersion,
        platform: `${version.Os}/${version.Arch}`,
        ...(host === undefined || host === '' ? {} : { host }),
        ...(info.MemTotal === undefined ? {} : { memory: info.MemTotal }),
        containerdStore: (info.DriverStatus ?? []).some(
          ([key, value]) => key === 'driver-type' && value.startsWith('io.containerd.snapshotter'),
        ),
      }
    },

    async platform() {
      const { Os, Arch } = await (await docker()).version().catch(notThere)
      return `${Os}/${Arch}`
    },

    async image(reference) {
      try {
        const image = await (await docker()).getImage(reference).inspect()
        return {
          id: image.Id,
          platform: platformOf({ os: image.Os, architecture: image.Architecture, variant: Variant.parse(image).Variant }),
          size: image.Size,
          layers: image.RootFS.Layers?.length ?? 0,
          diffIds: image.RootFS.Layers ?? [],
          repoDigests: image.RepoDigests ?? [],
          ...((image.Config.Healthcheck?.Test ?? []).length === 0 || image.Config.Healthcheck?.Test?.[0] === 'NONE'
            ? {}
            : { startPeriodMs: (image.Config.Healthcheck?.StartPeriod ?? 0) / 1e6 }),
        }
      } catch (error) {
        if (hasStatus(error, 404)) return undefined
        return notThere(error)
      }
    },

    async history(reference) {
      try {
        const entries = History.parse(await (await docker()).getImage(reference).history())
        return entries.map(({ Size, CreatedBy }) => ({ size: Size, by: CreatedBy })).toReversed()
      } catch (error) {
        if (hasStatus(error, 404)) return []
        return notThere(error)
      }
    },

    async filesIn(reference, paths, platform) {
      try {
        const made = {
          ...{ Image: reference, Cmd: ['none'], NetworkDisabled: true, Labels: { 'launchway.look': '' } },
          ...(platform === undefined ? {} : { platform }),
        }
        const container = await (await docker()).createContainer(made)
        try {
          const found = await Promise.all(paths.map((path) => isIn(container, path)))
          return paths.filter((_, index) => found[index])
        } finally {
          // With the volumes that its VOLUME lines have made.
          await container.remove({ force: true, v: true })
        }
      } catch (error) {
        if (hasStatus(error, 404)) return undefined
        return notThere(error)
      }
    },

    host: () => contextHost(process.env),

    ...engineContainers(docker, listening),
  }
}

async function isIn(container: Dockerode.Container, path: string): Promise<boolean> {
  try {
    await container.infoArchive({ path })
    return true
  } catch (error) {
    if (hasStatus(error, 404)) return false
    throw error
  }
}

async function openClient(options: { timeout?: number }): Promise<Dockerode> {
  const [{ default: Docker }, address] = await Promise.all([import('dockerode'), contextEngine(process.env)])
  return new Docker({ ...options, ...address })
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status
}

/** How node:net says that nobody is there. */
const noAnswer = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT'])

function notThere(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code === 'string' && noAnswer.has(code)) {
    const where = error instanceof Error ? `: ${error.message}` : ''
    throw new LaunchwayError('TOOL_MISSING', `no Docker engine answers${where}`, {
      cause: error,
      hint: 'Install one (https://docs.docker.com/engine/install/) and start it, or point DOCKER_HOST at one.',
    })
  }
  if (code === 'EACCES') {
    throw new LaunchwayError('TOOL_MISSING', 'the Docker engine refuses this user', {
      cause: error,
      hint: 'Add the user to the docker group (`sudo usermod -aG docker "$USER"`, then log in again), or run as root.',
    })
  }
  throw error
}
