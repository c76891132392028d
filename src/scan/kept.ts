import { hash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { z } from 'zod'
import { Digest } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { noted } from '../tools/noted.ts'
import { parseVersion, type Trivy, version } from '../tools/trivy.ts'

/** What Trivy has said, for the next time it would say the same. */

export interface ReportKey {
  /** Trivy and its database: what was found with others is worth nothing any more. */
  database: string
  /** Everything else that a report depends on. */
  image: string
}

/** Reports that are kept for one database. */
const mostReports = 50

function folderOf({ cacheDir }: Trivy): string {
  return join(cacheDir, 'reports')
}

function fileOf({ database, image }: ReportKey, trivy: Trivy): string {
  return join(folderOf(trivy), database, `${image}.json.gz`)
}

/** By which reports that were made with a Trivy and its database are kept together. */
export function databaseKey({ version, digest }: VersionedTrivy, { identity }: { identity: string }): string {
  return hash('sha256', JSON.stringify([version, digest, identity])).slice(0, 16)
}

export async function readReport(key: ReportKey, trivy: Trivy, { files }: Ports): Promise<string | undefined> {
  const body = await files.read(fileOf(key, trivy))
  try {
    return body === undefined ? undefined : gunzipSync(body).toString()
  } catch {
    return undefined
  }
}

/** Whether there is one, without reading it. */
export async function hasReport(key: ReportKey, trivy: Trivy, { files }: Ports): Promise<boolean> {
  return (await files.stat(fileOf(key, trivy))) !== undefined
}

/** Keeps a report, and removes those of other databases. A disk that is full is no reason to fail. */
export async function keepReport(key: ReportKey, text: string, trivy: Trivy, { files, log }: Ports): Promise<void> {
  try {
    await files.write(fileOf(key, trivy), gzipSync(text, { level: 1 }))
    const found = await files.walk(folderOf(trivy), (path, kind) =>
      kind === 'directory' && !path.startsWith(key.database) ? 'keep' : kind === 'file' ? 'keep' : 'skip',
    )
    const others = found.filter(({ path, kind }) => kind === 'directory' && !path.includes('/'))
    const own = found.filter(({ path, kind }) => kind === 'file' && path.startsWith(key.database))
    for (const { path } of [...others, ...(own.length > mostReports ? own : [])]) await files.remove(join(folderOf(trivy), path))
  } catch (error) {
    log.debug(`the report was not kept: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const Program = z.object({ version: z.string(), digest: Digest.optional() })

/** A Trivy whose version is known, and the SHA-256 of its program. */
export type VersionedTrivy = Trivy & z.infer<typeof Program>

/** Asks a Trivy which one it is. One that is the same file as the last time is not asked again. */
export async function versioned(trivy: Trivy, { exec, files }: Ports): Promise<VersionedTrivy> {
  const found = await files.look(trivy.file)
  const stat = await files.stat(trivy.file)
  const ask = async (): Promise<string> => {
    const [said, digest] = await Promise.all([exec.read(version(trivy)), found === undefined ? undefined : files.hash(found.path)])
    return JSON.stringify({ version: parseVersion(said) ?? 'unknown', ...(digest === undefined ? {} : { digest: `sha256:${digest}` }) })
  }
  const proof = stat === undefined ? undefined : JSON.stringify([trivy.file, found?.path, stat.size, stat.modified])
  const text = await noted(join(trivy.cacheDir, 'program.json'), proof, ask, { files })
  return { ...trivy, ...Program.parse(JSON.parse(text)) }
}
