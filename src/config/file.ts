import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { decodeConfig } from './load.ts'

/** A character may have four bytes: see read.ts for how many are read. */
const maxConfigBytes = 4_000_000

/**
 * The text of launchway.yml, the same for all that read it; undefined where there is none.
 * @param file its path, from the root of the repository
 * @throws LaunchwayError CONFIG_INVALID for what is no UTF-8, or far too large to be one
 */
export async function configText(file: string, { files, root }: Pick<Ports, 'files' | 'root'>): Promise<string | undefined> {
  const path = join(root, file)
  // What is far too large is not even read.
  const { size } = (await files.stat(path)) ?? { size: 0 }
  if (size > maxConfigBytes) {
    throw new LaunchwayError('CONFIG_INVALID', `${file} has ${size} bytes; more than ${maxConfigBytes} are not read`, {
      hint: 'Is this the right file? A configuration of two hundred images has some 20,000.',
      place: { file },
    })
  }
  const bytes = await files.read(path)
  return bytes === undefined ? undefined : decodeConfig(bytes, file)
}
