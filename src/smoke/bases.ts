import { resolve } from 'node:path'
import type { Ports } from '../core/ports.ts'
import { isOf } from '../tools/compose-images.ts'
import type { ComposeProject } from '../tools/compose.ts'
import type { Prepared } from './plan.ts'

const ofEngine = 'docker-image://'

/**
 * The project, where what compose builds on an image of the release, or on one that another service builds, is built on that of this test:
 * its own name may be in a registry, with other bits. Which names a Dockerfile has is enough to know: one that is not built on does no harm.
 * @param rendered as the user's files have it
 */
export async function withBases(
  rendered: ComposeProject,
  { file, ours, builds }: Prepared,
  { files }: Pick<Ports, 'files'>,
): Promise<ComposeProject> {
  const called = new Map<string, string>()
  for (const [name, { image }] of Object.entries(rendered.services)) {
    const now = ours.get(name)?.reference ?? (builds.includes(name) ? file.services[name]?.image : undefined)
    if (image !== undefined && now !== undefined) called.set(image, now)
  }
  const released = [...new Set(ours.values())]
  const known = (name: string): string | undefined =>
    called.get(name) ?? released.find(({ image }) => image.repositories.some((repository) => isOf(name, repository)))?.reference
  const services = { ...file.services }
  for (const name of builds) {
    const { build, ...rest } = services[name] ?? {}
    if (build === undefined) continue
    const { context = '', dockerfile = 'Dockerfile', dockerfile_inline: inline, args = {}, additional_contexts: further = {} } = build
    const text = inline ?? (await files.read(resolve(context, dockerfile)).catch(() => undefined))?.toString() ?? ''
    const bases = basesIn([text, ...Object.values(args).map((value) => value ?? '')], known)
    if (Object.keys(bases).length > 0) services[name] = { ...rest, build: { ...build, additional_contexts: { ...bases, ...further } } }
  }
  return { ...file, services }
}

/** The names in texts that are known to be those of other images, and where these are. */
export function basesIn(texts: readonly string[], known: (name: string) => string | undefined): Record<string, string> {
  const names = new Set(texts.flatMap((text) => text.split(/[\s="'{}]+|:-/)).filter((word) => /^[a-z\d]/.test(word)))
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const image = known(name)
      return image === undefined ? [] : [[name, `${ofEngine}${image}`] as const]
    }),
  )
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
