import { LaunchwayError } from '../../core/error.ts'
import type { Environment } from '../../core/deployment.ts'
import type { Ports } from '../../core/ports.ts'
import { fullName } from '../../core/reference.ts'
import { parseRelease } from '../../core/release.ts'
import { examine, type Examined } from '../../deploy/index.ts'
import type { Sources } from '../sources.ts'

/** A host of an environment, or why it could not be looked at. */
export type SeenHost = { host: string; environment: string } & (
  | { examined: Examined; imageBytes: number | undefined; refused?: never }
  | { refused: LaunchwayError; examined?: never }
)

type Images = Parameters<typeof examine>[1]['images']

/** One host of an environment; what it cannot be asked for says it, and hides no other. */
export async function lookAtHost(
  host: string,
  environment: Environment,
  { sources, images }: { sources: Sources; images: Images },
  ports: Ports,
): Promise<SeenHost> {
  const [first = '', ...others] = sources.images.flatMap(({ image }) => image.repositories).map(fullName)
  try {
    ports.log.info(`${host} (${environment.name}): looking`)
    const examined = await examine(host, { app: sources.app, environment, repositories: [first, ...others], images }, ports)
    const bytes = [...images.values()].reduce((sum, image) => sum + image.bytes, 0)
    return { host, environment: environment.name, examined, imageBytes: bytes === 0 ? undefined : bytes }
  } catch (error) {
    ports.signal.throwIfAborted()
    if (!(error instanceof LaunchwayError)) throw error
    return { host, environment: environment.name, refused: error }
  }
}

/**
 * How large the images were that were last built here, by the record of that release: what a host must have room for.
 * Those of another application say nothing.
 */
export async function lastImages(
  record: string,
  { app, images }: Pick<Sources, 'app' | 'images'>,
  { files }: Pick<Ports, 'files'>,
): Promise<Images> {
  const pushed = images.filter(({ image }) => image.repositories.length > 0)
  const found = new Map<string, { reference: string; bytes: number; platforms: readonly string[] }>()
  const body = await files.read(record).catch(() => undefined)
  const release = body === undefined ? undefined : parsed(body.toString())
  for (const {
    image: { name, platforms, repositories },
  } of pushed) {
    const built = release?.app === app ? release.build?.images.find((image) => image.name === name) : undefined
    const digest = built?.registries[repositories[0] ?? '']?.digest
    found.set(name, {
      reference: digest === undefined ? '' : `${repositories[0] ?? ''}@${digest}`,
      bytes: built?.size ?? 0,
      platforms: built === undefined ? platforms : Object.keys(built.config),
    })
  }
  return found
}

function parsed(text: string): ReturnType<typeof parseRelease> | undefined {
  try {
    return parseRelease(text, '')
  } catch {
    return undefined
  }
}
