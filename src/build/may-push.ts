import { failedAfter, LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { within } from '../core/within.ts'

/** How long a registry may take to say whether it takes a push. */
const patienceMs = 60_000

/**
 * Whether a repository takes a push from this run: what would end the upload ends the run before minutes are built for it. Nothing
 * is asked where nothing will be pushed.
 * @throws LaunchwayError as the registry answers: REGISTRY_DENIED, REPOSITORY_UNKNOWN, REGISTRY_UNAVAILABLE
 */
export type MayPush = (repository: string) => Promise<void>

/** Asks each repository once, and of a registry one before the others: who asks often with a wrong password is locked out. */
export function pushCheck({ plan }: Release, ports: Ports): MayPush {
  if (!plan.stages.push.run) return async () => undefined
  const asked = new Map<string, Promise<void>>()
  const firsts = new Map<string, Promise<void>>()

  async function ask(repository: string): Promise<void> {
    try {
      const answer = await within(patienceMs, ports.signal, ports, async (signal) => {
        const opened = await openRepository(repository, plan.registries, ports, signal)
        await opened.tryPush()
        return 'yes'
      })
      if (answer === undefined) throw silent(repository)
    } catch (error) {
      throw error instanceof LaunchwayError ? unbuilt(error) : error
    }
  }
  return (repository) => {
    const { host } = parseRepository(repository)
    const first = firsts.get(host)
    const answer = asked.get(repository) ?? (first === undefined ? ask(repository) : first.then(() => ask(repository)))
    asked.set(repository, answer)
    if (first === undefined) firsts.set(host, answer)
    return answer
  }
}

function silent(repository: string): LaunchwayError {
  return new LaunchwayError('REGISTRY_UNAVAILABLE', `${repository} did not say within ${patienceMs / 1000} s whether it takes a push`, {
    hint: 'The registry, or the way to it, is very slow or hangs. Run it again once it is well.',
  })
}

export function unbuilt(error: LaunchwayError): LaunchwayError {
  return failedAfter(error, 'nothing was built', {})
}
