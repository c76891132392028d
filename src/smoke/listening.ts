import { anyCode } from '../core/command.ts'
import type { Output, Ports } from '../core/ports.ts'
import { within } from '../core/within.ts'
import { execIn } from '../tools/docker.ts'
import { networkOf, type ServicePort } from './reach.ts'
import { runningOf, type Standing } from './standing.ts'

/** Somebody who waits for connections in a container. */
export interface Listener {
  port: number
  /** Nobody outside of the container reaches it. */
  isLoopback: boolean
}

/** The check has had its time; what hangs must not take more. */
const longestMs = 5_000

/** Docker's own name server, which is in every container of a project's network. */
const nameServer = '0B00007F'

/**
 * Who listens, of `/proc/net/tcp` and `/proc/net/tcp6`.
 * @see https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
 */
export function listenersIn(table: string): Listener[] {
  // Each four bytes of an address are written as one number, the lowest byte first.
  return [...table.matchAll(/^ *\d+: ([\dA-F]+):([\dA-F]{4}) [\dA-F]+:0000 0A /gm)].flatMap(([, address = '', port = '']) =>
    address === nameServer ? [] : [{ port: Number.parseInt(port, 16), isLoopback: /7F$|^0{24}01000000$/.test(address) }],
  )
}

/** Where the service of a check that nobody answered listens instead; undefined where that cannot be seen, or explains nothing. */
export async function listensElsewhere({ service, port }: ServicePort, standing: Standing, ports: Ports): Promise<string | undefined> {
  const { services } = standing.stack.file
  const at = networkOf(service, services)
  const container = runningOf(at, standing.containers())
  // In the machine's own network everybody listens.
  if (container === undefined || services[at]?.network_mode === 'host') return undefined
  const asked = execIn(container.id, ['cat', '/proc/net/tcp', '/proc/net/tcp6'])
  const look = (signal: AbortSignal): Promise<Output> => ports.exec.run(asked, { signal, accept: anyCode })
  const done = await within(longestMs, standing.signal, ports, look).catch(() => undefined)
  // Without IPv6 the second file is not there, which cat says after it has shown the first.
  return done === undefined || done.stdout === '' ? undefined : saidOf(service, port, listenersIn(done.stdout))
}

function saidOf(service: string, port: number, listeners: readonly Listener[]): string | undefined {
  const there = listeners.filter((one) => one.port === port)
  if (there.some(({ isLoopback }) => !isLoopback)) return undefined
  if (there.length > 0)
    return `${service} listens on port ${port} of 127.0.0.1 alone, where only its own container reaches it: let it listen on 0.0.0.0`
  const others = [...new Set(listeners.map((one) => (one.isLoopback ? `${one.port} (of 127.0.0.1 alone)` : String(one.port))))]
  return others.length === 0 ? `nothing in ${service} listens on any port` : `${service} listens on ${others.join(', ')}`
}
