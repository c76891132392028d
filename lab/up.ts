import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, openSync, readFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LaunchwayError } from '../src/core/error.ts'
import { down, githubPid } from './down.ts'
import { freePorts } from './free-ports.ts'
import { hostKey, machineTree, makeCertificates, makeSshKeys, writeKnownHosts } from './keys.ts'
import { type Lab, type LabHost, labFolder, labLabel, sshArgs } from './lab.ts'
import { root } from './paths.ts'
import { ask, call, docker } from './run.ts'
import { hostImage, servicesImage } from './setup/images.ts'
import { formSwarm } from './swarm.ts'
import { type Suite, suites } from './versions.ts'
import { publishDatabase } from './vulnerabilities/publish.ts'

/** What of a host is published on the loopback of this machine. */
const hostPorts = ['22', '80', '443', '5000', '6000'] as const
const accounts = ['root', 'deploy', 'ops', 'guest'] as const

export interface Wanted {
  name: string
  hosts: readonly Suite[]
  /** Three more hosts, `node1` to `node3`, that are the managers of one swarm. */
  swarm?: boolean
}

/** Two engines of one age and a newer one, as in a swarm that is upgraded node by node. */
const nodes: readonly (readonly [string, Suite])[] = [
  ['node1', 'trixie'],
  ['node2', 'trixie'],
  ['node3', 'forky'],
]

export const allSuites: readonly Suite[] = ['bookworm', 'trixie', 'forky']

export function newLabName(): string {
  return `lab-${randomBytes(3).toString('hex')}`
}

/**
 * Starts a lab; one that cannot be started leaves nothing behind. A port that was free may be taken before a container
 * has it: then all is begun once more, with others.
 */
export async function up(wanted: Wanted): Promise<Lab> {
  const attempt = (): Promise<Lab> =>
    start(wanted).catch(async (error: unknown) => {
      await down(wanted.name)
      throw error
    })
  return attempt().catch((error: unknown) => {
    if (error instanceof LaunchwayError && /already (in use|allocated)/.test(error.hint ?? '')) return attempt()
    throw error
  })
}

