import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { labLabel } from '../../../lab/lab.ts'
import { docker } from '../../../lab/run.ts'
import { folderCache } from '../../../src/adapters/cache.ts'
import { systemClock } from '../../../src/adapters/clock.ts'
import { dockerEngine } from '../../../src/adapters/engine.ts'
import { processExec } from '../../../src/adapters/exec.ts'
import { localFiles } from '../../../src/adapters/files.ts'
import { localProbe } from '../../../src/adapters/probe.ts'
import { thisProcess } from '../../../src/adapters/self.ts'
import { resolveSmoke } from '../../../src/config/gates.ts'
import { candidates, smokeLabels } from '../../../src/core/names.ts'
import type { Clock, Credentials, Ports } from '../../../src/core/ports.ts'
import { type BuiltImage, parseRelease, type PlannedImage, type Release, type SmokeSection } from '../../../src/core/release.ts'
import { redact, Secret } from '../../../src/core/secret.ts'
import { smoke, type Wish } from '../../../src/smoke/index.ts'
import { configOf } from '../../unit/support/config.ts'
import { type FakeLog, fakeLog } from '../../fakes/log.ts'
import { record } from '../../unit/support/deploy.ts'
import { which } from './host.ts'

/** A key that no tree has. */
const key = '5'.repeat(32)
/** An application that no other run on this machine has. */
export const app = `contract-${randomBytes(3).toString('hex')}`
export const repository = `registry.invalid/${app}`
/** What was built, in this machine's engine. */
export let config = ''

const scratch = mkdtempSync(join(tmpdir(), 'launchway-smoke-'))
/** What it is named as that. */
export const [reference = ''] = candidates({ repositories: [repository] }, key)
/** The base of images that compose builds. */
export const base = `${repository}-base`

/**
 * An image of this machine's busybox with a small web server, as if it had just been built. Whatever the tests of the file
 * have started with it, side by side or not, is gone at their end.
 * @param more programs of this machine that it has beside
 */
export function withImage(more: readonly string[] = []): void {
  beforeAll(async () => {
    const context = join(scratch, 'image')
    const busybox = which('busybox')
    const programs = [busybox, ...more.map((name) => which(name))]
    const linked = execFileSync('ldd', programs, { encoding: 'utf8' }).match(/(?<=\s)\/\S+(?= \()/g) ?? []
    for (const library of linked) copyInto(library, join(context, 'root', library))
    for (const program of programs) copyInto(program, join(context, 'root/bin', basename(program)))
    mkdirSync(join(context, 'root/www'), { recursive: true })
    writeFileSync(join(context, 'root/www/index.html'), 'it works\n')
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM scratch\nCOPY root /\nENV PATH=/bin\nSTOPSIGNAL SIGKILL\nRUN ["/bin/busybox", "--install", "/bin"]\nCMD ["httpd", "-f", "-p", "8000", "-h", "/www"]\n',
    )
    await docker('build', '--quiet', '--network', 'none', '--label', `${labLabel}=contract`, '--tag', reference, '--tag', base, context)
    config = await docker('image', 'inspect', '--format', '{{.Id}}', reference)
  })
  afterAll(async () => {
    try {
      expect(await leftovers()).toEqual([])
    } finally {
      await docker('image', 'rm', '--force', reference, base)
      rmSync(scratch, { recursive: true, force: true })
    }
  })
}

function copyInto(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

/** A compose file with these services. */
export const compose = (services: string): Record<string, string> => ({
  'compose.yml': `services:\n${services.replaceAll(/^/gm, '  ')}\n`,
})
/** A service that serves. */
export const web = `web: { image: "${repository}", ports: ["80:8000"] }`

export interface Asked {
  /** By name; `compose.yml` is the one that is used where `smoke` names none. */
  files: Readonly<Record<string, string>>
  /** The part of launchway.yml, as YAML. */
  smoke?: string
  image?: Partial<PlannedImage>
  /** What the build is said to have made. */
  built?: string
  /** Where the upload is said to have put it. */
  uploaded?: BuiltImage['registries']
  /** To a registry that the configuration names. */
  login?: { host: string; username: string; password: string }
  /** Of the environment of the step. */
  secrets?: Readonly<Record<string, string>>
  signal?: AbortSignal
  isGone?: (owner: string) => boolean | undefined
  /** The tree of an earlier test, with what is remembered there. */
  root?: string
  wish?: Wish
  /** Told of each line as it is said. */
  onLine?: (line: string) => void
  clock?: Clock
}

export interface Told {
  section: SmokeSection
  said: string[]
  root: string
}

/** A tree with these files. */
export function treeOf({ files, root = mkdtempSync(join(scratch, 'tree-')) }: Asked): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 })
  }
  return root
}

