import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, inject } from 'vitest'
import { ask, call, docker } from '../../../lab/run.ts'
import { resolveScan } from '../../../src/config/scan.ts'
import type { ScanPlan, ScanRule } from '../../../src/core/gates.ts'
import { keyTag } from '../../../src/core/names.ts'
import type { Ports } from '../../../src/core/ports.ts'
import type { Release } from '../../../src/core/release.ts'
import { openPorts } from '../../../src/ports.ts'
import { type Database, readyDatabase } from '../../../src/scan/database.ts'
import { type VersionedTrivy, versioned } from '../../../src/scan/kept.ts'
import { tarOf } from '../../../src/tools/tar.ts'
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

/** Has the engine take up an image under a content key, as the build stage leaves it there. @param from makes it, of files by path */
async function take(
  files: Readonly<Record<string, string | Buffer>>,
  from: (folder: string, reference: string) => readonly string[],
): Promise<BuiltHere> {
  images += 1
  const repository = `${registry.address}/scan-${process.pid}`
  const key = `${process.pid.toString(16)}${images.toString(16).padStart(4, '0')}`.padStart(32, '0')
  const reference = `${repository}:${keyTag(key)}`
  await using context = await openFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(context.path, path)), { recursive: true })
    writeFileSync(join(context.path, path), text)
  }
  await call('docker', from(context.path, reference))
  built.push(reference)
  return { repository, key, config: await docker('image', 'inspect', '--format', '{{.Id}}', reference) }
}

/** Builds an image. @param files of the context, by path */
export function buildHere(dockerfile: string, files: Readonly<Record<string, string | Buffer>> = {}): Promise<BuiltHere> {
  return take({ Dockerfile: dockerfile, ...files }, (folder, reference) => [
    ...['buildx', 'build', '--quiet', '--load', '--provenance=false', '--network', 'host', '--tag', reference, folder],
  ])
}

/** An image of these files alone: Trivy cannot tell it from one that was built, and it is there in a tenth of the time. */
export function imageOf(files: Readonly<Record<string, string | Buffer>>): Promise<BuiltHere> {
  const archive = tarOf(
    Object.entries(files).map(([name, body]) => ({ name, kind: 'file' as const, mode: 0o644, body: Buffer.from(body) })),
  )
  return take({ 'image.tar': archive }, (folder, reference) => ['image', 'import', join(folder, 'image.tar'), reference])
}

/** What names the system of an image. */
export const debian = { 'etc/os-release': 'ID=debian\nVERSION_ID="12"\n', 'etc/debian_version': '12.5\n' }

/** A package of the system, as dpkg notes it. */
export function stanza(name: string, version: string): string {
  return `Package: ${name}\nStatus: install ok installed\nMaintainer: Somebody <somebody@example.org>\nArchitecture: amd64\nVersion: ${version}\n`
}

/** A system with one package that nothing is known of: without one, Trivy is asked a second time what it may have overlooked. */
export const system = { ...debian, 'var/lib/dpkg/status': stanza('base-files', '12.4') }

/** A Python package as pip leaves it behind, for an image that is scanned in no time. */
export function installed(name: string, version: string, folder = 'usr/lib/python3/site-packages'): Record<string, string> {
  return { [`${folder}/${name}-${version}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n` }
}

/** An image with these Python packages: name and version of each. */
export function imageWith(...packages: readonly (readonly [string, string])[]): Promise<BuiltHere> {
  return imageOf(Object.fromEntries([system, ...packages.map((of) => installed(...of))].flatMap((files) => Object.entries(files))))
}

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

/** One release of several images, by name. */
export function together(images: Readonly<Record<string, BuiltHere>>, plan: Partial<ScanPlan>): Release {
  const each = Object.entries(images).map(([name, image]) => ({ name, release: toScan(image, plan) }))
  const [first] = each
  if (first?.release.build === undefined) throw new TypeError('no image')
  const named = <T extends object>(of: (release: Release) => readonly T[]): (T & { name: string })[] =>
    each.flatMap(({ name, release }) => of(release).map((one) => ({ ...one, name })))
  return {
    ...first.release,
    plan: { ...first.release.plan, images: named((release) => release.plan.images) },
    build: { ...first.release.build, images: named((release) => release.build?.images ?? []) },
  }
}

interface Here {
  /** The root of the working tree. */
  root: string
  log: FakeLog
  ports: Ports
}

interface Opened extends Here, AsyncDisposable {
  /** The same with more in the environment. */
  openHere: (env: Record<string, string>) => Ports
}

/** What the Trivy of this machine notes of its version: each cache of a test begins with it, so that it is asked once a file. */
let version: Promise<Buffer | undefined> | undefined

async function noteVersion(ports: Ports): Promise<void> {
  const note = join(ports.tools.folder, 'trivy/program.json')
  if (version === undefined) {
    version = trivyOf(ports).then(() => ports.files.read(note))
    await version
  } else {
    const known = await version
    if (known !== undefined) await ports.files.write(note, known)
  }
}

/** The Trivy that a scan would use. */
async function trivyOf(ports: Ports): Promise<VersionedTrivy> {
  const file = await ports.tools.trivy({ offline: false })
  const bare = { file, cacheDir: join(ports.tools.folder, 'trivy'), cwd: await ports.files.temporary('trivy') }
  return versioned(bare, ports)
}

/** The database that a scan of this release would decide with. */
export async function databaseFor(release: Release, ports: Ports): Promise<Database> {
  if (release.plan.scan === undefined) throw new TypeError('nothing to scan for')
  return readyDatabase(release.plan.scan, await trivyOf(ports), release, ports)
}

/**
 * A working tree of its own, and ports as a door opens them.
 * @param cache where Trivy's caches are kept; without it, it begins with none
 */
export async function openOne(cache?: string): Promise<Opened> {
  const folder: Folder = await openFolder()
  const log = fakeLog()
  const closing: (() => void)[] = []
  const openHere = (env: Record<string, string>): Ports => {
    const { close, ...opened } = openPorts({
      env: { ...process.env, RUNNER_TEMP: join(folder.path, 'temp'), XDG_CACHE_HOME: cache ?? join(folder.path, 'cache'), ...env },
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
  const ports = openHere({})
  if (cache === undefined) await noteVersion(ports)
  const end = async (): Promise<void> => {
    for (const close of closing) close()
    await folder[Symbol.asyncDispose]()
  }
  return { root: folder.path, log, ports, openHere, [Symbol.asyncDispose]: end }
}

/**
 * The same for each test of a file.
 * @param kept where Trivy's caches are kept; without it, each test begins with none
 */
export function openEach(kept?: () => string): {
  here: () => Here
  openHere: Opened['openHere']
  write: (name: string, text: string) => void
} {
  let opened: Opened
  beforeEach(async () => {
    opened = await openOne(kept?.())
  })
  afterEach(() => opened[Symbol.asyncDispose]())
  return {
    here: () => opened,
    openHere: (env) => opened.openHere(env),
    write: (name, text) => writeFileSync(join(opened.root, name), text),
  }
}

/** Ports that do not wait before mirrors are asked again, and note how long they would have. */
export function withoutPauses(ports: Ports): { ports: Ports; pauses: number[] } {
  const pauses: number[] = []
  const sleep: Ports['clock']['sleep'] = async (ms, signal) => {
    // What waits beside a download has a signal of its own.
    if (signal === ports.signal) pauses.push(ms)
    else await ports.clock.sleep(ms, signal)
  }
  return { ports: { ...ports, clock: { ...ports.clock, sleep } }, pauses }
}
