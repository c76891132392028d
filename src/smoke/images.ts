import { resolve } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import { parseRepository } from '../core/reference.ts'
import type { SmokePlan } from '../core/gates.ts'
import type { PlannedImage } from '../core/release.ts'
import type { ComposeProject, ComposeService } from '../tools/compose.ts'

/** An image of the plan, and the reference under which this engine has what was built of it. */
export interface Candidate {
  image: PlannedImage
  reference: string
}

/**
 * Which services run an image of the plan, by service: those that would build the same, and those that name one of its
 * repositories, whatever the tag. A digest names other bits on purpose, so such a service is left alone.
 * @throws LaunchwayError CONFIG_INVALID when no service uses an image: it would be pushed untested
 */
export function servicesOf(
  { services }: ComposeProject,
  { plan, candidates, root }: { plan: SmokePlan; candidates: readonly Candidate[]; root: string },
): Map<string, Candidate> {
  const found = new Map<string, Candidate>()
  for (const [name, service] of Object.entries(services)) {
    const candidate = candidateOf(service, candidates, root)
    if (candidate !== undefined) found.set(name, candidate)
  }
  for (const candidate of candidates) {
    if (![...found.values()].includes(candidate)) throw unused(candidate.image, services, plan, root)
  }
  return found
}

function candidateOf(service: ComposeService, candidates: readonly Candidate[], root: string): Candidate | undefined {
  const named = candidates.find(({ image }) => image.repositories.some((repository) => isOf(service.image, repository)))
  if (named !== undefined) return named
  const built = candidates.filter(({ image }) => buildsSame(service, image, root))
  // Two images of one Dockerfile differ by their arguments.
  return built.find(({ image }) => sameArgs(service, image)) ?? built[0]
}

function isOf(reference: string | undefined, repository: string): boolean {
  if (reference === undefined || reference.includes('@')) return false
  const [asked, ours] = [parseRepository(reference.replace(/:[^/:]*$/, '')), parseRepository(repository)]
  return asked.host === ours.host && asked.path === ours.path
}

function buildsSame({ build }: ComposeService, image: PlannedImage, root: string): boolean {
  if (build?.context === undefined || 'dockerfile_inline' in build) return false
  const context = resolve(root, image.context)
  return (
    build.context === context &&
    resolve(context, build.dockerfile ?? 'Dockerfile') === resolve(context, image.dockerfile) &&
    (build.target ?? '') === (image.target ?? '')
  )
}

function sameArgs({ build }: ComposeService, { args }: PlannedImage): boolean {
  const theirs = Object.entries(build?.args ?? {})
  return theirs.length === Object.keys(args).length && theirs.every(([name, value]) => args[name] === value)
}

function unused(image: PlannedImage, services: ComposeProject['services'], plan: SmokePlan, root: string): LaunchwayError {
  const context = resolve(root, image.context)
  const wanted = [
    `image: ${image.repositories.join(' or ')} (any tag)`,
    `build: context ${context}, dockerfile ${image.dockerfile}${image.target === undefined ? '' : `, target ${image.target}`}`,
  ]
  const seen = Object.entries(services).map(([name, { image: reference, build }]) => {
    const builds =
      build === undefined
        ? []
        : [`build: context ${build.context ?? '-'}, dockerfile ${build.dockerfile ?? '-'}, target ${build.target ?? '-'}`]
    return `  ${name}: ${[...(reference === undefined ? [] : [`image: ${reference}`]), ...builds].join('; ')}`
  })
  const files = plan.compose.join(', ')
  const from = plan.composeFound === true ? `${files}, which launchway found by itself,` : files
  return new LaunchwayError('CONFIG_INVALID', `no service of ${from} runs the image ${image.name}, so nothing would test it`, {
    hint: [
      'A service runs it that has one of these:',
      ...wanted.map((line) => `  ${line}`),
      'The services are:',
      ...seen,
      'If these files are for something else, such as a database for developers, say so in launchway.yml:',
      '  smoke: { compose: other.yaml }   # the file whose services run what is released',
      '  smoke: false                     # or no smoke test',
    ].join('\n'),
  })
}
