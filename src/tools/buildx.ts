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
 */
export function bake(definition: BakeDefinition, metadataFile: string, cwd: string): Command {
  return command(
    'docker',
    ['buildx', 'bake', '--file', '-', '--metadata-file', metadataFile, '--progress', 'plain', '--provenance=false', '--sbom=false'],
    { stdin: JSON.stringify(definition), cwd },
  )
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

/** Where a failed build points to: BuildKit ends with `Dockerfile:4` above an excerpt. */
export function failedLine(output: string): { file: string; line: number } | undefined {
  const [, file, line] = /^([^\s:]+):(\d+)\n-{4,}$/m.exec(output) ?? []
  return file === undefined ? undefined : { file, line: Number(line) }
}
