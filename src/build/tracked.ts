import { PassThrough, Writable } from 'node:stream'
import { byBytes } from '../core/byte-order.ts'
import type { Command } from '../core/command.ts'
import type { Ports } from '../core/ports.ts'
import { lineEnds, plainFile, plainFiles, touchedFiles } from '../tools/git.ts'

/** What git knows of a folder, asked for in the order of its paths. */
export interface Tracked {
  /** It has begun to answer. */
  isReady(): boolean
  /** What git calls the content of a file that is as it was committed or added; undefined of all others. A promise only where git has to be waited for. */
  blob(path: string): string | undefined | Promise<string | undefined>
  /** Ends what git still has to say. */
  close(this: void): void
}

/** For a folder that git knows nothing of. */
export const untracked: Tracked = { isReady: () => true, blob: () => undefined, close: () => undefined }

/**
 * Git keeps for each file what its bytes are called, and what the file system said when it last looked: an unchanged file
 * need not be read to know what is in it. Where git is not there, or changes lines on their way, nothing is taken from it.
 */
export async function trackedFiles(folder: string, ports: Ports): Promise<Tracked> {
  const plain = new Lines(plainFiles(folder), plainFile, ports)
  const touched = new Lines(touchedFiles(folder), touchedFile, ports)
  const close = (): void => {
    plain.close()
    touched.close()
  }
  const { stdout } = await ports.exec.run(lineEnds(folder), { accept: [0, 1], signal: ports.signal }).catch(() => ({ stdout: '' }))
  if (/^(true|input)\s*$/i.test(stdout)) {
    close()
    return untracked
  }
  const later = async (path: string): Promise<string | undefined> => {
    const found = await plain.find(path)
    if (found === undefined || (await touched.find(path)) !== undefined) return undefined
    return touched.failed ? undefined : found.blob
  }
  return {
    isReady: () => touched.isReady,
    blob(path) {
      const found = plain.seek(path)
      if (found === undefined) return undefined
      const other = found === 'more' ? found : touched.seek(path)
      if (found === 'more' || other === 'more') return later(path)
      // What git could not tell to its end may have been about this file.
      return other === undefined && !touched.failed ? found.blob : undefined
    },
    close,
  }
}

/** A path that git has to quote is none that is looked for here, and stands where its own bytes belong. */
function touchedFile(line: string): { path: string } | undefined {
  return line.startsWith('"') ? undefined : { path: line }
}

/** The lines of a program that writes them in the order of their paths, of which no more is kept than one part. */
class Lines<Line extends { path: string }> {
  isReady = false
  failed = false
  readonly #parse: (line: string) => Line | undefined
  readonly #parts: AsyncIterator<string[], undefined>
  readonly #stop = new AbortController()
  #part: string[] = []
  #next = 0
  #ended = false

  constructor(command: Command, parse: (line: string) => Line | undefined, { exec, signal }: Ports) {
    this.#parse = parse
    const output = new PassThrough({ encoding: 'utf8' })
    const errors = new Writable({ write: (_chunk, _encoding, done) => done() })
    output.once('readable', () => (this.isReady = true))
    exec
      .run(command, { signal: AbortSignal.any([signal, this.#stop.signal]), streams: { input: undefined, output, errors } })
      .catch(() => (this.failed = true))
      .finally(() => output.end())
    this.#parts = linesOf(output)
  }

  /** The line of a path; the paths that are asked for come in their order. More of it may have to be read first. */
  seek(path: string): Line | undefined | 'more' {
    for (; this.#next < this.#part.length; this.#next += 1) {
      const line = this.#parse(this.#part[this.#next] ?? '')
      if (line?.path === path) return line
      if (line !== undefined && byBytes(line.path, path) > 0) return undefined
    }
    return this.#ended ? undefined : 'more'
  }

  async find(path: string): Promise<Line | undefined> {
    for (;;) {
      const found = this.seek(path)
      if (found !== 'more') return found
      const { value } = await this.#parts.next()
      if (value === undefined) this.#ended = true
      else [this.#part, this.#next] = [value, 0]
    }
  }

  close(): void {
    if (!this.#ended) this.#stop.abort(new Error('nobody asks any more'))
  }
}

async function* linesOf(output: PassThrough): AsyncGenerator<string[], undefined> {
  let rest = ''
  for await (const chunk of output as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield lines
  }
  return undefined
}
