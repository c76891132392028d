import { resolve } from 'node:path'
import type { EngineInfo, Ports } from '../core/ports.ts'
import { familiarName } from '../core/reference.ts'
import { isOf } from '../tools/compose-images.ts'
import type { ComposeProject } from '../tools/compose.ts'
import { imagesOf } from '../tools/dockerfile.ts'
import type { Prepared } from './plan.ts'

const ofEngine = 'docker-image://'
const ofService = 'service:'

/** What a name leads to in this test; undefined where it is not of the release, and no other service builds it. */
type Known = (reference: string) => string | undefined

/**
 * The project, where what compose builds on an image of the release, or on one that another service builds, is built on that of this test:
 * its own name may be in a registry, with other bits.
 * @param rendered as the user's files have it
 */
export async function withBases(
  rendered: ComposeProject,
  { file, ours, builds }: Prepared,
  { platform }: Pick<EngineInfo, 'platform'>,
  { files, log }: Pick<Ports, 'files' | 'log'>,
): Promise<ComposeProject> {
  const madeBy = (service: string): string | undefined =>
    ours.get(service)?.reference ?? (builds.includes(service) ? file.services[service]?.image : undefined)
  const called = new Map<string, string>()
  for (const [name, { image }] of Object.entries(rendered.services)) {
    const now = madeBy(name)
    if (image !== undefined && now !== undefined) called.set(familiarName(image), now)
  }
  const released = [...new Set(ours.values())]
  const isReleased = (name: string): string | undefined =>
    released.find(({ image }) => image.repositories.some((repository) => isOf(name, repository)))?.reference
  const services = { ...file.services }
  for (const name of builds) {
    const { build, image: own, ...rest } = services[name] ?? {}
    if (build === undefined) continue
    const {
      context = '',
      dockerfile = 'Dockerfile',
      dockerfile_inline: inline,
      args = {},
      target,
      additional_contexts: further = {},
    } = build
    const text = inline ?? (await files.read(resolve(context, dockerfile)).catch(() => undefined))?.toString() ?? ''
    const given = Object.fromEntries(Object.entries(args).flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
    const known: Known = (reference) => [called.get(familiarName(reference)) ?? isReleased(reference)].find((one) => one !== own)
    const { bases, untold } = basesIn(text, { args: given, target }, platform, known)
    for (const written of untold.filter((one) => isReleased(one.replace(/[:@][^/]*$/, '')) !== undefined))
      log.warning(
        `${name} is built on ${written}, and which that is cannot be told without building: it may be another than that of this test`,
      )
    const ofOthers = Object.entries(further).map(([key, value]): [string, string] => {
      const made = value.startsWith(ofService) ? madeBy(value.slice(ofService.length)) : undefined
      return [key, made === undefined ? value : `${ofEngine}${made}`]
    })
    const contexts = { ...bases, ...Object.fromEntries(ofOthers) }
    if (Object.keys(contexts).length > 0)
      services[name] = { ...rest, ...(own === undefined ? {} : { image: own }), build: { ...build, additional_contexts: contexts } }
  }
  return { ...file, services }
}

/**
 * The images that a Dockerfile builds on or copies from and that are others in this test, by the names that BuildKit looks for.
 * `untold` are those whose names depend on what nobody has said.
 */
export function basesIn(
  dockerfile: string,
  asked: Pick<Parameters<typeof imagesOf>[1], 'args' | 'target'>,
  platform: string,
  known: Known,
): { bases: Record<string, string>; untold: string[] } {
  const { images, stages } = imagesOf(dockerfile, asked, { target: platform, build: platform })
  const bases: Record<string, string> = {}
  for (const { reference } of images) {
    const now = reference === undefined ? undefined : known(reference)
    // Under the name of a stage BuildKit would put the image in the place of that.
    if (reference !== undefined && now !== undefined && !stages.includes(familiarName(reference)))
      bases[familiarName(reference)] = `${ofEngine}${now}`
  }
  return { bases, untold: images.flatMap(({ reference, written }) => (reference === undefined ? [written] : [])) }
}

/** Whether any of it is built on what this engine alone has. */
export function needsEngine({ services }: ComposeProject, builds: readonly string[]): boolean {
  return builds.some((name) => basesOf(name, services).length > 0)
}

/** The images that compose builds, those first that others are built on. */
export function inOrder({ services }: ComposeProject, builds: readonly string[]): string[][] {
  const layers: string[][] = []
  for (let left = [...builds]; left.length > 0;) {
    const waits = (name: string): boolean =>
      left.some((other) => other !== name && basesOf(name, services).includes(services[other]?.image ?? ''))
    const ready = left.filter((name) => !waits(name))
    const next = ready.length > 0 ? ready : left
    layers.push(next)
    left = left.filter((name) => !next.includes(name))
  }
  return layers
}

function basesOf(name: string, services: ComposeProject['services']): string[] {
  const contexts = Object.values(services[name]?.build?.additional_contexts ?? {})
  return contexts.flatMap((one) => (one.startsWith(ofEngine) ? [one.slice(ofEngine.length)] : []))
}
