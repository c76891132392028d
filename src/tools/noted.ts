import { z } from 'zod'
import { parseLater } from '../core/json.ts'
import type { Ports } from '../core/ports.ts'

const Note = z.strictObject({ proof: z.string(), said: z.string() })

/**
 * What a program says of itself, from a note of an earlier run while the program is the same.
 * @param proof what tells the program from every other, such as its path, size and time; undefined where nobody knows: it is asked each time
 * @param ask an empty text is no answer, and not kept
 * @param note a file that its user alone may read
 */
export async function noted(
  note: string,
  proof: string | undefined,
  ask: () => Promise<string>,
  { files }: Pick<Ports, 'files'>,
): Promise<string> {
  if (proof === undefined) return ask()
  const kept = parseLater((await files.read(note).catch(() => undefined))?.toString() ?? '', Note)
  if (kept?.proof === proof) return kept.said
  const said = await ask()
  // A disk that is full is no reason to fail.
  if (said !== '') await files.write(note, JSON.stringify({ proof, said }), 0o600).catch(() => undefined)
  return said
}
