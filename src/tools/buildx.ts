import { z } from 'zod'
import { type Command, command } from '../core/command.ts'
import { Digest } from '../core/names.ts'

/** One target of a bake definition. @see https://docs.docker.com/build/bake/reference/ */
export interface BakeTarget {
  context: string
  dockerfile: string
  target?: string
  platforms?: string[]
  /** What to take in place of a name in the Dockerfile, such as `docker-image://python@sha256:…`. */
  contexts?: Record<string, string>
  args: Record<string, string>
  labels: Record<string, string>
  tags: string[]
  output: string[]
}

export interface BakeDefinition {
  group: { default: { targets: string[] } }
  target: Record<string, BakeTarget>
}

/**
 * Builds every target of the definition in one solve. Attestations are off: they would make an index of every
 * image, whose entries clean-up tools then delete (build-push-action#764).
 * @param how anew: nothing that BuildKit remembers of other builds is used
 */
export function bake(definition: BakeDefinition, metadataFile: string, cwd: string, how: { anew: boolean } = { anew: false }): Command {
  return command(
    'docker',
    [
      'buildx',
      'bake',
      '--file',
      '-',
      '--metadata-file',
      metadataFile,
      '--progress',
      'plain',
      '--provenance=false',
      '--sbom=false',
      how.anew && '--no-cache',
    ],
    { stdin: JSON.stringify(literal(definition)), cwd },
  )
}

/** Bake reads every text of a JSON definition, keys too, as an HCL template: `${…}` and `%{…}` are undone by doubling. */
function literal(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/[$%](?=\{)/g, '$&$&')
  if (Array.isArray(value)) return value.map(literal)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [literal(key), literal(inner)]))
}

/** The builder that is in use, its driver being on the second line. */
export function inspectBuilder(): Command {
  return command('docker', ['buildx', 'inspect'])
}

export function parseBuilder(stdout: string): { name: string; driver: string } {
  const line = (key: string): string => new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(stdout)?.[1] ?? ''
  return { name: line('Name'), driver: line('Driver') }
}

/** What bake writes to its metadata file about a target. */
const TargetMetadata = z.object({ 'containerimage.config.digest': Digest, 'containerimage.digest': Digest })

/** @throws ZodError when buildx wrote something else than its documentation says */
export function parseMetadata(text: string, target: string): z.infer<typeof TargetMetadata> {
  return TargetMetadata.parse(z.record(z.string(), z.unknown()).parse(JSON.parse(text))[target])
}

/**
 * Where a failed build points to: BuildKit ends with `Dockerfile:4` above an excerpt.
 * @returns the file without its folder, and the line with its text
 */
export function failedLine(output: string): { file: string; line: number; text: string } | undefined {
  const [, file, line, excerpt = ''] = /^([^\n]+):(\d+)\n-{4,}\n((?: *\d+ \|.*\n)*)/m.exec(output) ?? []
  if (file === undefined) return undefined
  const [, text = ''] = new RegExp(`^ *${line} \\| (?:>>>)? ?(.*)$`, 'm').exec(excerpt) ?? []
  return { file, line: Number(line), text: text.trim() }
}
