import { LaunchwayError } from '../core/error.ts'
import type { EngineInfo, Ports } from '../core/ports.ts'
import { reaches } from './readiness.ts'

/** The first compose that is called as it is called here: its progress is chosen for all of its commands. */
const oldestCompose = [2, 19] as const

/**
 * That compose can do what is asked of it. A version that cannot be read is not judged.
 * @throws LaunchwayError TOOL_MISSING for one that is too old
 */
export function refuseOldCompose(version: string): void {
  if (!/\d+\.\d+/.test(version) || reaches(version, oldestCompose)) return
  throw new LaunchwayError('TOOL_MISSING', `docker compose ${version} is too old for the smoke test`, {
    hint: `It needs ${oldestCompose.join('.')} or later, tested with 2.26: https://docs.docker.com/compose/install/linux/`,
  })
}

/**
 * Says where published ports are asked when the engine may be on another machine.
 * @throws LaunchwayError TOOL_MISSING for an engine that is reached by SSH: it is not here
 */
export function refuseFarEngine({ host = '' }: Pick<EngineInfo, 'host'>, { log }: Pick<Ports, 'log'>): void {
  const [, scheme = '', name = ''] = /^([a-z]+):\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)/.exec(host) ?? []
  if (scheme === 'ssh') {
    throw new LaunchwayError('TOOL_MISSING', `the Docker engine at ${host} is on another machine, where the smoke test reaches no port`, {
      hint: 'Run it where the engine is, or unset DOCKER_HOST (docker context use default) and start an engine here.',
    })
  }
  if (!['tcp', 'http', 'https'].includes(scheme)) return
  const line = `the engine is at ${host}: published ports are asked on the loopback of this machine`
  if (/^(localhost|127\.[\d.]+|\[::1\])$/.test(name)) log.info(line)
  else log.warning(`${line}, and files are mounted from the engine's machine; on another machine the smoke test cannot pass`)
}
