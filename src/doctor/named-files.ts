import { resolve } from 'node:path'
import type { Placed } from '../config/places.ts'
import type { Config } from '../config/schema.ts'
import type { Files } from '../core/ports.ts'
import type { Sources } from './sources.ts'

interface Named {
  file: string
  path: readonly PropertyKey[]
}

/** Compose files that launchway.yml names and that are not there: of the smoke test, of environments, of stacks. */
export async function missingFiles(
  { config: { smoke, environments = {} }, at, names }: { config: Config; at: Placed['at']; names: readonly string[] },
  files: Files,
  root: string,
): Promise<Sources['missing']> {
  const tested = smoke === undefined || smoke === false ? {} : smoke
  const all = [
    ...filesIn(tested.compose, ['smoke', 'compose']),
    ...Object.entries(tested.variants ?? {}).flatMap(([name, { compose }]) => filesIn(compose, ['smoke', 'variants', name, 'compose'])),
    ...names.flatMap((name) => [
      ...filesIn(environments[name]?.compose, ['environments', name, 'compose']),
      ...filesIn(environments[name]?.swarm, ['environments', name, 'swarm']),
    ]),
  ]
  const found = await Promise.all(
    all.map(async ({ file, path }) => ((await files.look(resolve(root, file))) === undefined ? [{ file, where: at(path) }] : [])),
  )
  return found.flat()
}

/** A file, a list of files, or a mapping with one of these. */
function filesIn(
  said: string | readonly string[] | { files: string | readonly string[] } | undefined,
  path: readonly PropertyKey[],
): Named[] {
  if (said === undefined) return []
  if (typeof said === 'string') return [{ file: said, path }]
  if ('files' in said) return filesIn(said.files, [...path, 'files'])
  return said.map((file, index) => ({ file, path: [...path, index] }))
}
