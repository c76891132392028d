import { join, normalize } from 'node:path'
import type { Environment } from '../core/deployment.ts'
import type { Place } from '../core/error.ts'
import type { Files } from '../core/ports.ts'
import { parseVariables } from '../core/text.ts'
import type { ComposeSource } from './compose-source.ts'

/** A line of a file of variables. */
export interface Variable {
  name: string
  value: string
  at: Place
}

/** One that is larger is none. */
const mostBytes = 200_000

/** What files of variables say; which of them is not there, or cannot be read, is for others to say. */
export async function readEnvFiles(
  compose: readonly ComposeSource[],
  environments: readonly Environment[],
  files: Files,
  root: string,
): Promise<Map<string, readonly Variable[]>> {
  const ofServices = environments.flatMap(({ services, accessories }) => [...services, ...accessories].flatMap(({ envFiles }) => envFiles))
  const ofCompose = compose.flatMap((source) =>
    source.services.flatMap(({ envFiles }) => envFiles.map((file) => envFilePath(source, file))),
  )
  const paths = new Set([...ofServices.map((file) => normalize(file)), ...ofCompose].filter((path) => !/^\.\.|^\/|\$/.test(path)))
  const found = await Promise.all(
    [...paths].map(async (path) => {
      const there = await files.look(join(root, path))
      const body = there?.kind === 'file' && there.size <= mostBytes ? await files.read(join(root, path)).catch(() => undefined) : undefined
      return body === undefined ? [] : [[path, variablesOf(body.toString(), path)] as const]
    }),
  )
  return new Map(found.flat())
}

/** Where a file of variables lies that a compose file names, from the root. */
export function envFilePath(source: Pick<ComposeSource, 'path'>, file: string): string {
  return file.startsWith('/') ? file : join(source.path, '..', file)
}

function variablesOf(text: string, file: string): Variable[] {
  const values = parseVariables(text)
  return text.split('\n').flatMap((line, index) => {
    const [, name = ''] = /^\uFEFF?\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(line) ?? []
    const value = values[name]
    return value === undefined ? [] : [{ name, value, at: { file, line: index + 1 } }]
  })
}
