import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, inject, onTestFinished } from 'vitest'
import { ask, call, docker } from '../../../lab/run.ts'
import { resolveScan } from '../../../src/config/scan.ts'
import type { ScanPlan, ScanRule } from '../../../src/core/gates.ts'
import { keyTag } from '../../../src/core/names.ts'
import type { Ports } from '../../../src/core/ports.ts'
import type { Release } from '../../../src/core/release.ts'
import { openPorts } from '../../../src/ports.ts'
import { type FakeLog, fakeLog } from '../../fakes/log.ts'
import { type Folder, openFolder } from './folder.ts'
import { releaseOf } from './uploaded.ts'

const { registry, vulnerabilities } = inject('lab')

export interface BuiltHere {
  repository: string
  key: string
  /** The digest of its configuration. */
  config: string
}

let images = 0
const built: string[] = []
afterAll(() => ask('docker', ['image', 'rm', '--force', ...built]))

/** Builds an image under a content key, as the build stage leaves it in the engine. @param files of the context, by path */
export async function buildHere(dockerfile: string, files: Readonly<Record<string, string | Buffer>> = {}): Promise<BuiltHere> {
  images += 1
  const repository = `${registry.address}/scan-${process.pid}`
  const key = `${process.pid.toString(16)}${images.toString(16).padStart(4, '0')}`.padStart(32, '0')
  const reference = `${repository}:${keyTag(key)}`
  await using context = await openFolder()
  for (const [path, text] of Object.entries({ Dockerfile: dockerfile, ...files })) {
    mkdirSync(dirname(join(context.path, path)), { recursive: true })
    writeFileSync(join(context.path, path), text)
  }
  await call('docker', [
    'buildx',
    'build',
    '--quiet',
    '--load',
    '--provenance=false',
    '--network',
    'host',
    '--tag',
    reference,
    context.path,
  ])
  built.push(reference)
  return { repository, key, config: await docker('image', 'inspect', '--format', '{{.Id}}', reference) }
}

/** A Python package as pip leaves it behind, for an image that is scanned in no time. */
export function installed(name: string, version: string): Record<string, string> {
  return { [`site-packages/${name}-${version}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n` }
}

export const copyAll = 'FROM scratch\nCOPY site-packages /usr/lib/python3/site-packages\n'

/** A rule that fails where all of this is true of a vulnerability. */
export function failOn(of: Partial<ScanRule>): ScanRule {
  return { action: 'fail', classes: ['os', 'library'], packages: [], ids: [], ...of }
}

export function toScan(image: BuiltHere, plan: Partial<ScanPlan> = {}): Release {
  const release = releaseOf({ ...image, tags: ['main'] })
  const usual = resolveScan({}, {})
  if (typeof usual === 'string') throw new TypeError(usual)
  const scan = { ...usual, databases: [vulnerabilities], ...plan }
  return { ...release, plan: { ...release.plan, scan } }
}

interface Here {
  /** The root of the working tree. */
  root: string
  log: FakeLog
  ports: Ports
}

/**
 * A working tree of its own for each test, and ports as a door opens them.
 * @param kept where Trivy's caches are kept; without it, each test begins with none
 */
export function openEach(kept?: () => string): {
  here: () => Here
  /** The same with more in the environment. */
  openHere: (env: Record<string, string>) => Ports
  write: (name: string, text: string) => void
} {
  let folder: Folder
  let log: FakeLog
  let ports: Ports
  const closing: (() => void)[] = []
  const openHere = (env: Record<string, string>): Ports => {
    const { close, ...opened } = openPorts({
      env: { ...process.env, RUNNER_TEMP: join(folder.path, 'temp'), XDG_CACHE_HOME: kept?.() ?? join(folder.path, 'cache'), ...env },
      log,
      root: folder.path,
      evidence: join(folder.path, 'evidence'),
      who: 'ada@laptop',
      signal: new AbortController().signal,
      onSecret: () => undefined,
      github: false,
    })
    closing.push(close)
    return opened
  }
  beforeEach(async () => {
    folder = await openFolder()
    log = fakeLog()
    ports = openHere({})
  })
  afterEach(async () => {
    for (const close of closing.splice(0)) close()
    await folder[Symbol.asyncDispose]()
  })
  const here = (): Here => ({ root: folder.path, log, ports })
  return { here, openHere, write: (name, text) => writeFileSync(join(folder.path, name), text) }
}

/** Holds the cache of a Trivy until the test is over, as another Trivy at work does. */
export async function holdCache({ tools }: Ports): Promise<void> {
  const file = join(tools.folder, 'trivy/fanal/fanal.db')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, '', { flag: 'a' })
  const holder = spawn('flock', ['--exclusive', file, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    holder.stdin.end()
    await once(holder, 'close')
  })
  await once(holder.stdout, 'data')
}
