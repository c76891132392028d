import { join } from 'node:path'
import { ignoreFiles } from '../config/gates.ts'
import type { Placed } from '../config/places.ts'
import type { Config } from '../config/schema.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Files } from '../core/ports.ts'
import { readExceptions } from '../tools/trivy-ignore.ts'
import type { Where } from './finding.ts'

/** What the scan will read of the repository, and would stop at. */
export interface ScanFiles {
  /** Named in launchway.yml, and not there. */
  missing: readonly { file: string; where: Where }[]
  /** The same of lists that a step before the scan fetches. */
  unfetched: readonly { file: string; where: Where }[]
  /** What the list of exceptions is refused for. */
  broken: { where: Where; what: string; fix: string | undefined } | undefined
}

export async function readScanFiles({ scan }: Config, at: Placed['at'], files: Files, root: string): Promise<ScanFiles> {
  if (scan === false) return { missing: [], unfetched: [], broken: undefined }
  const { 'ignore-file': ignoreFile, vex, kev, epss, 'strict-exceptions': isStrict = false } = scan ?? {}
  const gone = async (key: string, named: string | readonly string[] | undefined): Promise<ScanFiles['missing']> => {
    const all = [named ?? []].flat()
    const found = await Promise.all(
      all.map(async (file, index) => {
        const path = ['scan', key, ...(Array.isArray(named) ? [index] : [])]
        return (await files.look(join(root, file))) === undefined ? [{ file, where: at(path) }] : []
      }),
    )
    return found.flat()
  }
  return {
    missing: [...(await gone('ignore-file', ignoreFile)), ...(await gone('vex', vex))],
    unfetched: [...(await gone('kev', kev)), ...(await gone('epss', epss))],
    broken: await brokenExceptions(ignoreFile === undefined ? ignoreFiles : [ignoreFile], isStrict, files, root),
  }
}

/** Of the first of these that is there. */
async function brokenExceptions(names: readonly string[], isStrict: boolean, files: Files, root: string): Promise<ScanFiles['broken']> {
  for (const file of names) {
    if ((await files.look(join(root, file)))?.kind !== 'file') continue
    const text = (await files.read(join(root, file)))?.toString() ?? ''
    try {
      readExceptions(file, text, isStrict)
      return undefined
    } catch (error) {
      if (!(error instanceof LaunchwayError)) throw error
      const { line, column } = error.place ?? {}
      const where = { file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) }
      return { where, what: error.message, fix: error.hint }
    }
  }
  return undefined
}
