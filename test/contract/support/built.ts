import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { build } from '../../../src/build/index.ts'
import type { Command } from '../../../src/core/command.ts'
import { candidates } from '../../../src/core/names.ts'
import type { Ports } from '../../../src/core/ports.ts'
import type { BuiltImage, Release } from '../../../src/core/release.ts'
import { startRelease } from '../../../src/plan/index.ts'
import { openPorts } from '../../../src/ports.ts'
import { type FakeLog, fakeLog } from '../../fakes/log.ts'

/** Where images are built that no registry shall have. */
const repository = 'launchway.invalid/solve'

/** Differs in each run: nothing of an earlier one is taken from a cache. */
export const nonce = randomBytes(6).toString('hex')

export interface Here {
  release: Release
  ports: Ports
  log: FakeLog
  /** What was called, and each line that it wrote. */
  calls: Command[]
  lines: string[]
  /** Builds, and forgets what was built when the test is over. */
  build(): Promise<BuiltImage[]>
}

/** A working tree of its own for a test, planned as a push to main would be. @param files by path; launchway.yml among them */
export async function plannedHere(files: Record<string, string | Buffer>, env: Record<string, string> = {}, event = 'push'): Promise<Here> {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-solve-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const root = join(folder, 'tree')
  mkdirSync(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const log = fakeLog()
  const { close, ...opened } = openPorts({
    env: { ...process.env, RUNNER_TEMP: join(folder, 'temp'), ...env },
    log,
    root,
    evidence: join(folder, 'evidence'),
    who: 'ada@laptop',
    signal: new AbortController().signal,
    onSecret: () => undefined,
    github: false,
  })
  onTestFinished(close)
  const calls: Command[] = []
  const lines: string[] = []
  const ports: Ports = {
    ...opened,
    exec: {
      read: async (command) => opened.exec.read(command),
      async run(command, options = {}) {
        calls.push(command)
        return opened.exec.run(command, {
          ...options,
          onLine(line, stream) {
            lines.push(line)
            options.onLine?.(line, stream)
          },
        })
      },
    },
  }
  const trigger = { event: event === 'push' ? ('push' as const) : ('pull_request' as const), sha: 'a'.repeat(40), ref: 'refs/heads/main' }
  const planned = await startRelease('launchway.yml', trigger, ports)
  // Nobody has that registry, and what would be pushed there is not built.
  const stages = { ...planned.plan.stages, push: { run: false, reason: 'this is about the build' } }
  const release = { ...planned, plan: { ...planned.plan, stages } }
  return {
    release,
    ports,
    log,
    calls,
    lines,
    async build() {
      const { images } = await build(release, ports)
      const references = release.plan.images.flatMap((image) =>
        candidates(image, images.find(({ name }) => name === image.name)?.key ?? ''),
      )
      onTestFinished(() => void execFileSync('docker', ['image', 'rm', '--force', ...references], { stdio: 'pipe' }))
      return images
    },
  }
}

/** `images:` of launchway.yml, and a branch; every image with a repository of its own unless it says otherwise. */
export function configuration(images: Record<string, object>, more: object = {}): string {
  const withRepositories = Object.entries(images).map(([name, image]) => [name, { repositories: [`${repository}-${name}`], ...image }])
  return JSON.stringify({ images: Object.fromEntries(withRepositories), branches: { main: {} }, smoke: false, scan: false, ...more })
}

/** A file of an image, byte for byte. */
export function fileOf(image: BuiltImage | undefined, path: string): Buffer {
  const reference = `${repository}-${image?.name}:launchway-${image?.key}`
  const container = execFileSync('docker', ['create', reference, 'x'], { encoding: 'utf8' }).trim()
  try {
    const archive = execFileSync('docker', ['cp', `${container}:${path}`, '-'], { maxBuffer: 1e8, stdio: 'pipe' })
    return execFileSync('tar', ['-xOf', '-'], { input: archive })
  } finally {
    execFileSync('docker', ['rm', container], { stdio: 'pipe' })
  }
}
