import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { cache, tools } from '../paths.ts'
import { call } from '../run.ts'

/** Whether a program was built from this version of a module: Go writes that into the program itself. */
export function isBuiltFrom(program: string, module: string, version: string): boolean {
  return existsSync(program) && readFileSync(program).includes(`mod\t${module}\t${version}\t`)
}

/**
 * Runs go in a folder with caches of its own, keeps the programs that it made, and removes the rest: gigabytes.
 * @param programs what each is called there, and what it shall be called
 * @param fetch what brings all that the build needs, so that the build itself asks nobody and may take its time
 */
export async function goMade(
  programs: Readonly<Record<string, string>>,
  folder: string,
  args: readonly string[],
  env: Record<string, string>,
  fetch?: readonly string[],
): Promise<void> {
  const caches = { GOMODCACHE: join(folder, 'mod'), GOCACHE: join(folder, 'cache'), GOFLAGS: '-modcacherw', CGO_ENABLED: '0' }
  // The Go that the module asks for is fetched first: an older one does not know what the variables mean to the newer.
  const { stdout } = await resumed(() => call('go', ['env', 'GOROOT'], { cwd: folder, env: caches, timeoutMs }))
  const go = (words: readonly string[], limitMs: number, more: Record<string, string> = {}): Promise<unknown> =>
    call(join(stdout.trim(), 'bin/go'), words, { cwd: folder, env: { ...caches, ...env, ...more }, timeoutMs: limitMs })
  await resumed(() => go(fetch ?? args, timeoutMs))
  // What does not compile would not do so a second time.
  if (fetch !== undefined) await go(args, buildTimeoutMs, { GOPROXY: 'off' })
  mkdirSync(tools, { recursive: true })
  for (const [made, name] of Object.entries(programs)) await rename(join(folder, made), join(tools, name))
  rmSync(folder, { recursive: true, force: true })
}

interface Tool {
  /** As it shall be called. */
  name: string
  /** Its package. */
  program: string
  module: string
  version: string
  /** The Go that it is built with. */
  go: string
  /** What the linker is told, beside leaving out what debuggers want. */
  linked?: string
  env?: Record<string, string>
}

/** Builds a program of a module that replaces others, which `go install` refuses. */
export async function toolMade({ name, program, module, version, go, linked = '', env = {} }: Tool): Promise<void> {
  const folder = toolFolder(name)
  mkdirSync(folder, { recursive: true })
  const wanted = `tool ${program}\n\nrequire ${module} ${version}`
  writeFileSync(join(folder, 'go.mod'), `module launchway.invalid/${name}\n\ngo ${go}\n\n${wanted}\n`)
  const build = ['build', '-o', 'made', '-mod=mod', '-ldflags', `-s -w ${linked}`.trim(), program]
  await goMade({ made: name }, folder, build, env, ['list', '-deps', '-mod=mod', program])
}

/** Where it is built. */
export function toolFolder(name: string): string {
  return join(cache, 'build', name)
}

const timeoutMs = 300_000
/** Compiling waits for nobody; on two busy cores the last step of Trivy's build alone takes longer than `timeoutMs`. */
const buildTimeoutMs = 3_600_000

/**
 * Go waits for ever on a connection whose other end has gone. What it has fetched and compiled stays, so it is ended after
 * a while, and goes on from there.
 */
async function resumed<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run()
    } catch (error) {
      if (tries === 6) throw error
    }
  }
}
