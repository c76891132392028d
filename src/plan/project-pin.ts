import type { Accessory } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Project } from '../core/project.ts'
import { parseReference } from '../core/reference.ts'
import type { Registry } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { within } from '../core/within.ts'

/** How long a registry may take to say what a tag points at. */
const patienceMs = 20_000

/**
 * Every image that is not built here by its digest: what a tag says when a host pulls it may be another one.
 * @throws LaunchwayError REGISTRY_UNAVAILABLE or REGISTRY_DENIED, with the image and the service
 */
export async function pin<T extends { accessories: Accessory[]; project: Project }>(
  of: T,
  registries: readonly Registry[],
  ports: Ports,
): Promise<T> {
  const references = new Set([...Object.values(of.project.pulled), ...of.accessories.map(({ image }) => image)])
  const found = new Map(await Promise.all([...references].map(async (one) => [one, await pinned(one, registries, ports)] as const)))
  const known = (reference: string): string => found.get(reference) ?? reference
  return {
    ...of,
    accessories: of.accessories.map((accessory) => ({ ...accessory, image: known(accessory.image) })),
    project: { ...of.project, pulled: Object.fromEntries(Object.entries(of.project.pulled).map(([name, one]) => [name, known(one)])) },
  }
}

async function pinned(reference: string, registries: readonly Registry[], ports: Ports): Promise<string> {
  const { repository, tag, digest } = parseReference(reference)
  if (digest !== undefined) return reference
  const opened = await openRepository(repository, registries, ports)
  const answer = await within(patienceMs, ports.signal, ports, async () => ({ there: await opened.resolve(tag) }))
  if (answer?.there !== undefined) return `${repository}:${tag}@${answer.there.digest}`
  if (answer === undefined) {
    throw new LaunchwayError('REGISTRY_UNAVAILABLE', `the registry of ${reference} did not say within ${patienceMs / 1000} s what it is`, {
      hint: 'The plan pins every image of the compose project that is not built here. Try again, or name the image by its digest: it is not asked for then.',
    })
  }
  throw new LaunchwayError('REGISTRY_UNAVAILABLE', `${repository} has no tag ${tag}, which the compose project runs`, {
    hint: 'A host would not find it either. If it is built here, name its repository in images of launchway.yml; if it is in a private registry, log in (registries of launchway.yml, or docker login).',
  })
}
