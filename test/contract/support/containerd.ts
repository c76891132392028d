import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labLabel } from '../../../lab/lab.ts'
import { ask, docker } from '../../../lab/run.ts'
import { hostImage } from '../../../lab/setup/images.ts'
import { type Folder, openFolder } from './folder.ts'
import { eventually } from './processes.ts'

export interface OwnEngine extends AsyncDisposable {
  /** DOCKER_HOST */
  readonly host: string
}

/**
 * An engine of a test's own that keeps images as containerd does. It sees the registries of this machine under the names that
 * this machine has for them, and makes no network of its own.
 */
export async function openEngine(lab: string, suite: 'forky' | 'trixie' = 'forky'): Promise<OwnEngine> {
  const folder: Folder = await openFolder()
  const host = `unix://${join(folder.path, 'docker.sock')}`
  // Before Docker 27 there is no flag for it.
  writeFileSync(join(folder.path, 'daemon.json'), JSON.stringify({ features: { 'containerd-snapshotter': true } }))
  const contained = [
    '--label',
    `${labLabel}=${lab}`,
    '--network',
    'host',
    '--volume',
    '/var/lib/docker',
    '--volume',
    `${folder.path}:/engine`,
  ]
  const alone = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false']
  const id = await docker(
    ...['run', '--detach', '--rm', '--privileged', ...contained, '--entrypoint', 'dockerd', hostImage(suite)],
    ...['--config-file', '/engine/daemon.json', ...alone, '--host', 'unix:///engine/docker.sock'],
  )
  await eventually(async () => (await ask('docker', ['version'], { env: { DOCKER_HOST: host } })) !== undefined)
  return {
    host,
    async [Symbol.asyncDispose]() {
      await ask('docker', ['rm', '--force', '--volumes', id])
      await folder[Symbol.asyncDispose]()
    },
  }
}
