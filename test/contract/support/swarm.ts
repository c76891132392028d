import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import { docker } from '../../../lab/run.ts'
import { processExec } from '../../../src/adapters/exec.ts'
import { localFiles } from '../../../src/adapters/files.ts'
import type { Environment } from '../../../src/core/deployment.ts'
import { LaunchwayError } from '../../../src/core/error.ts'
import type { Ports } from '../../../src/core/ports.ts'
import type { DeployedHost } from '../../../src/core/release.ts'
import { Secret } from '../../../src/core/secret.ts'
import { lock, unlock } from '../../../src/deploy/operate/hold.ts'
import { type Proposal, proposeRollback } from '../../../src/deploy/proposal.ts'
import { rollback, type Returned } from '../../../src/deploy/rollback.ts'
import { deploy } from '../../../src/deploy/run.ts'
import { type HostStatus, status } from '../../../src/deploy/status.ts'
import { withStack } from '../../../src/plan/stack/index.ts'
import { environmentName, type Hooks, labHost, newStateRoot } from './host.ts'
import { portsFor, type PushedImage, releaseFor } from './release.ts'

export interface StackWish {
  version: string
  /** The compose file, as somebody would write it. */
  compose: string
  /** Files beside it, by path. */
  files?: Record<string, string>
  secrets?: Record<string, string>
  env?: Record<string, string>
  /** Of the nodes that are asked, in their order. Default: all three. */
  hosts?: readonly string[]
  timeoutMs?: number
  id?: string
  hooks?: Hooks
  /** The connection to this node breaks at the first line that matches, and it cannot be reached from then on. */
  lost?: { node: string; at: RegExp; breaks: () => Promise<unknown> }
  keep?: number
}

/** A stack of an application of its own on the swarm of the lab. */
export interface StackUnderTest extends AsyncDisposable {
  app: string
  name: string
  /** What the last call told people. */
  told: { infos: string[]; warnings: string[] }
  deploy(wish: StackWish): Promise<DeployedHost & { release: string }>
  rollback(wish?: Pick<StackWish, 'secrets' | 'hosts'> & { version?: string }): Promise<Returned>
  propose(version?: string): Promise<Proposal>
  status(): Promise<HostStatus>
  /** What `launchway lock` says, on all three. */
  lock(reason: string): Promise<string>
  unlock(): Promise<string>
  /** Runs docker on the first node. */
  docker(...args: string[]): Promise<string>
  /** Of the tasks that shall run, by name. */
  tasks(service: string): Promise<string[]>
}

export function nodeOf(name: string): string {
  return inject('lab').hosts[name]?.container ?? ''
}

