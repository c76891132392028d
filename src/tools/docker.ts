import { z } from 'zod'
import { type Command, command, each, option } from '../core/command.ts'

/** What docker shall use instead of what the user has chosen. */
export interface Client {
  /** The folder of its configuration. */
  config?: string
  /** The address of the engine. */
  host?: string
}

export function push(reference: string, client: Client = {}): Command {
  return command('docker', ['push', reference], { env: environment(client) })
}

export function pull(reference: string, client: Client = {}): Command {
  return command('docker', ['pull', '--quiet', reference], { env: environment(client) })
}

function environment({ config, host }: Client): Record<string, string> {
  return { ...(config === undefined ? {} : { DOCKER_CONFIG: config }), ...(host === undefined ? {} : { DOCKER_HOST: host }) }
}

/** The manifest or index that a push says it wrote: `main: digest: sha256:… size: 522`. */
export function pushedDigest(stdout: string): string | undefined {
  return /: digest: (sha256:[0-9a-f]{64})\b/.exec(stdout)?.[1]
}

/** An image of tens of gigabytes on a slow disk takes its time; an engine that hangs takes all there is. */
const timeoutMs = 30 * 60_000

/** Writes an image to a file as an archive that other programs read. */
export function save(reference: string, file: string): Command {
  return command('docker', ['image', 'save', '--output', file, reference], { timeoutMs })
}

/** Writes several to its output: what they share stands there once. */
export function saveAll(references: readonly string[]): Command {
  return command('docker', ['image', 'save', references], { timeoutMs })
}

/** Unpacks such an archive into a folder that is there. @param archive `-` for the input */
export function unpack(archive: string, folder: string): Command {
  return command('tar', ['-xf', archive, '-C', folder], { timeoutMs })
}

/**
 * What a container wrote, each line behind its instant. With `follow` also what it goes on to write until it ends.
 * @param since an instant, itself included
 */
export function readLog(container: string, options: { follow: boolean; since?: string }): Command {
  const { follow, since } = options
  return command('docker', ['logs', '--timestamps', follow && '--follow', option('--since', since), container])
}

/** A line of such a log; undefined of what docker itself says. */
export function logLine(text: string): { at: string; text: string } | undefined {
  const [, at, rest = ''] = /^(\d{4}-\d\d-\d\dT\S+Z) ?(.*)$/s.exec(text) ?? []
  return at === undefined ? undefined : { at, text: rest }
}

/**
 * Runs a command in a running container. Not compose's own exec: that one also takes the container of a `compose run` of
 * the same service, and would hand its standard input to the command, which may be the whole project.
 */
export function execIn(container: string, words: readonly string[]): Command {
  return command('docker', ['exec', container, ...words])
}

/** Asks containers to end, and ends them when they have not. */
export function stopContainers(ids: readonly string[], seconds: number): Command {
  return command('docker', ['stop', '--time', String(seconds), ...ids])
}

/** The IDs of images with such a name, `team/app:launchway-*`. */
export function listImages(patterns: readonly string[]): Command {
  const filters = each(
    '--filter',
    patterns.map((pattern) => `reference=${pattern}`),
  )
  return command('docker', ['image', 'ls', '--quiet', '--no-trunc', ...filters])
}

const InspectedImage = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Metadata: z.object({ LastTagTime: z.iso.datetime({ offset: true }) }),
})

export function inspectImages(ids: readonly string[]): Command {
  return command('docker', ['image', 'inspect', ...ids])
}

/** @throws ZodError, SyntaxError when docker printed something else than its documentation says */
export function parseImages(stdout: string): { id: string; tags: string[]; tagged: Date }[] {
  return z
    .array(InspectedImage)
    .parse(JSON.parse(stdout))
    .map(({ Id, RepoTags, Metadata }) => ({ id: Id, tags: RepoTags ?? [], tagged: new Date(Metadata.LastTagTime) }))
}

/** The IDs of all containers, whether they run or not. */
export function listContainers(): Command {
  return command('docker', ['container', 'ls', '--all', '--quiet', '--no-trunc'])
}

/** The ID of the image of each of these containers, a line each. */
export function imagesOfContainers(ids: readonly string[]): Command {
  return command('docker', ['container', 'inspect', '--format', '{{.Image}}', ...ids])
}

/** Takes references away, and with the last of them the image, unless a container has it. */
export function removeImages(references: readonly string[]): Command {
  return command('docker', ['image', 'rm', ...references])
}

/** Removes containers with their anonymous volumes; one that is not there is removed. */
export function removeContainers(ids: readonly string[]): Command {
  return command('docker', ['rm', '--force', '--volumes', ...ids])
}
