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

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const days = ['-days', '30']
const tlsFile = (folder: string, name: string): string => join(folder, 'tls', name)

/** The certificate of the lab's authority. */
export const authorityOf = (folder: string): string => tlsFile(folder, 'ca.pem')

/** A certificate authority of the lab's own, and a server certificate for its registry. */
export async function makeCertificates(folder: string): Promise<{ ca: string; server: string }> {
  mkdirSync(join(folder, 'tls'), { recursive: true })
  const ca = authorityOf(folder)
  // Python 3.13 takes no authority that does not say what its key is for, and no certificate that does not say whose it is.
  const use = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  const subject = ['-subj', '/CN=lab authority']
  await call('openssl', ['req', '-x509', ...curve, ...days, ...subject, ...use, '-keyout', tlsFile(folder, 'ca.key'), '-out', ca])
  await makeCertificate(folder, 'server', 'IP:127.0.0.1,DNS:localhost,DNS:secure-registry')
  return { ca, server: join(folder, 'tls') }
}

/**
 * A certificate by the lab's authority, and its private key: PEM files of that name in the lab's folder.
 * @param names as openssl has them: `DNS:www.example.org,IP:127.0.0.1`
 */
export async function makeCertificate(folder: string, name: string, names: string): Promise<{ certificate: string; key: string }> {
  const [certificate, key] = [tlsFile(folder, `${name}.pem`), tlsFile(folder, `${name}.key`)]
  const [request, extensions] = [tlsFile(folder, `${name}.csr`), tlsFile(folder, `${name}.ext`)]
  await call('openssl', ['req', '-new', ...curve, '-subj', `/CN=${name}`, '-keyout', key, '-out', request])
  writeFileSync(extensions, `subjectAltName=${names}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n`)
  const authority = ['-CA', tlsFile(folder, 'ca.pem'), '-CAkey', tlsFile(folder, 'ca.key'), '-CAcreateserial']
  await call('openssl', ['x509', '-req', ...days, '-in', request, ...authority, '-extfile', extensions, '-out', certificate])
  return { certificate, key }
}
