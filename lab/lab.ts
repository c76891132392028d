import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { labs } from './paths.ts'

/** The label on every container, network and volume of a lab: its name. */
export const labLabel = 'launchway.lab'

const Port = z.int()

const Host = z.object({
  suite: z.string(),
  container: z.string(),
  /** Where each port of the host answers on the loopback of this machine. */
  ports: z.record(z.string(), Port),
})
export type LabHost = z.infer<typeof Host>

/** A lab that is up: an internet in a box. Addresses are those of this machine's loopback. */
export const Lab = z.object({
  name: z.string(),
  /** Keys, certificates, known_hosts, logs. */
  folder: z.string(),
  network: z.string(),
  /** Private SSH key that every account of every host lets in. */
  key: z.string(),
  knownHosts: z.string(),
  registry: z.object({ address: z.string() }),
  secureRegistry: z.object({ address: z.string(), ca: z.string(), username: z.string(), password: z.string() }),
  /** The vulnerability database, fresh when the lab came up, in the plain registry: what Trivy is told as --db-repository. */
  vulnerabilities: z.string(),
  jump: z.object({ port: Port }),
  hosts: z.record(z.string(), Host),
  /** toxiproxy's API, and where each of its proxies listens: `registry`, `secure-registry`, `ssh-<suite>`. */
  faults: z.object({ api: z.string(), proxies: z.record(z.string(), Port) }),
  github: z.object({ url: z.string(), token: z.string(), pid: z.int() }),
})
export type Lab = z.infer<typeof Lab>

export function labFolder(name: string): string {
  return join(labs, name)
}

/** What taking a lab down needs, also one that was started by another version of this code. */
const Started = Lab.pick({ registry: true, secureRegistry: true, github: true })

export function readStarted(name: string): z.infer<typeof Started> | undefined {
  const file = join(labFolder(name), 'lab.json')
  return existsSync(file) ? Started.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data : undefined
}

export function readLab(name: string): Lab | undefined {
  const file = join(labFolder(name), 'lab.json')
  return existsSync(file) ? Lab.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}

/** Names of the labs that were started on this machine and not taken down. */
export function labNames(): string[] {
  return existsSync(labs) ? readdirSync(labs).toSorted() : []
}

/** The arguments of `ssh` to an account of a host, with the lab's key and the keys of its hosts. */
export function sshArgs(lab: Lab, host: LabHost, user: string): string[] {
  const options = ['BatchMode=yes', 'ConnectTimeout=5', `UserKnownHostsFile=${lab.knownHosts}`].flatMap((one) => ['-o', one])
  return ['-F', 'none', '-i', lab.key, ...options, '-p', String(host.ports['22']), `${user}@127.0.0.1`]
}

/** `deploy@127.0.0.1:40022`, as launchway.yml names a host. */
export function sshAddress(host: LabHost, user: string): string {
  return `${user}@127.0.0.1:${host.ports['22']}`
}
