/** Kamal as a peer of `bench deploy`: the same image to the same host, behind its own proxy. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '../lab/run.ts'
import { type Deployer, nextVersion, type Target } from './deployers.ts'

/** The image of kamal-proxy that Kamal 2.12 asks for. It is no public one here: whoever runs the bench has built it. */
const proxy = 'basecamp/kamal-proxy:v0.9.2'

/** @param program that takes Kamal's arguments, and finds the folder it is started in */
export async function kamal({ lab, folder, sshPort }: Target, program: string): Promise<Deployer> {
  const cwd = folder('kamal')
  const { registry, secureRegistry, key, knownHosts } = lab
  await call('docker', ['tag', proxy, `${registry.address}/${proxy}`])
  await call('docker', ['push', '--quiet', `${registry.address}/${proxy}`])
  for (const path of ['config', '.kamal', '.ssh']) mkdirSync(join(cwd, path), { recursive: true, mode: 0o700 })
  copyFileSync(key, join(cwd, '.ssh/key'))
  copyFileSync(knownHosts, join(cwd, '.ssh/known_hosts'))
  writeFileSync(join(cwd, '.kamal/secrets'), `KAMAL_REGISTRY_PASSWORD=${secureRegistry.password}\n`, { mode: 0o600 })
  const [repository = '', tag = ''] = proxy.split(':')
  writeFileSync(
    join(cwd, 'config/deploy.yml'),
    `service: bench
image: team/bench
servers: [127.0.0.1]
ssh: { user: root, port: ${sshPort}, keys: [.ssh/key], keys_only: true }
registry: { server: '${secureRegistry.address}', username: ${secureRegistry.username}, password: [KAMAL_REGISTRY_PASSWORD] }
builder: { arch: amd64 }
proxy:
  app_port: 8000
  healthcheck: { path: /, interval: 1 }
  run: { http_port: 8080, https_port: 8443, registry: '${registry.address}', repository: ${repository}, version: ${tag} }
`,
  )
  const image = (version: number): string => `${secureRegistry.address}/team/bench:${version}`
  await call('docker', ['login', '--username', secureRegistry.username, '--password-stdin', secureRegistry.address], {
    stdin: secureRegistry.password,
  })
  return {
    name: 'Kamal deploy --skip-push',
    async prepare(version) {
      nextVersion(cwd, version)
      await call('docker', ['build', '--quiet', '--label', 'service=bench', '--tag', image(version), '.'], { cwd })
      await call('docker', ['push', '--quiet', image(version)])
    },
    async deploy(version) {
      await call(program, ['deploy', '--skip-push', '--version', String(version)], { cwd, env: { HOME: cwd } })
    },
  }
}
