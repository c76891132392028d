import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { command } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import { download, type Way } from './download.ts'
import { processExec } from './exec.ts'

/** Fetches a program into a folder: `undefined` when it is there, else in words why it could not be had. */
export type Fetch = (url: string, sha256: string, program: string, folder: string, way: Way) => Promise<string | undefined>

/**
 * Fetches a .tar.gz, checks it and puts one program of it into a folder. Returns why it could not be had, so that
 * another way can be tried; a checksum that does not match is no such reason, and throws.
 * @throws LaunchwayError DIGEST_MISMATCH
 */
export const fetchArchive: Fetch = (url, sha256, program, folder, way) =>
  fetchInto(url, sha256, join(folder, program), way, async (body, scratch) => {
    const archive = join(scratch, 'archive.tar.gz')
    writeFileSync(archive, body)
    await processExec.run(command('tar', ['-xzf', archive, '-C', scratch, program]))
    chmodSync(join(scratch, program), 0o755)
  })

/**
 * The same for a program that comes as it is.
 * @throws LaunchwayError DIGEST_MISMATCH
 */
export const fetchProgram: Fetch = (url, sha256, program, folder, way) =>
  fetchInto(url, sha256, join(folder, program), way, async (body, scratch) => {
    await writeFile(join(scratch, program), body, { mode: 0o755 })
  })

/** @param unpack leaves the program under its name in the folder that it is given: whole, it moves to where it is looked for */
async function fetchInto(
  url: string,
  sha256: string,
  path: string,
  way: Way,
  unpack: (body: Buffer, scratch: string) => Promise<void>,
): Promise<string | undefined> {
  const body = await fetchChecked(url, sha256, way)
  if (typeof body === 'string') return body
  mkdirSync(dirname(path), { recursive: true })
  const scratch = mkdtempSync(join(dirname(path), '.fetch-'))
  try {
    await unpack(body, scratch)
    renameSync(join(scratch, basename(path)), path)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return undefined
}

/** The body, or why it could not be had. */
async function fetchChecked(url: string, sha256: string, way: Way): Promise<Buffer | string> {
  const body = await download(url, way)
  if (typeof body === 'string') return body
  const found = createHash('sha256').update(body).digest('hex')
  if (found !== sha256) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${url} is not the file that was pinned`, {
      hint: `Expected SHA-256 ${sha256}, got ${found}. It is not used.`,
    })
  }
  return body
}
