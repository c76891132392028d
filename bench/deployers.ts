/** Who deploys in `bench deploy`: a careful person by hand, and launchway. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lab, type LabHost, sshArgs } from '../lab/lab.ts'
import { root } from '../lab/paths.ts'
import { call } from '../lab/run.ts'

/** Where everybody deploys to, and how far away it is. */
export interface Target {
  lab: Lab
  host: LabHost
  /** A folder with the application of examples/hello, of each contender its own. */
  folder(this: void, name: string): string
  /** The port on the loopback by which SSH reaches the host: through a proxy that delays, where it is far. */
  sshPort: number
}

/** Somebody who deploys. */
export interface Deployer {
  name: string
  /** Builds and pushes the version. Not timed. */
  prepare(this: void, version: number): Promise<void>
  deploy(this: void, version: number): Promise<void>
}

/** Makes the application another version: its last layer is another one. */
export function nextVersion(folder: string, version: number): void {
  const file = join(folder, 'app.py')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/version \d+/, `version ${version}`))
}

export function byHand({ lab, host, folder, sshPort }: Target): Deployer {
  const cwd = folder('by-hand')
  const image = (version: number): string => `${lab.registry.address}/by-hand/hello:${version}`
  const ssh = sshArgs(lab, { ...host, ports: { ...host.ports, '22': sshPort } }, 'root')
  return {
    name: 'by hand, one SSH call',
    async prepare(version) {
      nextVersion(cwd, version)
      await call('docker', ['build', '--quiet', '--tag', image(version), '.'], { cwd })
      await call('docker', ['push', '--quiet', image(version)])
    },
    async deploy(version) {
      // Constant but for numbers and an address: the new one beside the old one, asked, switched by a reload, the old one gone.
      const port = 18_000 + (version % 1000)
      const program = `set -e
docker pull --quiet ${image(version)} > /dev/null
docker run --detach --name by-hand-${version} --publish 127.0.0.1:${port}:8000 ${image(version)} > /dev/null
until curl --fail --silent http://127.0.0.1:${port}/ > /dev/null; do sleep 0.1; done
printf 'server { listen 80; server_name by-hand.example.org; location / { proxy_pass http://127.0.0.1:%s; } }\\n' ${port} > /etc/nginx/conf.d/by-hand.conf
nginx -t 2> /dev/null
nginx -s reload
sleep 0.5
for old in $(docker ps --quiet --filter name=by-hand-); do
  [ "$(docker inspect --format '{{.Name}}' "$old")" = /by-hand-${version} ] || docker rm --force "$old" > /dev/null
done
`
      await call('ssh', [...ssh, 'sh', '-s'], { stdin: program })
    },
  }
}

/** @param settle how long a version must stay well, where it is not what launchway takes by itself */
export async function launchway({ lab, folder, sshPort }: Target, settle?: string): Promise<Deployer> {
  const app = settle === undefined ? 'launchway' : 'launchway-settle'
  const cwd = folder(app)
  const health = settle === undefined ? '/' : `{ path: /, settle: ${settle} }`
  const git = (...args: string[]): Promise<unknown> =>
    call('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.org', '-c', 'core.hooksPath=/dev/null', ...args], { cwd })
  writeFileSync(
    join(cwd, 'launchway.yml'),
    `app: ${app}
image: ${lab.registry.address}/${app}/hello
branches: { main: production }
scan: false
environments:
  production: { host: 'root@127.0.0.1:${sshPort}', port: 8000, health: ${health}, url: 'http://${app}.example.org', ssh: { known-hosts: ${lab.knownHosts} } }
`,
  )
  await git('init', '--quiet', '--initial-branch', 'main')
  const env = { SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: join(cwd, '.git', 'state') }
  const verb = async (name: string): Promise<void> => void (await call(join(root, 'bin/launchway'), [name], { cwd, env }))
  return {
    name: `launchway deploy${settle === undefined ? '' : `, settle: ${settle}`}`,
    async prepare(version) {
      nextVersion(cwd, version)
      await git('add', '--all')
      await git('commit', '--quiet', '--allow-empty', '--message', `Version ${version}`)
      for (const stage of ['plan', 'build', 'push']) await verb(stage)
    },
    deploy: () => verb('deploy'),
  }
}
