import { relative } from 'node:path'
import type { Config } from '../config/schema.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { fileAt, headSha } from '../tools/git.ts'
import type { Trigger } from './trigger.ts'

/**
 * The files as the commit has them for which a runner would plan, where another one is checked out: each commit has its
 * own launchway.yml. What is checked out counts for itself as it is found here.
 * @throws LaunchwayError CONFIG_INVALID where that commit has no launchway.yml
 */
export async function filesAt({ ref = '', sha }: Trigger, configFile: string, ports: Ports): Promise<Ports> {
  const head = await ports.exec.read(headSha(ports.root)).catch(() => undefined)
  if (head === undefined || head === sha) return ports
  const { exec, root, signal } = ports
  const read = async (path: string): Promise<Buffer | undefined> => {
    const { code, stdout } = await exec.run(fileAt(sha, relative(root, path), root), { signal, accept: [0, 128] })
    return code === 0 ? Buffer.from(stdout) : undefined
  }
  const there: Ports = {
    ...ports,
    files: {
      ...ports.files,
      read,
      async look(path) {
        const bytes = await read(path)
        return bytes === undefined ? undefined : { path, kind: 'file', mode: 0o644, size: bytes.length }
      },
      async stat(path) {
        const bytes = await read(path)
        return bytes === undefined ? undefined : { size: bytes.length, modified: 0 }
      },
    },
  }
  const where = `${ref === '' ? 'that commit' : ref} (${sha.slice(0, 7)})`
  if ((await there.files.look(`${root}/${configFile}`)) === undefined)
    throw new LaunchwayError('CONFIG_INVALID', `there is no ${configFile} in ${where}`, {
      hint: 'A run of that commit reads its own launchway.yml, not the one that is checked out here: it would fail as well.',
      place: { file: configFile },
    })
  ports.log.notice(`by the ${configFile} of ${where}, which is not what is checked out`)
  return there
}

/** What other programs read for the plan, they read where it is checked out. */
export function warnOfBeside({ bake, environments = {} }: Config, { log }: Pick<Ports, 'log'>): void {
  const asks = Object.values(environments).some(({ compose, swarm }) => compose !== undefined || swarm !== undefined)
  if (asks || bake !== undefined)
    log.warning(
      'the compose, stack and bake files that it names are read as they are checked out here: git checkout has those of that commit',
    )
}
