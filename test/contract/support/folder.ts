import { mkdtemp, rm } from 'node:fs/promises'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Folder extends AsyncDisposable {
  readonly path: string
}

/** A folder that goes with the test. */
export async function openFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'launchway-contract-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A new folder with these files, by path. */
export function filled(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'launchway-contract-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** Sets variables of this process's environment until the end of the test. */
export function setEnv(values: Readonly<Record<string, string | undefined>>): Disposable {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]))
  apply(values)
  return { [Symbol.dispose]: () => apply(before) }
}

function apply(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}
