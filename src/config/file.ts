import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { decodeConfig } from './load.ts'

/** A character may have four bytes: see read.ts for how many are read. */
const maxConfigBytes = 4_000_000

/**
 * The text of launchway.yml, the same for all that read it; undefined where there is none.
 * @param file its path, from the root of the repository
 * @throws LaunchwayError CONFIG_INVALID for what is no file, no UTF-8, far too large, or has another ending
 */
export async function configText(file: string, { files, root }: Pick<Ports, 'files' | 'root'>): Promise<string | undefined> {
  const path = join(root, file)
  const found = await lookAt(path, file, files)
  if (found === undefined) {
    const twin = /\.ya?ml$/.exec(file)?.[0] === '.yml' ? file.replace(/\.yml$/, '.yaml') : file.replace(/\.yaml$/, '.yml')
    if (twin === file || (await files.stat(join(root, twin))) === undefined) return undefined
    throw refused(
      file,
      `there is no ${file} here, and there is ${twin}`,
      `Rename it: mv ${twin} ${file}; or name it with --config ${twin}.`,
    )
  }
  if (found.kind === 'directory') throw refused(file, `${file} is a folder`, `${file} is a file; another one is named with --config.`)
  // Who opened a pipe would wait until somebody writes into it.
  if (found.kind !== 'file') throw refused(file, `${file} is no file`, `What it is: ls -l ${file}`)
  // What is far too large is not even read.
  if (found.size > maxConfigBytes) {
    const hint = 'Is this the right file? A configuration of two hundred images has some 20,000.'
    throw refused(file, `${file} has ${found.size} bytes; more than ${maxConfigBytes} are not read`, hint)
  }
  const bytes = await files.read(path)
  return bytes === undefined ? undefined : decodeConfig(bytes, file)
}

async function lookAt(path: string, file: string, files: Ports['files']): ReturnType<Ports['files']['look']> {
  try {
    return await files.look(path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ELOOP') throw refused(file, `${file} is a link that leads to itself`, `Where it leads: ls -l ${file}`, cause)
    if (code === 'EACCES') throw refused(file, `${file} cannot be read by this account`, `Who may: ls -l ${file}`, cause)
    throw cause
  }
}

function refused(file: string, message: string, hint: string, cause?: unknown): LaunchwayError {
  return new LaunchwayError('CONFIG_INVALID', message, { hint, place: { file }, ...(cause === undefined ? {} : { cause }) })
}
