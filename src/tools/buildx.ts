import { z } from 'zod'
import { type Command, command } from '../core/command.ts'
import { Digest } from '../core/names.ts'

/** One target of a bake definition. @see https://docs.docker.com/build/bake/reference/ */
export interface BakeTarget {
  context: string
  dockerfile: string
  target?: string
  platforms?: string[]
  args: Record<string, string>
  contexts?: Record<string, string>
  labels: Record<string, string>
  secret?: string[]
  ssh?: string[]
  'cache-from'?: string[]
  'cache-to'?: string[]
  tags: string[]
  output: string[]
}

export interface BakeDefinition {
  group: { default: { targets: string[] } }
  target: Record<string, BakeTarget>
}

/** How a solve is made, beside what is in it. */
export interface BakeOptions {
  /** Values that the definition names by their variable. */
  env?: Command['env']
  noCache?: boolean
  pull?: boolean
}

/**
 * Builds every target of the definition in one solve. Attestations are off: they would make an index of every
 * image, whose entries clean-up tools then delete (build-push-action#764).
 * @param metadataFile written by buildx: the digests of every target
 */
export function bake(definition: BakeDefinition, metadataFile: string, cwd: string, { env, noCache, pull }: BakeOptions = {}): Command {
  const attestations = ['--provenance=false', '--sbom=false']
  return command(
    'docker',
    [
      ['buildx', 'bake', '--file', '-', '--metadata-file', metadataFile, '--progress', 'rawjson', attestations],
      noCache === true && '--no-cache',
      pull === true && '--pull',
    ],
    { stdin: JSON.stringify(literal(definition)), cwd, env: { ...env, ...unasked } },
  )
}

/** Bake 0.20 and later asks before it reads what a definition of somebody else's names outside of the folder: this one is ours. */
const unasked = { BUILDX_BAKE_ENTITLEMENTS_FS: '0' } as const

/** A value of one of bake's lists of `key=value`, which are read as CSV. */
export function field(key: string, value: string): string {
  return /[",\n]/.test(value) ? `"${`${key}=${value}`.replaceAll('"', '""')}"` : `${key}=${value}`
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

/** What bake writes to its metadata file about a target. Of several platforms there is an index, and no one configuration. */
const TargetMetadata = z.object({ 'containerimage.config.digest': Digest.optional(), 'containerimage.digest': Digest })

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