export function stackUnderTest(image: PushedImage): StackUnderTest {
  const stateRoot = newStateRoot()
  const app = `s${randomBytes(4).toString('hex')}`
  const name = `${app}-${environmentName}`
  const folder = mkdtempSync(join(tmpdir(), 'launchway-stack-'))
  const all = ['node1', 'node2', 'node3']
  const told: StackUnderTest['told'] = { infos: [], warnings: [] }
  const hostFor = (node: string): ReturnType<typeof labHost> => labHost(nodeOf(node), 'root', 5000, stateRoot, '', app)
  const files = localFiles(tmpdir())
  const swarmOf = (wish: Partial<StackWish>): NonNullable<Environment['swarm']> => ({
    name,
    files: ['stack.yml'],
    profiles: [],
    env: wish.env ?? {},
    secrets: Object.keys(wish.secrets ?? {}),
    timeoutMs: wish.timeoutMs ?? 90_000,
    onceTimeoutMs: 60_000,
  })
  const portsOf = ({ version = '', secrets = {}, hooks = {}, lost }: Partial<StackWish>): Ports => {
    Object.assign(told, { infos: [], warnings: [] })
    const ports = portsFor(() => hostFor('node1').remote(hooks), {
      version,
      secrets,
      onInfo: (line) => told.infos.push(line),
      onWarning: (line) => told.warnings.push(line),
    })
    return {
      ...ports,
      exec: processExec,
      files,
      root: folder,
      environment: new Map(Object.entries(secrets).map(([key, value]) => [key, new Secret(value)])),
      ssh: lost === undefined ? { connect: (host) => Promise.resolve({ ...hostFor(host).remote(hooks), host }) } : lossy(lost),
      ...(lost === undefined ? {} : { clock: { ...ports.clock, sleep: (ms, signal) => ports.clock.sleep(ms / 10, signal) } }),
    }
  }
  const lossy = ({ node, at, breaks }: NonNullable<StackWish['lost']>): Ports['ssh'] => {
    const gone = new LaunchwayError('SSH_UNREACHABLE', `${node} cannot be reached`)
    let isGone = false
    return {
      connect(host) {
        if (host === node && isGone) return Promise.reject(gone)
        const remote = hostFor(host).remote()
        return Promise.resolve({
          ...remote,
          host,
          async sh(program, options = {}) {
            const broken = Promise.withResolvers<never>()
            const onLine: NonNullable<typeof options.onLine> = (line, stream) => {
              if (isGone && host === node) return
              options.onLine?.(line, stream)
              if (host !== node || !at.test(line)) return
              isGone = true
              void breaks().finally(() => broken.reject(gone))
            }
            return Promise.race([remote.sh(program, { ...options, onLine }), broken.promise])
          },
        })
      },
    }
  }
  const docker_ = (...args: string[]): Promise<string> => docker('exec', nodeOf('node1'), 'docker', ...args)
  return {
    app,
    name,
    told,
    docker: docker_,
    async deploy(wish) {
      for (const [path, text] of Object.entries({ ...wish.files, 'stack.yml': wish.compose })) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      const ports = portsOf(wish)
      const release = releaseFor(hostFor('node1'), image, {
        version: wish.version,
        services: [],
        ...(wish.id === undefined ? {} : { id: wish.id }),
      })
      const { environment } = release.plan
      if (environment === undefined) throw new Error('no environment')
      const hosts = [...(wish.hosts ?? all)]
      const planned = { ...release.plan, environment: { ...environment, hosts, keep: wish.keep ?? 5, swarm: swarmOf(wish) } }
      const plan = await withStack(app, planned, ports)
      const [deployed] = (await deploy({ ...release, plan }, ports)).hosts
      if (deployed === undefined) throw new Error('nothing was deployed')
      return { ...deployed, release: release.id }
    },
    async rollback({ version, ...wish } = {}) {
      return rollback(app, environmentOf(swarmOf({}), wish.hosts ?? all), portsOf(wish), version === undefined ? {} : { version })
    },
    async propose(version) {
      return proposeRollback(app, environmentOf(swarmOf({}), all), portsOf({}), version === undefined ? {} : { version })
    },
    async status() {
      const [seen] = await status(app, environmentOf(swarmOf({}), all), portsOf({}))
      if (seen === undefined) throw new Error('no status')
      return seen
    },
    async lock(reason) {
      return (await lock({ app, environment: environmentOf(swarmOf({}), all) }, { reason }, portsOf({}))).text
    },
    async unlock() {
      return (await unlock({ app, environment: environmentOf(swarmOf({}), all) }, portsOf({}))).text
    },
    async tasks(service) {
      const lines = await docker_('service', 'ps', '--filter', 'desired-state=running', '--format', '{{.ID}}', `${name}_${service}`)
      return lines.split('\n').toSorted()
    },
    async [Symbol.asyncDispose]() {
      files.close()
      rmSync(folder, { recursive: true, force: true })
      const gone = `
        for one in $(docker service ls --quiet --filter label=com.docker.stack.namespace=${name}); do docker service rm "$one"; done
        for one in $(docker config ls --quiet --filter label=launchway.app=${app}) $(docker config ls --quiet --filter label=launchway.lock=${name}); do docker config rm "$one"; done
        for one in $(docker secret ls --quiet --filter label=launchway.app=${app}); do docker secret rm "$one"; done
        tries=0
        while [ -n "$(docker network ls --quiet --filter label=com.docker.stack.namespace=${name})" ] && [ "$tries" -lt 50 ]; do
          for one in $(docker network ls --quiet --filter label=com.docker.stack.namespace=${name}); do docker network rm "$one"; done
          tries=$((tries + 1)); sleep 0.2
        done
        rm -rf '${stateRoot}'`
      await hostFor('node1').ask(`{ ${gone}\n} > /dev/null 2>&1; true`)
      for (const node of ['node2', 'node3']) await hostFor(node).ask(`rm -rf '${stateRoot}'`)
    },
  }

  function environmentOf(swarm: NonNullable<Environment['swarm']>, hosts: readonly string[]): Environment {
    return {
      name: environmentName,
      hosts: [...hosts],
      ssh: { key: 'SSH_KEY', connectTimeoutMs: 1000 },
      stateRoot,
      keep: 5,
      services: [],
      accessories: [],
      swarm,
    }
  }
}
