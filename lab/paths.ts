import { homedir } from 'node:os'
import { join } from 'node:path'

/** The project's own folder. */
export const root = join(import.meta.dirname, '..')

/** Where set-up keeps what it made; the same as in with.sh. */
export const cache = process.env['LAUNCHWAY_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'launchway')

/** In PATH for everything that with.sh runs. */
export const tools = join(cache, 'bin')

/** One folder for each lab that is up. */
export const labs = join(cache, 'labs')
