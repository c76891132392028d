import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { labLabel } from '../../../lab/lab.ts'
import { call, docker } from '../../../lab/run.ts'
import { systemClock } from '../../../src/adapters/clock.ts'
import { processExec } from '../../../src/adapters/exec.ts'
import { localFiles } from '../../../src/adapters/files.ts'
import type { Accessory, Environment, Service, SshSettings } from '../../../src/core/deployment.ts'
import type { Credentials, Ports, Remote } from '../../../src/core/ports.ts'
import { parseRelease, type DeployedHost, type Release } from '../../../src/core/release.ts'
import type { Project } from '../../../src/core/project.ts'
import { Secret } from '../../../src/core/secret.ts'
import { stageNames } from '../../../src/core/stages.ts'
import { deploy } from '../../../src/deploy/run.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { fakeFiles } from '../../fakes/files.ts'
import { fakeLog } from '../../fakes/log.ts'
import { environmentName, type HostUnderTest, type Hooks, which } from './host.ts'

export interface PushedImage {
  repository: string
  digest: string
}

/**
 * An image that serves a page with its $VERSION on port 8000. MODE=crash ends at once, MODE=sick has no page; made
 * from this machine's busybox and what that is linked to, so that it weighs two megabytes.
 */
export function pushTestImage(registry: string, login?: { username: string; password: string }): Promise<PushedImage> {
  return pushImage(registry, fillTestImage, login)
}

function fillTestImage(context: string): void {
  const busybox = which('busybox')
  const linked = execFileSync('ldd', [busybox], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  for (const library of linked) copyInto(library, join(context, 'root', library))
  copyInto(busybox, join(context, 'root/bin/busybox'))
  writeFileSync(
    join(context, 'root/serve'),
    `#!/bin/busybox sh
echo "starting $VERSION"
[ "$MODE" != crash ] || { echo 'boom: no "configuration" in \\tmp, 50% done' >&2; exit 3; }
/bin/busybox mkdir -p /www/deep
[ "$MODE" = sick ] || echo "$VERSION" > /www/index.html
exec /bin/busybox httpd -f -p 8000 -h /www
`,
    { mode: 0o755 },
  )
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM scratch\nCOPY root /\nENV PATH=/bin\nSTOPSIGNAL SIGKILL\nRUN ["/bin/busybox", "--install", "/bin"]\nCMD ["/serve"]\n',
  )
}

