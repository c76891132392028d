import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { labFolder, labLabel, readStarted } from './lab.ts'
import { ask, call } from './run.ts'

/**
 * Takes a lab down: containers with their volumes, networks, processes, files. It goes by the lab's label, so it also
 * clears what a start that was cut off has left.
 * @returns whether there was anything of it
 */
export async function down(name: string): Promise<boolean> {
  const lab = readStarted(name)
  let isThere = existsSync(labFolder(name))
  const written = githubPid(labFolder(name))
  const pid = existsSync(written) ? Number(readFileSync(written, 'utf8')) : lab?.github.pid
  if (pid !== undefined && pid > 0) await endGitHub(pid)
  const filter = ['--filter', `label=${labLabel}=${name}`]
  const containers = (await ask('docker', ['ps', '--all', '--quiet', ...filter]))?.split('\n').filter((id) => id !== '') ?? []
  isThere ||= containers.length > 0
  if (containers.length > 0) await call('docker', ['rm', '--force', '--volumes', ...containers])
  for (const kind of ['network', 'volume']) {
    const found = (await ask('docker', [kind, 'ls', '--quiet', ...filter]))?.split('\n').filter((id) => id !== '') ?? []
    isThere ||= found.length > 0
    if (found.length > 0) await call('docker', [kind, 'rm', ...found])
  }
  if (lab !== undefined) for (const { address } of [lab.registry, lab.secureRegistry]) await removeImages(address)
  rmSync(labFolder(name), { recursive: true, force: true })
  return isThere
}

/** Where the id of a lab's GitHub stands, from the moment that it runs: lab.json comes only with all the rest. */
export function githubPid(folder: string): string {
  return join(folder, 'github.pid')
}

/** What was built here for a registry that is gone is of no use to anybody. */
async function removeImages(registry: string): Promise<void> {
  const filters = ['*', '*/*'].flatMap((pattern) => ['--filter', `reference=${registry}/${pattern}`])
  // An image keeps the digest that it was pushed under as a name of its own, also when it has lost its tag.
  const format = '{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}'
  const names = (await ask('docker', ['image', 'ls', '--digests', '--format', format, ...filters]))?.split('\n') ?? []
  const named = new Set(names.filter((image) => image !== '' && !image.includes('<none>')))
  for (const image of named) await ask('docker', ['image', 'rm', image])
}

/** Ends the process by its id, if the id is still that process's: numbers are given out again. */
async function endGitHub(pid: number): Promise<void> {
  const isThere = async (): Promise<boolean> =>
    (await ask('ps', ['-o', 'args=', '-p', String(pid)]))?.includes('lab/github/main.ts') === true
  if (!(await isThere())) return
  process.kill(pid, 'SIGTERM')
  for (let tries = 0; tries < 100 && (await isThere()); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50))
}
