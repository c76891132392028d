import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Fetch } from './archive.ts'
import type { Way } from './download.ts'
import { findProgram } from './programs.ts'

/** Official files of a tool, pinned. */
export interface ToolRelease {
  version: string
  /** By platform, as Node names it: `linux-x64`. */
  archives: Readonly<Record<string, { file: string; sha256: string }>>
  /** What an archive's address begins with. */
  base: string
}

/** Undefined where there is none for the platform. */
export function archiveFor({ archives, base }: ToolRelease, platform: string): { url: string; sha256: string } | undefined {
  const archive = archives[platform]
  return archive === undefined ? undefined : { url: `${base}/${archive.file}`, sha256: archive.sha256 }
}

interface Tool {
  /** Of its program. */
  name: string
  /** As people write it. */
  title: string
  /** Where it is said how to install it. */
  manual: string
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

/**
 * The path of a tool: that of PATH, else its release, kept in the folder.
 * @throws LaunchwayError TOOL_MISSING, DIGEST_MISMATCH
 */
export async function findTool({ name, title, manual, fetch, release }: Tool, { around, platform, refusal }: Where): Promise<string> {
  const kept = join(around.folder, `${name}-${release.version}`)
  const found = findProgram(name, around.env, kept)
  if (found !== undefined) return found
  const archive = archiveFor(release, platform)
  const why =
    archive === undefined
      ? `there is no release of ${title} for ${platform} that launchway knows`
      : (refusal ?? (await fetch(archive.url, archive.sha256, name, kept, around)))
  if (why === undefined) return join(kept, name)
  throw new LaunchwayError('TOOL_MISSING', `${name} is not in PATH, and could not be fetched: ${why}`, {
    hint: [
      `Install ${title} ${release.version} so that \`${name}\` is in PATH: ${manual}`,
      ...(archive === undefined ? [] : [`The release that launchway would take: ${archive.url}\nSHA-256 ${archive.sha256}`]),
    ].join('\n'),
  })
}
