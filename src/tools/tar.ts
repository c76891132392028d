/**
 * Writes archives as every tar reads them: POSIX ustar, with GNU's way of long names, which busybox knows as well.
 * @see https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */

const block = 512

/** What stands in an archive. */
export interface TarEntry {
  /** Without a slash at either end. */
  name: string
  kind: 'file' | 'directory' | 'link'
  mode: number
  /** In bytes; of a file alone. */
  size: number
  /** Of a link. */
  target?: string
  uid?: number
  gid?: number
}

const types = { file: '0', link: '2', directory: '5' } as const

/** What comes before the bytes of an entry. Nothing in it says when: the same entries are the same archive. */
export function tarHeader({ name, kind, mode, size, target = '', uid = 0, gid = 0 }: TarEntry): Buffer {
  const path = kind === 'directory' ? `${name}/` : name
  const rest = { mode, uid, gid, size: kind === 'file' ? size : 0 }
  return Buffer.concat([
    ...(Buffer.byteLength(target) > 100 ? longText('K', target) : []),
    ...(Buffer.byteLength(path) > 100 ? longText('L', path) : []),
    header({ path, type: types[kind], target, ...rest }),
  ])
}

/** What fills the last block of that many bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block)
}

export const tarEnd = Buffer.alloc(2 * block)

/** @param entries files with what they hold */
export function tarOf(entries: readonly (Omit<TarEntry, 'size'> & { body: Buffer })[]): Buffer {
  const parts = entries.flatMap(({ body, ...entry }) => [
    tarHeader({ ...entry, size: body.length }),
    ...(entry.kind === 'file' ? [body, tarPadding(body.length)] : []),
  ])
  return Buffer.concat([...parts, tarEnd])
}

function longText(type: 'K' | 'L', text: string): Buffer[] {
  const body = Buffer.from(`${text}\0`)
  const size = body.length
  return [header({ path: '././@LongLink', type, target: '', mode: 0, uid: 0, gid: 0, size }), body, tarPadding(size)]
}

function header(of: { path: string; type: string; target: string; mode: number; uid: number; gid: number; size: number }): Buffer {
  const made = Buffer.alloc(block)
  const put = (text: string | Buffer, at: number, length: number): void => void Buffer.from(text).copy(made, at, 0, length)
  put(of.path, 0, 100)
  put(number(of.mode, 8), 100, 8)
  put(number(of.uid, 8), 108, 8)
  put(number(of.gid, 8), 116, 8)
  put(number(of.size, 12), 124, 12)
  put(number(0, 12), 136, 12)
  put('        ', 148, 8)
  put(of.type, 156, 1)
  put(of.target, 157, 100)
  put('ustar\u000000', 257, 8)
  const sum = made.reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8)
  return made
}

/** Octal; what is too large for that in binary, as GNU writes it. */
function number(value: number, length: number): Buffer {
  const octal = value.toString(8)
  if (octal.length < length) return Buffer.from(`${octal.padStart(length - 1, '0')}\0`)
  const binary = Buffer.alloc(length)
  binary.writeUIntBE(value, length - 6, 6)
  binary[0] = 0x80
  return binary
}
