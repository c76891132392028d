import { join } from 'node:path'
import type { Ports } from '../core/ports.ts'
import { composeVersion } from '../tools/compose.ts'
import { noted } from '../tools/noted.ts'

/** Where the docker client looks for its plugins on Linux, after the user's own folder. */
const folders = ['/usr/local/lib', '/usr/local/libexec', '/usr/lib', '/usr/libexec'].map((folder) => `${folder}/docker/cli-plugins`)

/**
 * The version of compose. To say it the client starts three programs, a tenth of a second of each test, so it is kept for as long as
 * the plugin is the same file.
 * @returns an empty text where compose cannot be asked: rendering says so in better words
 */
export async function versionOfCompose(ports: Pick<Ports, 'exec' | 'files' | 'environment' | 'tools'>): Promise<string> {
  const ask = (): Promise<string> => ports.exec.read(composeVersion).catch(() => '')
  return noted(join(ports.tools.folder, 'compose-version.json'), await markOf(ports), ask, ports)
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
