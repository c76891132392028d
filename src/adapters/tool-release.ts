import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Fetch } from './archive.ts'
import type { Way } from './download.ts'
import { processExec } from './exec.ts'
import { findProgram } from './programs.ts'

/** Official files of a tool, pinned. */
export interface ToolRelease {
  version: string
  /** By platform, as Node names it: `linux-x64`. */
  archives: Readonly<Record<string, { file: string; sha256: string }>>
  /** What the address of all its releases begins with: of whoever has them, in the order in which they are asked. */
  bases: readonly string[]
}

/** Where a release is, and what it must be; undefined where there is none for the platform. */
export function archiveFor(
  { version, archives, bases }: ToolRelease,
  platform: string,
): { urls: readonly string[]; sha256: string } | undefined {
  const archive = archives[platform]
  if (archive === undefined) return undefined
  return { urls: bases.map((base) => `${base.replace(/\/+$/, '')}/v${version}/${archive.file}`), sha256: archive.sha256 }
}

interface Tool {
  /** Of its program. */
  name: string
  /** As people write it. */
  title: string
  /** Where it is said how to install it. */
  manual: string
  /** What the program is called with to say its version. */
  saysVersion: readonly string[]
  fetch: Fetch
  release: ToolRelease
}

/** The machine that a tool is looked for on, and how it is fetched where it is not. */
export interface Around extends Way {
  env: Record<string, string | undefined>
  /** What was fetched is kept here. */
  folder: string
}

interface Where {
  around: Around
  platform: string
  /** In words, why nothing may be fetched. */
  refusal?: string | undefined
}

/** More than any of them takes to say its version. */
const versionTimeoutMs = 30_000

/**
 * The path of a tool: that of PATH, else its release, kept in the folder by an earlier run, as the runner's tool cache has
 * it, or fetched.
 * @throws LaunchwayError TOOL_MISSING, DIGEST_MISMATCH
 */
export async function findTool(tool: Tool, { around, platform, refusal }: Where): Promise<string> {
  const { name, title, manual, release } = tool
  const kept = join(around.folder, `${name}-${release.version}`)
  const found = findProgram(name, around.env, kept) ?? (await inToolCache(tool, around, platform))
  if (found !== undefined) return found
  const archive = archiveFor(release, platform)
  const why =
    archive === undefined
      ? `there is no release of ${title} for ${platform} that launchway knows`
      : (refusal ?? (await fetched(tool, archive, kept, around)))
  if (why === undefined) return join(kept, name)
  throw new LaunchwayError('TOOL_MISSING', `${name} is not in PATH, and could not be fetched: ${why}`, {
    hint: [
      `Install ${title} ${release.version} so that \`${name}\` is in PATH: ${manual}`,
      ...(archive === undefined ? [] : [`The release that launchway would take: ${archive.urls.join('\n')}\nSHA-256 ${archive.sha256}`]),
    ].join('\n'),
  })
}

/**
 * What @actions/tool-cache has put on this machine for all runs. Its folder is named by the version, by whoever has made
 * it, so the program is asked as well. What is pinned is the sum of the archive: there is none to compare the program with.
 */
async function inToolCache(
  { name, title, saysVersion, release }: Tool,
  { env, log }: Around,
  platform: string,
): Promise<string | undefined> {
  const root = env['RUNNER_TOOL_CACHE']
  if (root === undefined || root === '') return undefined
  const [, machine = ''] = platform.split('-')
  const folder = join(root, name, release.version, machine)
  const path = existsSync(`${folder}.complete`) ? findProgram(name, {}, folder) : undefined
  if (path === undefined) return undefined
  try {
    const said = await processExec.read(command(path, [...saysVersion], { timeoutMs: versionTimeoutMs }))
    if (versionsIn(said).includes(release.version)) return path
    log.warning(`${path} is not ${title} ${release.version}, as its folder says, so it is not used`)
  } catch (error) {
    log.warning(`${path} does not say its version, so it is not used: ${String(error)}`)
  }
  return undefined
}

function versionsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w.-])v?(\d+\.\d+\.\d+[\w.+-]*)/g)].map(([, version = '']) => version)
}

/**
 * From the first of its addresses that has it; in words, why none has.
 * @throws LaunchwayError DIGEST_MISMATCH where none has it, and one has something else
 */
async function fetched(
  { name, title, fetch, release }: Tool,
  { urls, sha256 }: { urls: readonly string[]; sha256: string },
  kept: string,
  around: Around,
): Promise<string | undefined> {
  const missed: string[] = []
  let mismatch: LaunchwayError | undefined
  for (const [index, url] of urls.entries()) {
    const next = index === urls.length - 1 ? undefined : '; the next mirror is asked'
    around.log.info(`${title} ${release.version}: ${url}`)
    try {
      const why = await fetch(url, sha256, name, kept, around)
      if (why === undefined) return undefined
      missed.push(why)
      if (next !== undefined) around.log.info(`${why}${next}`)
    } catch (error) {
      if (!(error instanceof LaunchwayError && error.code === 'DIGEST_MISMATCH')) throw error
      mismatch ??= error
      if (next !== undefined) around.log.warning(`${error.message}${next}`)
    }
  }
  if (mismatch !== undefined) throw mismatch
  return missed.join('; ')
}
