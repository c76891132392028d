import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from './run.ts'

/** Where a machine's own files wait until it is made; paths as on the machine. */
export const machineTree = (folder: string, machine: string): string => join(folder, 'machines', machine)
export const hostKey = 'etc/ssh/ssh_host_ed25519_key'

/** A key pair at `path` and `path.pub`. */
async function sshKey(path: string, comment: string): Promise<void> {
  await call('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path])
}

/** The client's key, and a host key for each machine. They live as long as the lab. */
export async function makeSshKeys(folder: string, machines: readonly string[]): Promise<void> {
  await Promise.all([
    sshKey(join(folder, 'key'), 'lab'),
    ...machines.map(async (machine) => {
      mkdirSync(join(machineTree(folder, machine), 'etc/ssh'), { recursive: true })
      await sshKey(join(machineTree(folder, machine), hostKey), machine)
    }),
  ])
}

/** @param names under which each machine is reached: `[127.0.0.1]:40022`, and its own name behind the jump host */
export function writeKnownHosts(folder: string, names: ReadonlyMap<string, readonly string[]>): string {
  const path = join(folder, 'known_hosts')
  const lines = [...names].map(([machine, hosts]) => {
    const [type, key] = readFileSync(join(machineTree(folder, machine), `${hostKey}.pub`), 'utf8').split(' ')
    return `${hosts.join(',')} ${type} ${key}\n`
  })
  writeFileSync(path, lines.join(''))
  return path
}

/** A certificate authority of the lab's own, and a server certificate for its registry. */
export async function makeCertificates(folder: string): Promise<{ ca: string; server: string }> {
  const tls = join(folder, 'tls')
  mkdirSync(tls, { recursive: true })
  const file = (name: string): string => join(tls, name)
  const [caKey, ca, key, request] = [file('ca.key'), file('ca.pem'), file('server.key'), file('server.csr')]
  const [server, extensions] = [file('server.pem'), file('server.ext')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await call('openssl', ['req', '-x509', ...curve, '-days', '30', '-subj', '/CN=lab authority', '-keyout', caKey, '-out', ca])
  await call('openssl', ['req', '-new', ...curve, '-subj', '/CN=secure-registry', '-keyout', key, '-out', request])
  writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:secure-registry\n')
  await call('openssl', [
    'x509',
    '-req',
    '-days',
    '30',
    '-in',
    request,
    '-CA',
    ca,
    '-CAkey',
    caKey,
    '-CAcreateserial',
    '-extfile',
    extensions,
    '-out',
    server,
  ])
  return { ca, server: tls }
}
