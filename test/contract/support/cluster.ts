import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { ask, docker } from '../../../lab/run.ts'
import { bare, type Ended, through } from './doors.ts'
import { openFolder } from './folder.ts'
import { host as address, labKey } from './ssh.ts'

export const nodeNames = ['node1', 'node2', 'node3'] as const
export type NodeName = (typeof nodeNames)[number]

export function containerOf(node: NodeName): string {
  return inject('lab').hosts[node]?.container ?? ''
}

/** Runs docker on a host of the lab's swarm. */
export function dockerOn(node: NodeName, ...args: string[]): Promise<string> {
  return docker('exec', containerOf(node), 'docker', ...args)
}

/** Takes hosts of the lab out of their swarm, whatever it is. */
export async function dissolve(...nodes: NodeName[]): Promise<void> {
  for (const node of nodes.toReversed()) await ask('docker', ['exec', containerOf(node), 'docker', 'swarm', 'leave', '--force'])
}

/** A row for each node, as a manager has it: `node1 Ready manager`. */
export async function membersOf(node: NodeName): Promise<string[]> {
  const rows = await dockerOn(node, 'node', 'ls', '--format', '{{.Hostname}} {{.Status}} {{if .ManagerStatus}}manager{{else}}worker{{end}}')
  return rows.split('\n').toSorted()
}

/** A folder from which somebody operates the lab's swarm, over real SSH. */
export interface Desk extends AsyncDisposable {
  folder: string
  addresses: Record<NodeName, string>
  configure(environment: object, more?: object): void
  launchway(args: string[], of?: { input?: string; until?: (out: string) => boolean }): Promise<Ended>
}

export async function openDesk(app: string, user = 'deploy'): Promise<Desk> {
  const folder = await openFolder()
  const addresses = { node1: address('node1', user), node2: address('node2', user), node3: address('node3', user) }
  return {
    folder: folder.path,
    addresses,
    configure(environment, more = {}) {
      const { knownHosts, registry } = inject('lab')
      const config = {
        app,
        image: `${registry.address}/${app}`,
        scan: false,
        registries: { [registry.address]: { 'plain-http': true } },
        environments: { test: { hosts: Object.values(addresses), ssh: { 'known-hosts': knownHosts }, ...environment } },
        ...more,
      }
      writeFileSync(join(folder.path, 'launchway.yml'), JSON.stringify(config))
    },
    launchway: (args, of = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, through('cli', args), {
          cwd: folder.path,
          env: bare({ SSH_KEY: labKey().reveal() }),
          stdio: ['pipe', 'pipe', 'pipe'],
        })
        let [out, err] = ['', '']
        child.stdout.on('data', (chunk: Buffer) => {
          out += chunk.toString()
          if (of.until?.(out) === true) child.kill('SIGINT')
        })
        child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
        child.stdin.on('error', () => undefined)
        child.stdin.end(of.input ?? '')
        child.once('error', reject)
        child.once('close', (code) => resolve({ code, out, err }))
      }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

/** Waits in a hook, where `expect.poll` cannot. */
export async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 90_000
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${what}: not so after 90 s`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