/** Everything side by side, and labelled with the lab's name, so that `down` finds it whatever happens. */
async function start({ name, hosts: suitesWanted, swarm = false }: Wanted): Promise<Lab> {
  const suiteOf = new Map<string, Suite>([...suitesWanted.map((suite) => [suite, suite] as const), ...(swarm ? nodes : [])])
  const hosts = [...suiteOf.keys()]
  const folder = labFolder(name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const machines = ['jump', ...hosts]
  const proxied = ['registry', 'secure-registry', ...hosts.map((host) => `ssh-${host}`)]
  const free = await freePorts(4 + proxied.length + hosts.length * hostPorts.length)
  const take = (): number => free.pop() ?? 0
  const ports = { registry: take(), secure: take(), jump: take(), api: take() }
  const proxies = Object.fromEntries(proxied.map((proxy) => [proxy, take()]))
  const published = new Map(hosts.map((host) => [host, Object.fromEntries(hostPorts.map((port) => [port, take()]))]))

  const network = `launchway-${name}`
  // Of its own: a test looks for it wherever it should not be, also while others come up.
  const login = { username: 'lab', password: `lab-${randomBytes(12).toString('hex')}` }
  const [, { ca, server }, github] = await ended([
    makeSshKeys(folder, machines),
    makeCertificates(folder),
    startGitHub(folder),
    docker('network', 'create', '--label', `${labLabel}=${name}`, network),
  ])
  const knownHosts = writeKnownHosts(
    folder,
    new Map([
      ['jump', ['jump', `[127.0.0.1]:${ports.jump}`]],
      ...hosts.map((host): [string, string[]] => [
        host,
        [host, `[127.0.0.1]:${published.get(host)?.['22']}`, `[127.0.0.1]:${proxies[`ssh-${host}`]}`],
      ]),
    ]),
  )
  writeFileSync(join(folder, 'forwards'), `${ports.registry} registry:5000\n${ports.secure} secure-registry:5000\n`)
  writeFileSync(join(folder, 'proxies.json'), JSON.stringify(proxyList(proxied)))

  const identity = (machine: string): string[] => [
    ...['--label', `${labLabel}=${name}`, '--network', network, '--network-alias', machine, '--name', `${name}-${machine}`],
  ]
  const run = (machine: string, args: string[], command: string[]): Promise<string> =>
    docker('run', '--detach', '--init', ...identity(machine), ...args, ...command)
  const publish = (port: number | undefined, inside: string): string[] => ['--publish', `127.0.0.1:${port}:${inside}`]
  const services = servicesImage()
  await ended([
    run('registry', publish(ports.registry, '5000'), [services, 'registry-server']),
    run(
      'secure-registry',
      [
        ...publish(ports.secure, '5000'),
        '--env',
        `LAB_USER=${login.username}`,
        '--env',
        `LAB_PASSWORD=${login.password}`,
        '--volume',
        `${server}:/lab/tls:ro`,
      ],
      [services, 'registry-server'],
    ),
    docker('create', '--init', ...identity('jump'), ...publish(ports.jump, '22'), services, 'jump-server'),
    run(
      'faults',
      [
        ...publish(ports.api, '8474'),
        ...proxied.flatMap((proxy, index) => publish(proxies[proxy], String(firstProxyPort + index))),
        '--volume',
        `${join(folder, 'proxies.json')}:/proxies.json:ro`,
      ],
      [services, 'toxiproxy-server', '-host', '0.0.0.0', '-config', '/proxies.json'],
    ),
    ...[...suiteOf].map(([host, suite]) => createHost({ lab: name, network, host, suite, ports: published.get(host) ?? {} })),
  ])
  await ended(machines.map((machine) => startMachine(folder, `${name}-${machine}`, machine)))

  const lab: Lab = {
    name,
    folder,
    network,
    key: join(folder, 'key'),
    knownHosts,
    registry: { address: `127.0.0.1:${ports.registry}` },
    secureRegistry: { address: `127.0.0.1:${ports.secure}`, ca, ...login },
    vulnerabilities: `127.0.0.1:${ports.registry}/trivy-db:2`,
    jump: { port: ports.jump },
    hosts: Object.fromEntries(
      [...suiteOf].map(([host, suite]): [string, LabHost] => [
        host,
        { suite, container: `${name}-${host}`, ports: published.get(host) ?? {} },
      ]),
    ),
    faults: { api: `http://127.0.0.1:${ports.api}`, proxies },
    github,
  }
  writeFileSync(join(folder, 'lab.json'), JSON.stringify(lab, null, 2))
  await ended([publishDatabase(lab.vulnerabilities, new Date()), ...Object.values(lab.hosts).map((host) => hostReady(lab, host))])
  if (swarm) await formSwarm(lab)
  return lab
}

/** As Promise.all, but fails only when all has ended: what comes up after `down` has looked would stay for ever. */
async function ended<T extends readonly unknown[] | []>(work: T): Promise<{ -readonly [At in keyof T]: Awaited<T[At]> }> {
  await Promise.allSettled(work)
  return Promise.all(work)
}

const firstProxyPort = 21000

/** toxiproxy's own list. A proxy for SSH stands before a host, one for a registry before the registry. */
function proxyList(proxied: readonly string[]): unknown {
  return proxied.map((proxy, index) => {
    const upstream = proxy.startsWith('ssh-') ? `${proxy.slice('ssh-'.length)}:22` : `${proxy}:5000`
    return { name: proxy, listen: `0.0.0.0:${firstProxyPort + index}`, upstream, enabled: true }
  })
}

/** Creates a host that boots with an engine, nginx and sshd of its age. */
function createHost(of: { lab: string; network: string; host: string; suite: Suite; ports: Record<string, number> }): Promise<string> {
  const { lab, network, host, suite, ports } = of
  const systemd = suites[suite].packages.includes('systemd')
  return docker(
    'create',
    '--privileged',
    '--cgroupns=private',
    ...['--tmpfs', '/run', '--tmpfs', '/tmp:exec'],
    // systemd ends with this signal; what it takes for SIGTERM is to start itself anew.
    ...(systemd ? ['--tmpfs', '/run/lock', '--stop-signal', 'SIGRTMIN+3'] : []),
    ...['--label', `${labLabel}=${lab}`, '--network', network, '--network-alias', host],
    ...['--hostname', host, '--name', `${lab}-${host}`],
    ...Object.entries(ports).flatMap(([inside, outside]) => ['--publish', `127.0.0.1:${outside}:${inside}`]),
    ...['--volume', `${join(labFolder(lab), 'forwards')}:/etc/lab-forwards:ro`],
    hostImage(suite),
  )
}

/** Gives a machine its host key and lets the lab's key in to every account, then starts it: sshd needs both at once. */
async function startMachine(folder: string, container: string, machine: string): Promise<void> {
  const homes = machine === 'jump' ? ['home/jump'] : accounts.map((user) => (user === 'root' ? 'root' : `home/${user}`))
  const tree = machineTree(folder, machine)
  for (const home of homes) {
    mkdirSync(join(tree, home, '.ssh'), { recursive: true })
    copyFileSync(join(folder, 'key.pub'), join(tree, home, '.ssh/authorized_keys'))
  }
  const files = [hostKey, ...homes.map((home) => `${home}/.ssh/authorized_keys`)]
  const { stdout } = await call('tar', ['-C', tree, '--owner=0', '--group=0', '-c', ...files])
  await call('docker', ['cp', '-', `${container}:/`], { stdin: stdout })
  await docker('start', container)
}

/**
 * Waits until the engine of a host answers and sshd lets in a user who is not root: while systemd boots it listens
 * already, but refuses everybody else (pam_nologin).
 */
async function hostReady(lab: Lab, host: LabHost): Promise<void> {
  const deadline = Date.now() + 90_000
  let failed: unknown
  while (Date.now() < deadline) {
    try {
      await call('ssh', [...sshArgs(lab, host, 'deploy'), 'docker version'], { timeoutMs: 30_000 })
      return
    } catch (error) {
      failed = error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the host ${host.container} did not come up: ${await ask('docker', ['logs', '--tail', '30', host.container])}`, {
    cause: failed,
  })
}

/** GitHub's API, as a process of this machine that `down` ends by its id: that is written down before anything else can fail. */
async function startGitHub(folder: string): Promise<Lab['github']> {
  const log = openSync(join(folder, 'github.log'), 'a')
  const token = `ghs_${randomBytes(18).toString('hex')}`
  const ready = join(folder, 'github.url')
  const child = spawn(process.execPath, [join(root, 'lab/github/main.ts'), ready], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, LAB_GITHUB_TOKEN: token },
  })
  writeFileSync(githubPid(folder), String(child.pid ?? 0))
  child.unref()
  for (let tries = 0; tries < 200; tries += 1) {
    if (existsSync(ready)) return { url: readFileSync(ready, 'utf8').trim(), token, pid: child.pid ?? 0 }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the lab's GitHub did not start; see ${join(folder, 'github.log')}`)
}
