import { LaunchwayError } from '../../core/error.ts'
import type { Ports, Remote } from '../../core/ports.ts'
import type { Answer, Target } from '../operate/hosts.ts'
import type { LogWish } from '../operate/logs.ts'
import { logsProgram } from './program.ts'
import { servicesNamed, stackOf, throughManager } from './stack.ts'

/** A line that a task wrote. */
interface LogLine {
  service: string
  /** `web.2@node3`. */
  task: string
  /** ISO 8601, to the nanosecond, by the clock of the node. */
  at: string
  text: string
}

/** Times that a log is taken up again, without a line in between, once the way to it has broken. */
const mostTries = 6

/** What the tasks of a stack wrote, on whichever node, in the order of time; when it is followed, as it comes. */
export async function logs(target: Target, wish: LogWish, ports: Ports): Promise<Answer> {
  if (wish.release !== undefined) {
    throw new LaunchwayError('USAGE', 'a swarm keeps the logs of tasks, not of releases: there is no --release', {
      hint: 'Those of tasks that have ended are shown as long as Swarm keeps them, five of each place: launchway logs --since 2h',
    })
  }
  const show = ({ task, text }: LogLine): string => `${task} | ${text}`
  if (wish.follow) {
    const write = (line: LogLine): void => wish.write(wish.json ? JSON.stringify(line) : show(line))
    try {
      await follow(target, wish, write, ports)
    } catch (error) {
      // Ctrl-C is how one ends this, and no failure.
      if (!ports.signal.aborted) throw error
      return { text: '', json: undefined, exit: 130 }
    }
    return { text: '', json: undefined }
  }
  const lines: LogLine[] = []
  const range = { lines: wish.lines ?? (wish.since === undefined ? '100' : ''), since: wish.since ?? '', follow: false }
  await throughManager(
    target,
    wish.host,
    async (remote, seen) => {
      const services = servicesNamed(seen, wish.service, target).map(({ name }) => name)
      await read(remote, target, { ...range, services }, (line) => lines.push(line), ports)
    },
    ports,
  )
  const sorted = lines.toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
  return { text: sorted.map((line) => `${show(line)}\n`).join(''), json: { stack: stackOf(target), lines: sorted } }
}

/** Until somebody ends it, also over a deploy and over the loss of the manager that was asked. */
async function follow(target: Target, wish: LogWish, write: (line: LogLine) => void, ports: Ports): Promise<void> {
  const seen = new Map<string, string>()
  for (let tries = 0; ; tries += 1) {
    const [resumeAt] = [...seen.values()].toSorted().slice(-1)
    const range = {
      since: resumeAt ?? wish.since ?? '',
      lines: resumeAt === undefined ? (wish.lines ?? (wish.since === undefined ? '100' : '')) : '',
    }
    try {
      await throughManager(
        target,
        wish.host,
        (remote, { services }) => {
          const names = services.filter(({ service }) => wish.service === undefined || service === wish.service).map(({ name }) => name)
          if (names.length === 0 && seen.size === 0) servicesNamed({ ...noStack, services }, wish.service, target)
          const take = (line: LogLine): void => {
            tries = 0
            if (line.at !== '' && line.at <= (seen.get(line.task) ?? '')) return
            if (line.at !== '') seen.set(line.task, line.at)
            write(line)
          }
          return read(remote, target, { ...range, services: names, follow: true }, take, ports)
        },
        ports,
      )
    } catch (error) {
      const isBroken = error instanceof LaunchwayError && ['SSH_UNREACHABLE', 'COMMAND_FAILED', 'HOST_UNFIT'].includes(error.code)
      if (!isBroken || seen.size === 0 || tries >= mostTries) throw error
      ports.log.warning(`${error.message}; the log is taken up again where it was`)
    }
    await ports.clock.sleep(2000, ports.signal)
  }
}

const noStack = { nodes: [], networks: [], configs: [], secrets: [], releases: [] }

async function read(
  remote: Remote,
  target: Target,
  range: Parameters<typeof logsProgram>[0],
  onLine: (line: LogLine) => void,
  ports: Ports,
): Promise<void> {
  await remote.sh(logsProgram(range), {
    onLine(text, stream) {
      if (stream === 'stderr') return ports.log.debug(`${remote.host}: ${text}`)
      if (text.startsWith('#answered')) return
      onLine(parseLine(text, stackOf(target), ports.redact))
    },
  })
}

/** @param text `shop_web<TAB>2026-11-22T10:24:55.1Z shop_web.1.gg5…@node3    | what it wrote` */
function parseLine(text: string, stack: string, redact: (text: string) => string): LogLine {
  const tab = text.indexOf('\t')
  const short = (name: string): string => (name.startsWith(`${stack}_`) ? name.slice(stack.length + 1) : name)
  const service = short(text.slice(0, Math.max(tab, 0)))
  const rest = text.slice(tab + 1)
  const [, at = '', name = '', node = '', said = ''] = /^(\d{4}-\S+Z) (\S+?)\.[a-z0-9]{25}@(\S+)\s*\| ?(.*)$/.exec(rest) ?? []
  // What has no such head is a word of docker's own, such as that a node cannot be asked.
  return at === ''
    ? { service, task: service, at, text: redact(rest) }
    : { service, task: `${short(name)}@${node}`, at, text: redact(said) }
}
