import { isLost } from '../follow.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { homeOf } from '../program.ts'
import { type Answer, type Answered, askAll, connectTo, exitOf, hostsOf, refused, showRefusal, type Target } from './hosts.ts'
import { type LogRange, logsProgram } from './program.ts'
import { accessoriesOf, noService, nothingRuns } from './stop.ts'

export interface LogWish {
  service: string | undefined
  host: string | undefined
  /** A release that the hosts keep; the one that runs where it is absent. */
  release: string | undefined
  since: string | undefined
  lines: string | undefined
  follow: boolean
  json: boolean
  /** Where a log that is followed goes, line by line. */
  write: (line: string) => void
}

/** A line that a container wrote. */
interface LogLine {
  host: string
  service: string
  /** ISO 8601, to the nanosecond, by the host's clock. */
  at: string
  text: string
}

/** Seconds before each new connection, once one has broken. */
const waits = [1, 2, 4, 8, 15, 30]

/** What the containers of a release wrote, in the order of time; when it is followed, as it comes. */
export async function logs(target: Target, wish: LogWish, ports: Ports): Promise<Answer> {
  // Asked for, so that they are known to whoever redacts.
  for (const name of new Set(target.environment.services.flatMap(({ secrets }) => secrets))) ports.secret(name)
  const hosts = hostsOf(target, wish.host)
  const show = ({ host, service, text }: LogLine): string => `${hosts.length > 1 ? `${host} ` : ''}${service} | ${text}`
  if (wish.follow) {
    const write = (line: LogLine): void => wish.write(wish.json ? JSON.stringify(line) : show(line))
    const following = askAll(hosts, (host) => followHost(host, target, wish, write, ports), ports)
    const answers = await following.catch((error: unknown) => {
      // Ctrl-C is how one ends this, and no failure.
      if (ports.signal.aborted) return undefined
      throw error
    })
    if (answers === undefined) return { text: '', json: undefined, exit: 130 }
    if (wish.json) for (const { host, error } of answers) if (error !== undefined) wish.write(JSON.stringify({ host, error }))
    return { text: told(answers), json: undefined, ...exitOf(answers) }
  }
  const answers = await askAll(
    hosts,
    async (host) => {
      const lines: LogLine[] = []
      await using remote = await connectTo(host, target, ports)
      await readFrom(remote, target, wish, rangeOf(wish), (line) => lines.push(line), ports)
      return { lines }
    },
    ports,
  )
  const lines = answers.flatMap((one) => (one.error === undefined ? one.lines : [])).toSorted(byTime)
  return { text: `${told(answers)}${lines.map((line) => `${show(line)}\n`).join('')}`, json: answers, ...exitOf(answers) }
}

function byTime(one: LogLine, other: LogLine): number {
  return one.at < other.at ? -1 : one.at > other.at ? 1 : 0
}

function told(answers: readonly Answered<object>[]): string {
  return answers.flatMap(({ host, error }) => (error === undefined ? [] : [`${showRefusal(host, error)}\n`])).join('')
}

function rangeOf({ release = '', service = '', since = '', lines, follow }: LogWish): LogRange {
  return { release, service, since, lines: lines ?? (since === '' ? '100' : ''), follow }
}

/** Until the containers have ended, also over a deploy, which ends those that are followed and starts others. */
async function followHost(
  host: string,
  target: Target,
  wish: LogWish,
  write: (line: LogLine) => void,
  ports: Ports,
): Promise<{ followed: true }> {
  const seen = new Map<string, string>()
  let tries = 0
  for (;;) {
    // The oldest of the last lines: what another service wrote since is told apart by its own last line.
    const [resumeAt] = [...seen.values()].toSorted()
    const range = resumeAt === undefined ? rangeOf(wish) : { ...rangeOf(wish), since: resumeAt, lines: '' }
    try {
      await using remote = await connectTo(host, target, ports)
      const running = await readFrom(
        remote,
        target,
        wish,
        range,
        (line) => {
          tries = 0
          // Told apart by the instant: docker gives nanoseconds.
          if (line.at !== '' && line.at <= (seen.get(line.service) ?? '')) return
          if (line.at !== '') seen.set(line.service, line.at)
          write(line)
        },
        ports,
      )
      if (running === 0) return { followed: true }
      await ports.clock.sleep(1000, ports.signal)
    } catch (error) {
      const wait = waits[tries]
      tries += 1
      if (!isLost(error) || seen.size === 0 || wait === undefined) throw error
      ports.log.warning(`the connection to ${host} broke; its log is taken up again where it was`)
      await ports.clock.sleep(wait * 1000, ports.signal)
    }
  }
}

/** @returns how many of the containers were running */
async function readFrom(
  remote: Awaited<ReturnType<typeof connectTo>>,
  target: Target,
  wish: LogWish,
  range: LogRange,
  onLine: (line: LogLine) => void,
  ports: Ports,
): Promise<number> {
  const { host } = remote
  const heads: (readonly string[])[] = []
  await remote.sh(logsProgram(homeOf(target), range), {
    onLine(text, stream) {
      if (stream === 'stderr') return ports.log.debug(`${host}: ${text}`)
      const [service = '', ...rest] = text.split('\t')
      if (service.startsWith('#') || service === 'refused') return void heads.push([service, ...rest])
      const [, at, said = ''] = /^(\d{4}-\S+Z) ?(.*)$/.exec(rest.join('\t')) ?? []
      // Without a time it is a word of docker's own, such as that a driver keeps no log.
      onLine({ host, service, at: at ?? '', text: ports.redact(at === undefined ? rest.join('\t') : said) })
    },
  })
  const valuesOf = (name: string): (readonly string[])[] => heads.flatMap(([key, ...values]) => (key === name ? [values] : []))
  const [account] = valuesOf('refused')
  if (account !== undefined) throw refused(host, account[0] ?? '')
  const [said] = valuesOf('#said')
  if (said !== undefined) throw new LaunchwayError('HOST_UNFIT', `docker on ${host} does not answer`, { hint: said.join('\t') })
  const containers = valuesOf('#container')
  // An accessory has a log also where no release runs yet, which it may be the reason for.
  if (valuesOf('#release')[0]?.[0] === '' && containers.length === 0) throw nothingRuns(host)
  if (containers.length === 0) {
    throw new LaunchwayError(
      'VERSION_UNKNOWN',
      `${host} has no container of release ${range.release || (valuesOf('#release')[0]?.[0] ?? '')}`,
      {
        hint: '`launchway history` shows the releases, `launchway status` those that are kept.',
      },
    )
  }
  const asked = containers.filter(([service]) => wish.service === undefined || service === wish.service)
  if (asked.length === 0)
    throw noService(
      host,
      wish.service ?? '',
      containers.map(([service = '']) => service),
      accessoriesOf(target),
    )
  return asked.filter(([, , state]) => state === 'running').length
}
