import { createHash } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { type Contents, type Hashes, readContents, sourcesOf } from '../core/contents.ts'
import type { Environment } from '../core/deployment.ts'
import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Files, Ports, Remote } from '../core/ports.ts'
import type { PlanSection } from '../core/release.ts'
import { showBytes } from '../core/units.ts'
import { tarEnd, tarHeader, tarPadding } from '../tools/tar.ts'
import type { HostCall } from './call.ts'
import { placedBy } from './mounts.ts'
import type { Observation } from './observation.ts'
import { type Home, receiveProgram } from './program.ts'

/** What an environment mounts of the repository. */
export interface Mounted {
  hashes: Hashes
  /** By hash: what of it is here, as it was planned. */
  here: ReadonlyMap<string, Contents>
  /** What is not, in words. */
  elsewhere: readonly { hash: string; why: string }[]
}

/** Of a file, at once. */
const partBytes = 1 << 18

/** More than this is told while it goes. */
const largeBytes = 8e6

/**
 * Compares what is here with what was planned. Another commit may be checked out, or none: then hosts must have it. What
 * was not there when the plan was made is what a step before this one has made.
 * @throws LaunchwayError FILES_UNFIT for what cannot travel, and is not planned otherwise
 */
export async function mountedBy(
  { services, accessories }: Pick<Environment, 'services' | 'accessories'>,
  ports: Pick<Ports, 'files' | 'root'>,
  planned: PlanSection['hashes'] = {},
): Promise<Mounted> {
  const sources = sourcesOf([...services, ...accessories].flatMap(({ files = [] }) => files))
  const made = await readContents(
    sources.filter((source) => planned[source] === undefined),
    ports,
  )
  const hashes = new Map([...made].map(([source, { hash }]) => [source, hash]))
  const here = new Map([...made.values()].map((one) => [one.hash, one]))
  const elsewhere: Mounted['elsewhere'][number][] = []
  for (const [source, hash] of Object.entries(planned)) {
    if (!sources.includes(source)) continue
    hashes.set(source, hash)
    const read = await readContents([source], ports).catch((error: unknown) => {
      if (!(error instanceof LaunchwayError)) throw error
      return undefined
    })
    const found = read?.get(source)
    if (found?.hash === hash) here.set(hash, found)
    else elsewhere.push({ hash, why: `${source} is ${found === undefined ? 'not here' : 'here not what was planned'}` })
  }
  return { hashes, here, elsewhere }
}

/** @throws LaunchwayError FILES_UNFIT for what is neither here, as it was planned, nor on the host */
export function requireMounted({ elsewhere }: Mounted, { stored }: Observation, { host, sha }: { host: string; sha: string }): void {
  const lost = elsewhere.filter(({ hash }) => stored?.has(hash) !== true)
  if (lost.length === 0) return
  throw new LaunchwayError('FILES_UNFIT', `${lost.map(({ why }) => why).join('; ')}, and ${host} does not have it either`, {
    hint: `The plan was made at commit ${sha.slice(0, 7)}. Check that out, and deploy from there; or plan anew, and release what is checked out.`,
  })
}

/** What of that which calls put in place has to be sent. */
export function missingOn({ stored }: Observation, calls: readonly HostCall[], mounted: Mounted | undefined): Contents[] {
  return placedBy(calls).flatMap((hash) => (stored?.has(hash) === true ? [] : (mounted?.here.get(hash) ?? [])))
}

/**
 * Sends contents into the folder of an attempt that is about to begin, as one stream over the connection that stands.
 * @throws LaunchwayError HOST_UNFIT when the host cannot take them, FILES_UNFIT when one has changed meanwhile
 */
export async function send(
  contents: readonly Contents[],
  { remote, home, attempt, sudo }: { remote: Remote; home: Home; attempt: string; sudo: boolean },
  { files, log }: Pick<Ports, 'files' | 'log'>,
): Promise<void> {
  const bytes = contents.reduce((sum, one) => sum + one.bytes, 0)
  const what = contents.map(({ source }) => source).join(', ')
  log.info(`${remote.host}: sending ${what}, ${showBytes(bytes)}`)
  const errors = new Words()
  const input = Readable.from(archive(contents, files, told(remote.host, bytes, log)), { objectMode: false })
  const { code } = await remote.sh(receiveProgram(home, attempt), {
    sudo,
    accept: anyCode,
    streams: { input, output: new Words(), errors },
  })
  if (code === 0) return
  throw new LaunchwayError('HOST_UNFIT', `${remote.host} could not take ${what}: nothing was changed`, {
    hint: errors.text() === '' ? 'It gave no reason.' : errors.text(),
  })
}

async function* archive(contents: readonly Contents[], files: Pick<Files, 'read'>, sent: (bytes: number) => void): AsyncGenerator<Buffer> {
  for (const { from, source, hash, entries } of contents) {
    for (const { path, kind, mode, size, hash: expected, target } of entries) {
      const name = path === '' ? hash : `${hash}/${path}`
      const header = tarHeader({ name, kind, mode, size, ...(target === undefined ? {} : { target }) })
      if (kind !== 'file') {
        yield header
        continue
      }
      const body = await files.read(path === '' ? from : `${from}/${path}`)
      if (body === undefined || createHash('sha256').update(body).digest('hex') !== expected) {
        throw new LaunchwayError('FILES_UNFIT', `${path === '' ? source : `${source}/${path}`} has changed while it was sent`, {
          hint: 'Nothing was changed on the host. Run it again when nobody writes to it.',
        })
      }
      yield header
      for (let at = 0; at < size; at += partBytes) {
        const part = body.subarray(at, at + partBytes)
        yield part
        sent(part.length)
      }
      const padding = tarPadding(size)
      if (padding.length > 0) yield padding
    }
  }
  yield tarEnd
}

/** Tells of each quarter. */
function told(host: string, bytes: number, log: Ports['log']): (sent: number) => void {
  let [sum, quarters] = [0, 0]
  return (sent) => {
    sum += sent
    const now = Math.floor((sum / bytes) * 4)
    if (bytes > largeBytes && now > quarters && now < 4) log.info(`${host}: ${showBytes(sum)} of ${showBytes(bytes)} are sent`)
    quarters = now
  }
}

/** The last that a program has said. */
class Words extends Writable {
  #text = ''

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#text = `${this.#text}${chunk.toString()}`.slice(-2000)
    done()
  }

  text(): string {
    return this.#text.trim()
  }
}
