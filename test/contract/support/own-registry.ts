import { docker } from '../../../lab/run.ts'
import { servicesImage } from '../../../lab/setup/images.ts'
import { eventually } from './processes.ts'

export interface OwnRegistry extends AsyncDisposable {
  readonly address: string
}

interface Wish {
  /** All that it may keep, such as `4m`. */
  tmpfs?: string
  /** Whether manifests may be removed. Default: yes */
  removal?: boolean
}

/** A registry of a test's own, without TLS, that goes with the test. */
export async function openOwnRegistry({ tmpfs, removal = true }: Wish): Promise<OwnRegistry> {
  const room = tmpfs === undefined ? [] : ['--tmpfs', `/var/lib/docker-registry:size=${tmpfs}`]
  const program = removal ? ['registry-server'] : ['sh', '-c', 'sed s/true/false/ /usr/local/bin/registry-server | sh']
  const run = ['run', '--detach', '--rm', '--init', ...room, '--publish', '127.0.0.1::5000', '--label', 'launchway.test=registry']
  const id = await docker(...run, servicesImage(), ...program)
  const [line = ''] = (await docker('port', id, '5000')).split('\n')
  const address = `127.0.0.1:${line.slice(line.lastIndexOf(':') + 1)}`
  await eventually(() =>
    fetch(`http://${address}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  let gone = false
  return {
    address,
    async [Symbol.asyncDispose]() {
      if (!gone) await docker('rm', '--force', '--volumes', id)
      gone = true
    },
  }
}