/** @param fill puts the Dockerfile and what it needs into the build context */
export async function pushImage(
  registry: string,
  fill: (context: string) => void,
  login?: { username: string; password: string },
): Promise<PushedImage> {
  const context = mkdtempSync(join(tmpdir(), 'launchway-image-'))
  const config = join(context, 'docker-config')
  // Runs side by side share the lab's registry and this machine's engine.
  const repository = `${registry}/launchway-contract-${randomBytes(4).toString('hex')}`
  try {
    fill(context)
    await call('docker', ['build', '--quiet', '--label', `${labLabel}=contract`, '--tag', repository, context])
    mkdirSync(config)
    if (login !== undefined) {
      await call('docker', ['--config', config, 'login', '--username', login.username, '--password-stdin', registry], {
        stdin: login.password,
      })
    }
    await docker('--config', config, 'push', '--quiet', repository)
    const digests = await docker('image', 'inspect', '--format', '{{join .RepoDigests "\\n"}}', repository)
    const own = digests.split('\n').find((one) => one.startsWith(`${repository}@`)) ?? ''
    return { repository, digest: own.slice(repository.length + 1) }
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}

/** From this machine's engine: a deploy then has to pull it. */
export async function removeImage({ repository, digest }: PushedImage): Promise<void> {
  await docker('image', 'rm', '--force', repository, `${repository}@${digest}`, `launchway.invalid/kept:${digest.slice(7)}`)
}

function copyInto(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

let releases = 0

export interface Wish {
  version: string
  services?: (Partial<Service> & { name: string })[]
  /** Databases and caches, as the record has them; what is not said is nothing. */
  accessories?: (Partial<Accessory> & { name: string; image: string })[]
  secrets?: Record<string, string>
  /** Files of the repository, by path. */
  files?: Record<string, string>
  /** The repository: a folder that is there. */
  root?: string
  /** What the plan has found of what is mounted, by source. */
  hashes?: Record<string, string>
  /** What to log in to the registry with: that of the image, or another one by its address. */
  login?: { username: string; password: string; at?: string }
  keep?: number
  /** Of an environment that comes of a compose project. */
  project?: Project
  /** Further keys of the environment. */
  more?: Partial<Environment>
  /** Of the image, as its build has recorded them: bytes, and what it was built for. */
  built?: { size?: number; platforms?: readonly string[] }
  who?: string
  /** Instead of a new release. */
  id?: string
  /** By way of SSH, instead of the host's own shell. */
  over?: { address: string; ssh: Ports['ssh']; settings: SshSettings; key: Secret }
  onInfo?: (line: string) => void
  onWarning?: (line: string) => void
  /** Waits end at once. */
  hurry?: boolean
}

/** A service that owns the host's port and is asked over HTTP. */
export function web(host: HostUnderTest, more: Partial<Service> = {}): Partial<Service> & { name: string } {
  return {
    name: 'web',
    port: 8000,
    publish: `127.0.0.1:${host.port}`,
    health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 30_000, settleMs: 0 },
    ...more,
  }
}

/** A service without a port: its versions may run side by side. */
export const worker: Partial<Service> & { name: string } = { name: 'worker' }

/** Deploys as the product does, onto a host under test. */
export async function deployTo(
  host: HostUnderTest,
  image: PushedImage,
  wish: Wish,
  hooks: Hooks = {},
): Promise<DeployedHost & { release: string }> {
  const release = releaseFor(host, image, wish)
  const section = await deploy(
    release,
    portsFor(() => host.remote(hooks), wish),
  )
  const [deployed] = section.hosts
  if (deployed === undefined) throw new Error('no host was deployed to')
  return { ...deployed, release: release.id }
}

export function releaseFor(host: HostUnderTest, { repository, digest }: PushedImage, wish: Wish): Release {
  releases += 1
  const id = wish.id ?? `20260101-${String(releases).padStart(6, '0')}-abcdef0`
  const services = (wish.services ?? [web(host)]).map((service) => ({
    image: 'app',
    health: { kind: 'container', timeoutMs: 10_000, settleMs: 0 },
    secrets: [],
    volumes: [],
    networks: [],
    capAdd: [],
    capDrop: [],
    groupAdd: [],
    privileged: false,
    devices: [],
    stopTimeoutMs: 2000,
    labels: {},
    options: [],
    ...service,
    env: { VERSION: wish.version, ...service.env },
  }))
  const record = {
    version: 1,
    id,
    app: host.app,
    created: '2026-01-01T00:00:00Z',
    outcome: { state: 'running' },
    plan: {
      event: 'local',
      sha: 'abcdef0',
      version: wish.version,
      images: [{ name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository] }],
      tags: [],
      ...(wish.hashes === undefined ? {} : { hashes: wish.hashes }),
      registries: [repository.split('/')[0], wish.login?.at].flatMap((at) => (at === undefined ? [] : [{ host: at, plainHttp: true }])),
      environment: {
        name: environmentName,
        hosts: [wish.over?.address ?? 'host'],
        ssh: wish.over?.settings ?? { key: 'SSH_KEY', connectTimeoutMs: 1000 },
        stateRoot: host.stateRoot,
        keep: wish.keep ?? 5,
        ...(wish.project === undefined ? {} : { project: wish.project }),
        ...wish.more,
        services,
        accessories: (wish.accessories ?? []).map((accessory) => ({
          health: { timeoutMs: 20_000, settleMs: 0 },
          env: {},
          secrets: [],
          volumes: [],
          networks: [],
          stopTimeoutMs: 2000,
          labels: {},
          options: [],
          ...accessory,
        })),
      },
      stages: Object.fromEntries(stageNames.map((name) => [name, { run: true, reason: 'asked for' }])),
    },
    build: {
      builder: 'test',
      images: [
        {
          name: 'app',
          key: '0'.repeat(32),
          how: 'built',
          config: Object.fromEntries((wish.built?.platforms ?? []).map((platform) => [platform, digest])),
          registries: { [repository]: { digest, mediaType: 'application/vnd.docker.distribution.manifest.v2+json' } },
          size: wish.built?.size ?? 0,
          layers: 1,
          ms: 0,
        },
      ],
    },
  }
  return parseRelease(JSON.stringify(record), 'the record of the test')
}

export function portsFor(
  remote: () => Remote,
  { secrets = {}, files = {}, root, login, who = 'ada@laptop', over, onInfo, onWarning, hurry = false }: Wish,
): Ports {
  const credentials: Credentials | undefined =
    login === undefined ? undefined : { username: login.username, password: new Secret(login.password) }
  return {
    exec: processExec,
    ssh: over?.ssh ?? { connect: () => Promise.resolve(remote()) },
    engine: new Proxy(fakeEngine(), { get: () => unused }),
    probe: { ask: unused, get: unused, connects: unused },
    self: { id: 'laptop:1', isGone: () => false },
    registry: {
      repository: unused,
      credentials: ({ host }) => Promise.resolve(login?.at === undefined || login.at === host ? credentials : undefined),
    },
    github: undefined,
    assets: undefined,
    cache: { restore: unused, save: unused },
    files:
      root !== undefined
        ? localFiles(root)
        : {
            ...fakeFiles(),
            read: (path) =>
              Promise.resolve(files[path.slice(process.cwd().length + 1)]).then((text) =>
                text === undefined ? undefined : Buffer.from(text),
              ),
          },
    watcher: unused,
    tools: {
      cosign: () => Promise.reject(new Error('no cosign here')),
      trivy: unused,
      hasRows: unused,
      isWhole: unused,
      folder: '/nowhere',
      cache: undefined,
    },
    clock: hurry ? { ...systemClock, sleep: () => Promise.resolve() } : systemClock,
    log: { ...fakeLog(), info: (line) => onInfo?.(line), warning: (line) => onWarning?.(line) },
    root: root ?? '.',
    evidence: '.evidence',
    environment: new Map(),
    redact: (text) => text,
    conceal: (value) => new Secret(value),
    secret: (name) => (name === 'SSH_KEY' ? over?.key : secrets[name] === undefined ? undefined : new Secret(secrets[name])),
    who,
    signal: new AbortController().signal,
  }
}

function unused(): Promise<never> {
  return Promise.reject(new Error('a deploy does not need this'))
}
