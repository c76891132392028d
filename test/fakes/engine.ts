import type { Engine, EngineImage, EngineInfo } from '../../src/core/ports.ts'

const plain: EngineInfo = { version: '28.5.2', apiVersion: '1.51', platform: 'linux/amd64', containerdStore: false }

/**
 * An engine that has these images.
 * @param images by tag (`app:1`); each is found by its ID and by its digests too
 */
export function fakeEngine(images: Readonly<Record<string, EngineImage>> = {}, info: Partial<EngineInfo> = {}): Engine {
  return {
    info: async () => ({ ...plain, ...info }),
    platform: async () => info.platform ?? plain.platform,
    image: async (reference) =>
      images[reference] ??
      images[`${reference}:latest`] ??
      Object.values(images).find(({ id, repoDigests }) => id === reference || repoDigests.includes(reference)),
    history: async () => [],
    filesIn: async () => [],
    host: async () => undefined,
    containers: nothingRuns,
    container: nothingRuns,
    changes: nothingRuns,
    lastLines: nothingRuns,
    start: nothingRuns,
    stop: async () => undefined,
    memory: nothingRuns,
    labelled: async () => [],
    remove: async () => undefined,
  }
}

/** Containers live on the real engine alone. */
function nothingRuns(): Promise<never> {
  return Promise.reject(new Error('the fake engine runs no containers'))
}
