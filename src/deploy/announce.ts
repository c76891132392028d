import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { GitHub, Ports } from '../core/ports.ts'
import type { DeploySection, Release } from '../core/release.ts'
import type { Returned } from './rollback.ts'

/**
 * Keeps a GitHub deployment beside the real one, where there is a GitHub to tell. What GitHub refuses is a warning:
 * a deploy does not fail for want of a note about it.
 */
export async function announced(release: Release, ports: Ports, work: () => Promise<DeploySection>): Promise<DeploySection> {
  const { github } = ports
  const { environment, sha, version } = release.plan
  if (github === undefined || environment === undefined) return work()
  const deployment = await unlessRefused(ports, () =>
    // The commit, not its branch: that may have moved on since the release began.
    github.startDeployment({ ref: sha, environment: environment.name, description: `launchway ${release.id}` }),
  )
  const tell = async (status: Parameters<GitHub['setDeploymentStatus']>[1]): Promise<void> => {
    if (deployment !== undefined) await unlessRefused(ports, () => github.setDeploymentStatus(deployment, status))
  }
  await tell({ state: 'in_progress', description: `${version} is on its way` })
  try {
    const section = await work()
    await tell({ state: 'success', description: `${version} is live`, ...(environment.url === undefined ? {} : { url: environment.url }) })
    return section
  } catch (error) {
    await tell({ state: endOf(error), description: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/**
 * The same for hosts that are back at a version which they had kept: only once they are, since a return that fails leaves
 * live what GitHub says is live.
 */
export async function announceReturn({ name, url }: Environment, { release, version, sha }: Returned, ports: Ports): Promise<void> {
  const { github, log } = ports
  if (github === undefined) return
  if (sha === undefined) {
    log.info(`no GitHub deployment: the hosts do not know the commit of ${version}, which they keep since before launchway noted it`)
    return
  }
  const status = { state: 'success', description: `${version} is live again`, ...(url === undefined ? {} : { url }) } as const
  await unlessRefused(ports, async () => {
    const deployment = await github.startDeployment({ ref: sha, environment: name, description: `launchway ${release}` })
    await github.setDeploymentStatus(deployment, status)
  })
}

/** `failure` says that the new version is not live: only who knows that no host runs it may say that. */
function endOf(error: unknown): 'failure' | 'error' {
  if (!(error instanceof LaunchwayError) || error.code === 'DEPLOY_UNKNOWN' || error.code === 'CANCELLED') return 'error'
  return error.part?.deploy === undefined ? 'failure' : 'error'
}

async function unlessRefused<T>(ports: Ports, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof LaunchwayError)) throw error
    ports.log.warning(`${error.message}\n${error.hint ?? ''}`.trim())
    return undefined
  }
}
