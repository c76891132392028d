import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { sshAddress } from '../../../lab/lab.ts'
import { processExec } from '../../../src/adapters/exec.ts'
import { openSsh } from '../../../src/adapters/ssh.ts'
import type { SshSettings } from '../../../src/core/deployment.ts'
import type { Remote, Ssh } from '../../../src/core/ports.ts'
import { Secret } from '../../../src/core/secret.ts'

/** Settings for a host of the lab. */
export function settings(of: Partial<SshSettings> = {}): SshSettings {
  return { key: 'SSH_KEY', connectTimeoutMs: 10_000, knownHosts: inject('lab').knownHosts, ...of }
}

export function labKey(): Secret {
  return new Secret(readFileSync(inject('lab').key, 'utf8'))
}

/** A line of known_hosts that gives a host of the lab another name, such as `[127.0.0.1]:40022`. */
export function knownAs(machine: string, name: string): string {
  const { knownHosts } = inject('lab')
  const line = readFileSync(knownHosts, 'utf8')
    .split('\n')
    .find((one) => one.split(' ')[0]?.split(',').includes(machine))
  const [, type, key] = line?.split(' ') ?? []
  if (type === undefined || key === undefined) throw new Error(`${machine} is not in ${knownHosts}`)
  return `${name} ${type} ${key}\n`
}

/** The processes of this machine whose command line names a folder. */
export function clientsOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandLine(name).includes(folder))
    .map(Number)
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** A signal that never comes. */
export const { signal: never } = new AbortController()
export const suites = ['bookworm', 'trixie', 'forky']

/** An account of a host of the lab. */
export function host(suite: string, user = 'deploy'): string {
  const found = inject('lab').hosts[suite]
  if (found === undefined) throw new Error(`the lab has no ${suite}`)
  return sshAddress(found, user)
}

export function portOf(suite: string): number {
  return Number(host(suite).split(':')[1])
}

/** OpenSSH of this machine. */
export function realSsh(): Ssh {
  return openSsh(processExec, { temporary: async (name) => mkdtempSync(join(tmpdir(), `lw-ssh-${name}-`)) })
}

/** A connection to a host of the lab, with the lab's key. */
export function connect(
  address: string,
  of: Partial<SshSettings> = {},
  options: { key?: Secret | undefined; signal?: AbortSignal } = {},
): Promise<Remote> {
  const { key = labKey(), signal = never } = options
  return realSsh().connect(address, settings(of), { key, signal })
}
