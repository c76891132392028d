import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newRunner, type Runner } from '../act.ts'
import { makeCertificate } from '../keys.ts'
import { type Lab, type LabHost } from '../lab.ts'
import { call } from '../run.ts'

/** The name that the example has on the internet. */
export const serverName = 'addie.example.org'
/** The account on the host that may configure nginx. */
export const account = 'ops'

/** Where one demo happens: a lab, and in its folder a user's repository and the runner of its workflows. */
export interface Place {
  lab: Lab
  host: LabHost
  repository: string
  runner: Runner
  front: Front
}

/** Where the application answers, seen from this machine. */
interface Front {
  url: string
  port: number
  /** The certificate of the authority that vouches for it, in PEM. */
  ca: string
  /** What curl needs to be told, since no name server knows the name. */
  curl: string[]
}

export function placeOf(lab: Lab): Place {
  const host = lab.hosts['trixie']
  if (host === undefined) throw new Error(`the lab ${lab.name} has no host trixie`)
  const folder = join(lab.folder, 'demo')
  mkdirSync(folder, { recursive: true })
  const secrets = { SSH_KEY: readFileSync(lab.key, 'utf8'), SECRET_KEY: secretKey(folder), GITHUB_TOKEN: lab.github.token }
  return {
    lab,
    host,
    repository: join(folder, 'addie'),
    runner: newRunner(join(folder, 'runner'), { api: lab.github.url, secrets }),
    front: frontOf(lab, host),
  }
}

/** The same at every push, as a secret of a repository is. */
function secretKey(folder: string): string {
  const file = join(folder, 'secret-key')
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

function frontOf(lab: Lab, host: LabHost): Front {
  const port = host.ports['443'] ?? 0
  const { ca } = lab.secureRegistry
  return {
    url: `https://${serverName}:${port}`,
    port,
    ca: readFileSync(ca, 'utf8'),
    curl: ['--cacert', ca, '--resolve', `${serverName}:${port}:127.0.0.1`],
  }
}

/**
 * What a host needs for a server of nginx with TLS beside an account that may configure it, see docs/guide/hosts.md: a
 * certificate, here of the lab's own authority, where certbot would keep it.
 */
export async function prepareHost({ lab, host }: Place): Promise<void> {
  const onHost = (...words: string[]): Promise<unknown> => call('docker', ['exec', host.container, ...words])
  const { certificate, key } = await makeCertificate(lab.folder, serverName, `DNS:${serverName}`)
  const live = `/etc/letsencrypt/live/${serverName}`
  await onHost('install', '-d', '-m', '700', live)
  await call('docker', ['cp', certificate, `${host.container}:${live}/fullchain.pem`])
  await call('docker', ['cp', key, `${host.container}:${live}/privkey.pem`])
}
