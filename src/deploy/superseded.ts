import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { remoteRef } from '../tools/git.ts'

/**
 * In words, why a push is not deployed any more: its branch has moved on, and the newer push deploys. So also where a job
 * of its own deploys what was pushed, as a redeploy of that commit. Undefined where the branch has not, where nobody can
 * say, and of what somebody asked for by name: at a button, at a terminal, or another version than what was pushed.
 */
export async function superseded({ plan }: Release, ports: Ports): Promise<string | undefined> {
  const branch = plan.ref?.startsWith('refs/heads/') === true ? plan.ref.slice('refs/heads/'.length) : undefined
  if (plan.event !== 'push' || branch === undefined || plan.environment?.superseded === 'deploy') return undefined
  const head = await headOf(branch, ports)
  if (head === undefined || head === plan.sha) return undefined
  return `the branch ${branch} is at ${head.slice(0, 7)} by now, and the push of that one deploys: ${plan.sha.slice(0, 7)} stays out`
}

/** A deploy does not wait for an answer to this, nor fail for want of one. */
async function headOf(branch: string, ports: Ports): Promise<string | undefined> {
  try {
    if (ports.branchHead !== undefined) return await ports.branchHead(branch)
  } catch (error) {
    if (!(error instanceof LaunchwayError)) throw error
    ports.log.debug(`GitHub does not say where the branch ${branch} is: ${error.message}`)
  }
  try {
    const ref = `refs/heads/${branch}`
    const lines = (await ports.exec.read(remoteRef(ref, ports.root))).split('\n').map((line) => line.split('\t'))
    return lines.find(([, name]) => name === ref)?.[0]
  } catch (error) {
    if (!(error instanceof LaunchwayError)) throw error
    ports.log.debug(`nobody says where the branch ${branch} is: ${error.message}`)
    return undefined
  }
}
