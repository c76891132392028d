import { Writable } from 'node:stream'

const block = 512

export interface SmallFiles {
  /** Where the archive goes: what is larger than asked for flows by. */
  into: Writable
  /** By path, what has come so far. */
  files: Map<string, Buffer>
}

/**
 * Takes the small files out of an archive (POSIX ustar, pax or GNU) as it comes, and keeps nothing of the rest.
 * @param most in bytes
 */
export function smallFiles(most: number): SmallFiles {
  const files = new Map<string, Buffer>()
  const reader = new Reader(most, files)
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      reader.take(chunk)
      done()
    },
  })
  return { into, files }
}

/** An entry whose bytes come. */
interface Coming {
  keep: ((body: Buffer) => void) | undefined
  /** Of its bytes, and of the rest of its last block. */
  left: number
  padding: number
  parts: Buffer[]
}

class Reader {
  #rest = Buffer.alloc(0)
  #coming: Coming | undefined
  /** What an entry before says of the next one: its real path and size. */
  #said: { path?: string; size?: number } = {}
  readonly #most: number
  readonly #files: Map<string, Buffer>

  constructor(most: number, files: Map<string, Buffer>) {
    this.#most = most
    this.#files = files
  }

  take(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = this.#coming === undefined ? this.#header(chunk, at) : this.#bytes(chunk, at, this.#coming)
  }

  #header(chunk: Buffer, at: number): number {
    const end = at + block - this.#rest.length
    const head = Buffer.concat([this.#rest, chunk.subarray(at, end)])
    this.#rest = head.length < block ? head : Buffer.alloc(0)
    if (head.length === block && head.some((byte) => byte !== 0)) this.#begin(head)
    return Math.min(end, chunk.length)
  }

  #begin(head: Buffer): void {
    const type = String.fromCharCode(head[156] ?? 0)
    const isAbout = 'xLK'.includes(type)
    const prefix = text(head, 345, 155)
    const path = this.#said.path ?? [prefix, text(head, 0, 100)].filter((part) => part !== '').join('/')
    const size = isAbout ? number(head) : (this.#said.size ?? number(head))
    if (!isAbout) this.#said = {}
    const isFile = type === '0' || type === '\0'
    const keep = size > this.#most ? undefined : isAbout ? (body: Buffer) => this.#about(type, body) : isFile ? this.#file(path) : undefined
    const coming = { keep, left: size, padding: (block - (size % block)) % block, parts: [] }
    if (size === 0) keep?.(Buffer.alloc(0))
    else this.#coming = coming
  }

  #file(path: string): (body: Buffer) => void {
    return (body) => void this.#files.set(path.replace(/^\.\//, ''), body)
  }

  #about(type: string, body: Buffer): void {
    if (type === 'L') this.#said.path = body.toString().replace(/\0.*$/s, '')
    if (type !== 'x') return
    for (const [, key, value = ''] of body.toString().matchAll(/^\d+ (path|size)=(.*)$/gm))
      if (key === 'path') this.#said.path = value
      else this.#said.size = Number(value)
  }

  #bytes(chunk: Buffer, at: number, coming: Coming): number {
    const own = chunk.subarray(at, at + coming.left)
    // A copy: the stream may use its buffer again, and a small file should not hold on to a large one.
    if (coming.keep !== undefined && own.length > 0) coming.parts.push(Buffer.from(own))
    coming.left -= own.length
    const skipped = coming.left > 0 ? 0 : Math.min(coming.padding, chunk.length - at - own.length)
    coming.padding -= skipped
    if (coming.left === 0 && coming.padding === 0) {
      this.#coming = undefined
      coming.keep?.(Buffer.concat(coming.parts))
    }
    return at + own.length + skipped
  }
}

function text(head: Buffer, at: number, length: number): string {
  return head
    .subarray(at, at + length)
    .toString()
    .replace(/\0.*$/s, '')
}

/** Octal; what is too large for that in binary, as GNU writes it. */
function number(head: Buffer): number {
  return (head[124] ?? 0) >= 0x80 ? head.readUIntBE(130, 6) : Number.parseInt(text(head, 124, 12).trim() || '0', 8)
}