/** A tree with these files, and beside it a record with which `launchway smoke` can be called there. */
export function recordedTree(asked: Asked): { root: string; record: string } {
  const root = treeOf(asked)
  const path = join(mkdtempSync(join(scratch, 'record-')), 'release.json')
  writeFileSync(path, JSON.stringify(releaseFor(asked)))
  return { root, record: path }
}

/** What the stage gets of this machine, for that tree. */
export function smokePorts(asked: Omit<Asked, 'files'>, root: string): { ports: Ports; log: FakeLog } {
  const log = fakeLog()
  const known: Secret[] = []
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the ports that the stage uses, all of them real
  const ports = {
    exec: processExec,
    engine: dockerEngine(),
    probe: localProbe,
    registry: {
      credentials: ({ host }: { host: string }) => Promise.resolve(host === asked.login?.host ? loginOf(asked.login) : undefined),
      repository: () => Promise.reject(new Error('there is no registry')),
    },
    files: localFiles(scratch),
    clock: asked.clock ?? systemClock,
    cache: folderCache(join(root, '.cache'), log),
    tools: { folder: join(root, '.kept') },
    who: 'ada@laptop',
    log: { ...log, info: (line: string) => (asked.onLine?.(line), log.info(line)) },
    root,
    evidence: join(root, '.evidence'),
    environment: new Map(Object.entries(asked.secrets ?? {}).map(([name, value]) => [name, new Secret(value)])),
    redact: (text: string) => redact(text, known),
    secret(name: string) {
      const value = asked.secrets?.[name]
      if (value === undefined) return undefined
      known.push(new Secret(value))
      return known.at(-1)
    },
    self: { ...thisProcess, ...(asked.isGone === undefined ? {} : { isGone: asked.isGone }) },
    signal: asked.signal ?? new AbortController().signal,
  } as unknown as Ports
  return { ports, log }
}

function loginOf({ username, password }: NonNullable<Asked['login']>): Credentials {
  return { username, password: new Secret(password) }
}

/** Runs the stage on this machine's engine, in a tree with these files. */
export async function smokeTest(asked: Asked): Promise<Told> {
  const root = treeOf(asked)
  const { ports, log } = smokePorts(asked, root)
  const section = await smoke(releaseFor(asked), ports, asked.wish)
  return { section, said: log.entries.flatMap((entry) => ('text' in entry ? [entry.text] : [])), root }
}

function releaseFor({ smoke: text = '', image, built = config, uploaded = {}, login }: Asked): Release {
  const indented = text === '' ? '' : `smoke:\n${text.replaceAll(/^/gm, '  ')}\n`
  const plan = resolveSmoke(configOf(`image: ${repository}\nbranches: { master: {} }\n${indented}`), { compose: 'compose.yml' })
  if (typeof plan === 'string') throw new Error(plan)
  const before = record()
  const images = [{ name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository], ...image }]
  const made = {
    name: 'app',
    key,
    how: 'built' as const,
    config: { 'linux/amd64': built },
    registries: uploaded,
    size: 1,
    layers: 1,
    ms: 1,
  }
  const registries = login === undefined ? before.plan.registries : [{ host: login.host, plainHttp: true }]
  const whole = record({ app, plan: { ...before.plan, images, registries, smoke: plan }, build: { builder: 'test', images: [made] } })
  return parseRelease(JSON.stringify(whole), 'the record of the test')
}

/** What there is of smoke tests of this application, or of one of its stacks: containers, networks and volumes. */
export async function leftovers(of = app): Promise<string[]> {
  const filter = `label=${smokeLabels.project}`
  const found = await Promise.all([
    docker('ps', '--all', '--filter', filter, '--format', `{{.Label "${smokeLabels.project}"}} {{.Names}}`),
    docker('network', 'ls', '--filter', filter, '--format', '{{.Name}}'),
    docker('volume', 'ls', '--filter', filter, '--format', '{{.Name}}'),
    docker('image', 'ls', '--filter', filter, '--format', '{{.Repository}}'),
  ])
  return found.flatMap((lines) => lines.split('\n')).filter((line) => line.includes(of))
}
