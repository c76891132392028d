import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { makeCertificate } from './keys.ts'
import { type Lab, labLabel } from './lab.ts'
import { tools } from './paths.ts'
import { ask, docker } from './run.ts'
import { servicesImage } from './setup/images.ts'

/** A certificate authority that speaks ACME (Pebble), beside the hosts of a lab, for the tests that ask for it. */
export interface Authority extends AsyncDisposable {
  /** What launchway.yml calls `server`; the lab's own authority vouches for it. */
  directory: string
  /** The DNS that the authority asks has this answer from now on. */
  leads(name: string, container: string): Promise<void>
  /** Of the certificates that it gives out, in PEM. */
  root(): Promise<string>
}

const alias = 'acme'

export async function startAuthority(lab: Lab): Promise<Authority> {
  const container = `${lab.name}-${alias}`
  const folder = join(lab.folder, alias)
  mkdirSync(folder, { recursive: true })
  const { certificate, key } = await makeCertificate(lab.folder, alias, `DNS:${alias}`)
  const config = {
    listenAddress: '0.0.0.0:14000',
    managementListenAddress: '0.0.0.0:15000',
    certificate: '/acme.pem',
    privateKey: '/acme.key',
    httpPort: 80,
    tlsPort: 443,
  }
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble: config }))
  // One that a run of tests which was killed has left.
  await ask('docker', ['rm', '--force', '--volumes', container])
  const files = {
    [join(tools, 'pebble')]: '/pebble',
    [join(tools, 'pebble-challtestsrv')]: '/dns',
    [join(folder, 'pebble.json')]: '/pebble.json',
    [certificate]: '/acme.pem',
    [key]: '/acme.key',
  }
  await docker(
    ...['run', '--detach', '--init', '--name', container, '--label', `${labLabel}=${lab.name}`],
    ...['--network', lab.network, '--network-alias', alias],
    ...['8055', '14000', '15000'].flatMap((port) => ['--publish', `127.0.0.1::${port}`]),
    ...Object.entries(files).flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
    // It would wait up to 15 s before it asks, and refuse some requests, so that clients learn to live with both.
    ...['--env', 'PEBBLE_VA_NOSLEEP=1', '--env', 'PEBBLE_WFE_NONCEREJECT=0'],
    servicesImage(),
    ...[
      'sh',
      '-c',
      '/dns -defaultIPv4 "" -defaultIPv6 "" -http01 "" -https01 "" -tlsalpn01 "" -doh "" & exec /pebble -config /pebble.json -dnsserver 127.0.0.1:8053',
    ],
  )
  const at = async (port: string): Promise<string> => (await docker('port', container, port)).split('\n')[0] ?? ''
  const [control, directory, roots] = [await at('8055'), await at('14000'), await at('15000')]
  const ca = readFileSync(lab.secureRegistry.ca)
  for (let tries = 1; ; tries += 1) {
    const failed: unknown = await body(directory, '/dir', ca).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failed === undefined) break
    if (tries === 100) throw new Error(`the lab's authority did not start: ${await ask('docker', ['logs', container])}`, { cause: failed })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    directory: `https://${alias}:14000/dir`,
    async leads(name, to) {
      const address = await docker('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', to)
      await fetch(`http://${control}/clear-a`, { method: 'POST', body: JSON.stringify({ host: name }) })
      const answer = await fetch(`http://${control}/add-a`, { method: 'POST', body: JSON.stringify({ host: name, addresses: [address] }) })
      if (!answer.ok) throw new Error(`the lab's DNS answered ${answer.status}`)
    },
    root: () => body(roots, '/roots/0', ca),
    async [Symbol.asyncDispose]() {
      await docker('rm', '--force', '--volumes', container)
    },
  }
}

/** The body of what answers on this machine's loopback. */
function body(address: string, path: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    // RFC 8555 wants clients to say who they are.
    const headers = { 'user-agent': 'launchway-lab' }
    const asked = get(`https://${address}${path}`, { ca, headers, servername: alias, timeout: 5000 }, (answer) => {
      text(answer).then(
        (found) => (answer.statusCode === 200 ? resolve(found) : reject(new Error(`${path} answered ${answer.statusCode}`))),
        reject,
      )
    })
    asked.on('error', reject)
    asked.on('timeout', () => void asked.destroy(new Error(`${path} did not answer`)))
  })
}
