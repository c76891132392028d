import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Remote } from '../core/ports.ts'
import { type Observation, parseObservation } from './observation.ts'
import { publishedPorts } from './plan.ts'
import { type Home, observeProgram } from './program.ts'

/** More than a host needs that works: the program bounds the questions that it asks where the host lets it. */
const timeoutMs = 60_000

/**
 * Looks at a host, and changes nothing.
 * @throws LaunchwayError HOST_UNFIT when it does not come to an end
 */
export async function look(remote: Remote, home: Home, environment: Environment): Promise<Observation> {
  try {
    const { stdout } = await remote.sh(observeProgram(home, publishedPorts(environment)), { timeoutMs })
    return parseObservation(remote.host, stdout)
  } catch (error) {
    if (!(error instanceof LaunchwayError && error.code === 'COMMAND_FAILED')) throw error
    throw new LaunchwayError('HOST_UNFIT', `${remote.host} did not finish looking at itself`, {
      hint: `${error.message}\n${error.hint ?? ''}\nAn engine that does not answer is a usual cause. On the host: docker version, docker ps`,
      cause: error,
    })
  }
}
