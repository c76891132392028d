import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { LaunchwayError } from '../../core/error.ts'
import { hostPaths, oneOffLabel } from '../../core/names.ts'
import type { Ports, Remote, Streams } from '../../core/ports.ts'
import { anyCode } from '../../core/command.ts'
import { oneOffArgs } from '../container.ts'
import { look, type SeenHost } from '../look.ts'
import { homeOf } from '../program.ts'
import { type Answer, connectTo, hostsOf, refused, type Target } from './hosts.ts'
import { type Execution, execProgram } from './program.ts'
import { accessoriesOf, noService, nothingRuns } from './stop.ts'

export interface ExecWish {
  service: string
  host: string | undefined
  command: readonly string[]
  /** In a container of its own, which goes with the command. */
  anew: boolean
  json: boolean
}

/**
 * Runs a command in the container of a service, on one host. Input, output and exit code are the command's own.
 * @throws LaunchwayError USAGE where no such service runs
 */
export async function exec(target: Target, wish: ExecWish, streams: Streams, ports: Ports): Promise<Answer> {
  const hosts = hostsOf(target, wish.host)
  const [host] = hosts
  if (hosts.length > 1) ports.log.info(`on ${host}; --host names another: ${hosts.slice(1).join(', ')}`)
  await using remote = await connectTo(host, target, ports)
  const mark = `launchway-${randomBytes(8).toString('hex')}`
  const call = wish.anew ? await newContainer(remote, target, wish) : (['within', ...wish.command] as const)
  const kept = wish.json ? { output: new Collected(), errors: new Collected() } : undefined
  const errors = new Announced(mark, kept?.errors ?? streams.errors)
  const execution: Execution = { service: wish.service, mark, input: streams.input !== undefined, call }
  const { code } = await remote.sh(execProgram(homeOf(target), execution), {
    accept: anyCode,
    streams: { input: streams.input, output: kept?.output ?? streams.output, errors },
  })
  const container = begunIn(host, target, wish.service, errors.said())
  const said = { stdout: kept?.output.text() ?? '', stderr: kept?.errors.text() ?? '' }
  return { text: '', json: { host, service: wish.service, container, code, ...said }, exit: code }
}

/** What the program said before the command began. */
function begunIn(host: string, target: Target, service: string, [how, text = '']: readonly string[]): string {
  if (how === 'begun') return text
  if (how === 'refused') throw refused(host, text)
  if (how === 'asleep') {
    throw new LaunchwayError('USAGE', `${service} does not run on ${host} just now: it has cron, and runs at its times`, {
      hint: `In a container of its own: launchway exec --new ${service} -- COMMAND`,
    })
  }
  if (how === 'absent') {
    const known = text.split(' ').filter(Boolean)
    throw known.length === 0 ? nothingRuns(host) : noService(host, service, known, accessoriesOf(target))
  }
  throw new LaunchwayError('HOST_UNFIT', `docker on ${host} could not begin the command`, {
    hint: text === '' ? 'It gave no reason.' : text,
  })
}

async function newContainer(remote: Remote, target: Target, { service, command }: ExecWish): Promise<Execution['call']> {
  const seen = await look(remote, homeOf(target), target.environment)
  return anewCall(target, { host: remote.host, seen }, service, command, randomBytes(4).toString('hex'))
}

/** @param random a few hexadecimal digits: any number of containers stand side by side */
export function anewCall(
  target: Target,
  { host, seen }: Pick<SeenHost, 'host' | 'seen'>,
  name: string,
  command: readonly string[],
  random: string,
): Execution['call'] {
  const { app, environment } = target
  const release = seen.current
  const kept = release === undefined ? undefined : seen.releases.get(release)
  if (release === undefined || kept === undefined) throw nothingRuns(host)
  const service = kept.environment.services.find((one) => one.name === name)
  const image = service === undefined ? undefined : kept.images[service.image]
  if (service === undefined || image === undefined)
    throw noService(
      host,
      name,
      kept.environment.services.map((one) => one.name),
      accessoriesOf(target),
    )
  const folder = hostPaths(environment.stateRoot, app, environment.name).release(release)
  const args = oneOffArgs({ ...service, command: [] }, image, [`${oneOffLabel}=${app}.${environment.name}`], folder)
  return [
    'anew',
    `${app}.${environment.name}.${name}.exec-${random}`,
    `${folder}/secrets`,
    service.networks.slice(1).join(' '),
    ...args,
    ...command,
  ]
}

/** Keeps what is written. */
export class Collected extends Writable {
  readonly #chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

/** Hands on what is written, but for the line that begins with a mark. */
export class Announced extends Writable {
  readonly #mark: Buffer
  readonly #to: Writable
  #held: Buffer | undefined = Buffer.alloc(0)
  #said: readonly string[] = []

  constructor(mark: string, to: Writable) {
    super()
    this.#mark = Buffer.from(`${mark}\t`)
    this.#to = to
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#held === undefined) return void this.#to.write(chunk, done)
    this.#held = Buffer.concat([this.#held, chunk])
    const from = this.#held.indexOf(this.#mark)
    const end = from === -1 ? -1 : this.#held.indexOf('\n', from)
    if (end === -1) return done()
    this.#said = this.#held
      .subarray(from + this.#mark.length, end)
      .toString()
      .split('\t')
    const rest = Buffer.concat([this.#held.subarray(0, from), this.#held.subarray(end + 1)])
    this.#held = undefined
    if (rest.length === 0) return done()
    this.#to.write(rest, done)
  }

  /** The rest of that line; empty where it has not come. */
  said(): readonly string[] {
    if (this.#held !== undefined && this.#held.length > 0) this.#to.write(this.#held)
    return this.#said
  }
}
