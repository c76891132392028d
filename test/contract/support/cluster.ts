import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, inject } from 'vitest'
import { ask, docker } from '../../../lab/run.ts'
import { bare, type Ended, through } from './doors.ts'
import { openFolder } from './folder.ts'
import { host as address, labKey } from './ssh.ts'
import { openTerminal, type Terminal } from './terminal.ts'

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
  /** In a process of its own with the second argument: what reads its standard input, or is ended, needs one. */
  launchway(args: string[], of?: { input?: string; until?: (out: string) => boolean }): Promise<Ended>
}

/** Of all desks of a test file. */
let terminal: Terminal | undefined
afterAll(() => terminal?.[Symbol.asyncDispose]())

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
    launchway(args, of) {
      const env = { SSH_KEY: labKey().reveal() }
      if (of === undefined) return (terminal ??= openTerminal(env)).launchway(args, folder.path)
      return inItsOwn(args, folder.path, env, of)
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

function inItsOwn(
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
  of: { input?: string; until?: (out: string) => boolean },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, through('cli', args), { cwd, env: bare(env), stdio: ['pipe', 'pipe', 'pipe'] })
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
  })
}

/** Waits until a condition holds in a shell of a node: asking again from here would cost a way there each time. */
export async function waitOn(node: NodeName, condition: string, seconds = 90): Promise<void> {
  const program = `end=$(($(date +%s) + ${seconds})); until { ${condition}; }; do [ "$(date +%s)" -lt "$end" ] || exit 1; sleep 0.3; done`
  await docker('exec', containerOf(node), 'sh', '-c', program)
}
