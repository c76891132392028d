import { type Command, command, option } from '../core/command.ts'
import { fingerprint, parseAddress } from './ssh.ts'

/**
 * Asks a host for its public keys, before anybody trusts them: ssh-keyscan(1). It logs in nowhere, which OpenSSH 9.8 and later
 * hold against whoever does it often: each kind of key is a connection, so none is asked for that hosts do not have.
 */
export function keyScan(address: string, seconds = 5): Command {
  const { host, port } = parseAddress(address)
  return command('ssh-keyscan', ['-T', String(seconds), '-t', 'ed25519,ecdsa,rsa', ...option('-p', port), '--', host], {
    timeoutMs: (seconds + 10) * 1000,
  })
}

/** Whether a host hangs up on us before it has shown anything, in what ssh-keyscan says: it does so to whoever asked too often. */
export function hangsUp(said: string): boolean {
  return /closed by remote host|connection reset/i.test(said)
}

/** Ends with 0 where the file has a key of the host, 1 where not. */
export function knownKey(address: string, file: string): Command {
  const { host, port } = parseAddress(address)
  return command('ssh-keygen', ['-F', port === undefined || port === 22 ? host : `[${host}]:${port}`, '-f', file])
}

export interface HostKey {
  /** As known_hosts has it. */
  line: string
  /** `SHA256:… (ED25519)` */
  fingerprint: string
}

/** The keys in what ssh-keyscan prints, each once. */
export function hostKeys(printed: string): HostKey[] {
  const keys = printed.split('\n').flatMap((line) => {
    const print = line.startsWith('#') ? undefined : fingerprint(line)
    return print === undefined ? [] : [{ line: line.trim(), fingerprint: print }]
  })
  return keys.toSorted((a, b) => rank(a) - rank(b))
}

/** The kind that people compare stands first. */
function rank({ fingerprint: print }: HostKey): number {
  return ['ED25519', 'ECDSA', 'RSA'].findIndex((kind) => print.includes(kind))
}
