import { recordOfNow } from '../core/current.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SizeSection } from '../core/evidence.ts'
import { isOfRecord } from '../core/local-image.ts'
import { candidates } from '../core/names.ts'
import type { EngineImage, Ports } from '../core/ports.ts'
import type { BuiltImage, Release } from '../core/release.ts'
import { section } from '../core/stages.ts'
import { instruction } from './layers.ts'
import { type Before, explained, told, weigh } from './plan.ts'

/**
 * What each image weighs and which instruction made it so, beside what the environment runs, and whether that is more than
 * it may be.
 * @throws LaunchwayError IMAGE_TOO_LARGE with the section as its part
 */
export async function watchSize(release: Release, ports: Ports): Promise<SizeSection> {
  const { against, images: planned } = release.plan
  const found = against === undefined ? undefined : await recordOfNow(release, against, ports)
  const now = found instanceof Error ? found.message : found
  if (typeof now === 'string') ports.log.info(`no size to compare with: ${now}`)
  const images: SizeSection['images'] = []
  for (const built of section(release, 'build').images) {
    const image = planned.find(({ name }) => name === built.name)
    const [reference = ''] = candidates(image ?? { repositories: [] }, built.key)
    const here = await inEngine(reference, built, ports)
    const history = here === undefined ? [] : await ports.engine.history(reference)
    const before = typeof now === 'object' && against !== undefined ? beforeOf(now, built.name, against) : undefined
    const seen = history.filter(({ size }) => size > 0).map(({ size, by }) => ({ size, by: ports.redact(instruction(by)) }))
    // What runs already need not be on this machine.
    const layers = history.length === 0 && before?.key === built.key ? (before.layers ?? []) : seen
    const size = built.compressed === true ? here?.size : built.size
    const seenAs = { name: built.name, size: size ?? built.size, isCompressed: size === undefined, layers }
    const one = weigh(seenAs, image?.size ?? {}, before)
    ports.log.info(told(one))
    images.push(one)
  }
  const failed = images.filter(({ exceeds }) => exceeds.some(({ action }) => action === 'fail'))
  const sized: SizeSection = { images, verdict: failed.length > 0 ? 'failed' : 'passed' }
  for (const one of images) {
    const warnings = one.exceeds.filter(({ action }) => action === 'warn')
    if (warnings.length > 0) ports.log.warning(`${warnings.map(({ what }) => `${one.name} ${what}`).join('; ')}\n${explained(one)}`)
    else if (one.exceeds.length === 0 && one.advice.length > 0) ports.log.info(explained(one))
  }
  if (failed.length === 0) return sized
  throw new LaunchwayError(
    'IMAGE_TOO_LARGE',
    failed.flatMap(({ name, exceeds }) => exceeds.map(({ what }) => `${name} ${what}`)).join('; '),
    { hint: failed.map(explained).join('\n'), part: { size: sized } },
  )
}

/** Nothing of what has only its name. */
async function inEngine(reference: string, built: BuiltImage, { engine }: Ports): Promise<EngineImage | undefined> {
  const [{ containerdStore }, found] = await Promise.all([engine.info(), engine.image(reference)])
  return found !== undefined && isOfRecord(found, built, containerdStore) ? found : undefined
}

function beforeOf({ id, plan, build, size }: Release, name: string, environment: string): (Before & { key: string }) | undefined {
  const image = build?.images.find((one) => one.name === name)
  const sized = size?.images.find((one) => one.name === name)
  // A size of the registry would make everything grow that is compared with it.
  if (image === undefined || (sized ?? image).compressed === true) return undefined
  const layers = sized === undefined ? {} : { layers: sized.layers }
  return { key: image.key, release: id, version: plan.version, environment, size: (sized ?? image).size, ...layers }
}
