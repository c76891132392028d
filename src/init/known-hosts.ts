import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { hangsUp, type HostKey, hostKeys, keyScan, knownKey } from '../tools/keyscan.ts'
import { parseAddress } from '../tools/ssh.ts'

/** Where the repository keeps the keys of its hosts. */
export const knownHostsFile = '.github/known_hosts'

export interface Keys {
  /** Lines to add. */
  lines: string[]
  /** What to do by hand, for hosts whose keys are not taken. */
  todo: string[]
}

export interface Trust {
  /** Fingerprints that somebody has compared already: `SHA256:…`. */
  trusted: readonly string[]
  /** Asks whether these are the keys of a host. Undefined where nobody can be asked. */
  ask: ((host: string, keys: readonly HostKey[]) => Promise<boolean>) | undefined
}

/**
 * The keys of hosts that the repository does not have yet. A key is taken when its fingerprint was named, or when somebody
 * has said that it is the right one; never because a host shows it.
 * @throws LaunchwayError SSH_HOST_KEY where fingerprints were named, and a host shows none of them
 */
export async function keysOfHosts(hosts: readonly string[], { trusted, ask }: Trust, ports: Ports): Promise<Keys> {
  const found: Keys = { lines: [], todo: [] }
  const places = new Map(hosts.map((host) => [placeOf(host), host]))
  for (const [place, host] of places) {
    if (await isKnown(host, ports)) continue
    const { keys, isClosed } = await scan(host, ports)
    const named = keys.filter(({ fingerprint }) => trusted.some((one) => fingerprint === one || fingerprint.startsWith(`${one} `)))
    if (keys.length === 0)
      found.todo.push(
        `${place} ${isClosed ? 'hangs up before it shows a host key: OpenSSH does so for a while to whoever has often asked without logging in. In a minute' : 'shows no host key now. When it can be reached from here'}: ${byHand(host)}; then \`ssh-keygen -lf ${knownHostsFile}\` must show what \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` shows on its console`,
      )
    else if (named.length > 0) found.lines.push(...named.map(({ line }) => line))
    else if (trusted.length > 0) {
      throw new LaunchwayError('SSH_HOST_KEY', `${place} shows another host key than the one that was named`, {
        hint: `named:     ${trusted.join(', ')}\nit shows:  ${keys.map(({ fingerprint }) => fingerprint).join(', ')}\nOn its console, \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` says which is right. Nothing was written.`,
      })
    } else if (ask !== undefined && (await ask(place, keys))) found.lines.push(...keys.map(({ line }) => line))
    else
      found.todo.push(
        `${place} shows ${keys.map(({ fingerprint }) => fingerprint).join(', ')}. If its console says the same, ${byHand(host)}`,
      )
  }
  return found
}

/** Accounts share the key of their host. */
function placeOf(address: string): string {
  const { host, port } = parseAddress(address)
  return port === undefined ? host : host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function byHand(address: string): string {
  const { host, port } = parseAddress(address)
  return `mkdir -p .github && ssh-keyscan ${port === undefined ? '' : `-p ${port} `}${host} >> ${knownHostsFile}`
}

async function isKnown(host: string, { exec, files, root }: Ports): Promise<boolean> {
  const path = join(root, knownHostsFile)
  if ((await files.look(path)) === undefined) return false
  return (await exec.run(knownKey(host, path), { accept: [0, 1] })).code === 0
}

/** None where the host does not answer, its name means nothing, or OpenSSH is not here: none of that keeps init from the rest. */
async function scan(host: string, { exec, signal }: Ports): Promise<{ keys: HostKey[]; isClosed: boolean }> {
  try {
    const { stdout, stderr } = await exec.run(keyScan(host), { accept: [0, 1], signal })
    return { keys: hostKeys(stdout), isClosed: hangsUp(stderr) }
  } catch (error) {
    if (error instanceof LaunchwayError && ['COMMAND_FAILED', 'TOOL_MISSING'].includes(error.code)) return { keys: [], isClosed: false }
    throw error
  }
}
