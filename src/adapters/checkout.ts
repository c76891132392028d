import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Exec } from '../core/ports.ts'
import { describeHead } from '../tools/git.ts'

/**
 * The commit of the clone that launchway runs from, such as `4f2a9c1`, or `4f2a9c1-dirty` where files are not as committed. The code
 * cannot say it, since the commit is made of the code.
 * @param program the file that was started as launchway
 * @returns undefined where it is a copy without a history, or somebody else's repository
 */
export async function checkoutOf(program: string, exec: Pick<Exec, 'read'>): Promise<string | undefined> {
  try {
    const top = dirname(dirname(realpathSync(program)))
    if (!existsSync(join(top, '.git')) || realpathSync(program) !== realpathSync(join(top, 'bin/launchway'))) return undefined
    return await exec.read(describeHead(top))
  } catch {
    // No git, or no commit: a version says less then, and nothing else.
    return undefined
  }
}
