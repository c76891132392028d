import { join } from 'node:path'
import { z } from 'zod'
import { parseLater } from '../core/json.ts'
import type { Ports } from '../core/ports.ts'
import { composeVersion } from '../tools/compose.ts'

const Kept = z.strictObject({ mark: z.string(), version: z.string() })

/** Where the docker client looks for its plugins on Linux, after the user's own folder. */
const folders = ['/usr/local/lib', '/usr/local/libexec', '/usr/lib', '/usr/libexec'].map((folder) => `${folder}/docker/cli-plugins`)

/**
 * The version of compose. To say it the client starts three programs, a tenth of a second of each test, so it is kept for as long as
 * the plugin is the same file.
 * @returns an empty text where compose cannot be asked: rendering says so in better words
 */
export async function versionOfCompose(ports: Pick<Ports, 'exec' | 'files' | 'environment' | 'tools'>): Promise<string> {
  const asking = (): Promise<string> => ports.exec.read(composeVersion).catch(() => '')
  const mark = await markOf(ports)
  if (mark === undefined) return asking()
  const file = join(ports.tools.folder, 'compose-version.json')
  const kept = parseLater((await ports.files.read(file).catch(() => undefined))?.toString() ?? '', Kept)
  if (kept?.mark === mark) return kept.version
  const version = await asking()
  if (version !== '') await ports.files.write(file, JSON.stringify({ mark, version })).catch(() => undefined)
  return version
}

/** Every file that may be the plugin, with its size and time; undefined where it may be another one. */
async function markOf({ files, environment }: Pick<Ports, 'files' | 'environment'>): Promise<string | undefined> {
  const home = environment.get('HOME')?.reveal() ?? ''
  const own = environment.get('DOCKER_CONFIG')?.reveal() ?? join(home, '.docker')
  const config = await files.read(join(own, 'config.json')).catch(() => undefined)
  if (config?.includes('cliPluginsExtraDirs') === true) return undefined
  const paths = [join(own, 'cli-plugins'), ...folders].map((folder) => join(folder, 'docker-compose'))
  const marks = await Promise.all(
    paths.map(async (path) => {
      const found = await files.stat(path).catch(() => undefined)
      return found === undefined ? [] : [[path, found.size, found.modified]]
    }),
  )
  return marks.flat().length === 0 ? undefined : JSON.stringify(marks.flat())
}
