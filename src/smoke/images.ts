import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import type { PlannedImage } from '../core/release.ts'
import type { ComposeProject } from '../tools/compose.ts'
import { plannedImages, waysToRun } from '../tools/compose-images.ts'

/** An image of the plan, and the reference under which this engine has what was built of it. */
export interface Candidate {
  image: PlannedImage
  reference: string
}

/**
 * Which services run an image of the plan, by service.
 * @throws LaunchwayError CONFIG_INVALID when no service uses an image: it would be pushed untested
 */
export function servicesOf(
  { services }: ComposeProject,
  { plan, candidates, root }: { plan: SmokePlan; candidates: readonly Candidate[]; root: string },
): Map<string, Candidate> {
  const images = candidates.map(({ image }) => image)
  const found = new Map(
    [...plannedImages(services, images, root)].flatMap(([name, image]) => {
      const candidate = candidates.find((one) => one.image === image)
      return candidate === undefined ? [] : [[name, candidate] as const]
    }),
  )
  for (const candidate of candidates) {
    if (![...found.values()].includes(candidate)) throw unused(candidate.image, services, plan, root)
  }
  return found
}

/**
 * @param there services that have a container
 * @throws LaunchwayError CONFIG_INVALID when none of an image has one, as with no replicas: it would be pushed untested
 */
export function refuseUnrun(
  ours: ReadonlyMap<string, Candidate>,
  there: ReadonlySet<string>,
  { prepare, checks }: Pick<SmokePlan, 'prepare' | 'checks'>,
): void {
  const alone = [...prepare, ...checks].flatMap((one) => (one.kind === 'run' ? [one.service] : []))
  for (const candidate of new Set(ours.values())) {
    const services = [...ours].flatMap(([name, one]) => (one === candidate ? [name] : []))
    if (services.some((name) => there.has(name) || alone.includes(name))) continue
    throw new LaunchwayError(
      'CONFIG_INVALID',
      `no container of ${services.join(', ')} runs the image ${candidate.image.name}, so nothing would test it`,
      {
        hint: `The compose files ask for none of it (scale: 0, deploy.replicas: 0). Ask for one in the test:\n  smoke:\n    scale: { ${services[0] ?? ''}: 1 }\nor let a check run it: { run: ${services[0] ?? ''}, command: […] }.`,
      },
    )
  }
}

function unused(image: PlannedImage, services: ComposeProject['services'], plan: SmokePlan, root: string): LaunchwayError {
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
      ...waysToRun(image, root).map((line) => `  ${line}`),
      'The services are:',
      ...seen,
      'If these files are for something else, such as a database for developers, say so in launchway.yml:',
      '  smoke: { compose: other.yaml }   # the file whose services run what is released',
      '  smoke: false                     # or no smoke test',
    ].join('\n'),
  })
}
