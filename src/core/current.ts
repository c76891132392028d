import { environmentTag } from './names.ts'
import { asError } from './outcome.ts'
import type { Ports } from './ports.ts'
import { findDocument } from './record-document.ts'
import type { Release } from './release.ts'

/**
 * The record of what an environment runs now, from the registry: no way to its hosts is needed. What is not there is no
 * failure: then, in words, why. Nor is what could not be read: then the error.
 */
export async function recordOfNow({ app, plan }: Release, environment: string, ports: Ports): Promise<Release | string | Error> {
  const repository = plan.images[0]?.repositories[0] ?? ''
  const tag = environmentTag({ repository, app, environment })
  if (plan.scan?.offline === true) return 'scan.offline, so no registry is asked'
  try {
    const record = await findDocument(repository, tag, plan.registries, ports)
    if (record === undefined) return `${repository}:${tag}, the record of what ${environment} runs, is not there yet`
    return record.app === app ? record : `${repository}:${tag} is about ${record.app}`
  } catch (error) {
    ports.signal.throwIfAborted()
    return asError(error)
  }
}
