import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** What each of the two first pages of a bbolt file begins with, in bytes: the page's own header, then the meta. */
const headerBytes = 16
const metaBytes = 64
const magic = 0xed_0c_da_ed

/**
 * Whether a bbolt database has all of its pages. One that was cut off opens all the same: what stood behind the cut is not found, without a word.
 * @see https://github.com/etcd-io/bbolt/blob/main/internal/common/meta.go
 */
export async function isWhole(file: string): Promise<boolean> {
  const descriptor = openSync(file, 'r')
  try {
    const first = metaAt(descriptor, 0)
    const second = first === undefined ? undefined : metaAt(descriptor, first.pageSize)
    // The younger of the two counts.
    const meta = second !== undefined && first !== undefined && second.transaction > first.transaction ? second : first
    return meta !== undefined && BigInt(fstatSync(descriptor).size) >= meta.pages * BigInt(meta.pageSize)
  } finally {
    closeSync(descriptor)
  }
}

interface Meta {
  /** In bytes. */
  pageSize: number
  /** How many pages there are. */
  pages: bigint
  transaction: bigint
}

function metaAt(descriptor: number, position: number): Meta | undefined {
  const bytes = Buffer.alloc(metaBytes)
  const read = readSync(descriptor, bytes, 0, metaBytes, position + headerBytes)
  // Written as the machine has it that made it: those that serve databases are little-endian.
  if (read < metaBytes || bytes.readUInt32LE(0) !== magic) return undefined
  return { pageSize: bytes.readUInt32LE(8), pages: bytes.readBigUInt64LE(40), transaction: bytes.readBigUInt64LE(48) }
}
