import { abreast } from '../core/abreast.ts'
import { batchesOf, isLed } from '../core/batches.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import type { Mounted } from './bring.ts'

/** Hosts that go together. */
export interface Turn {
  /** For people; nothing where nobody has asked for batches. */
  name: string
  hosts: readonly string[]
  /** Before it begins. */
  waitMs: number
}

/**
 * Below the ten strangers at once from which on sshd begins to turn some away, should all come through one jump host. Each
 * takes two programs of some 6 MB here.
 */
const mostAtOnce = 8

/** Of files that are in memory while they are sent, one of each host. */
const mostBytes = 256e6

/** The order of a deploy. Of the first batch one host goes before the others where something runs there for all of them. */
export function turnsOf(environment: Pick<Environment, 'hosts' | 'batch' | 'beforeSwitch' | 'services'>): Turn[] {
  const { hosts, batch } = environment
  const { sizes, waitMs = 0 } = batch ?? {}
  const batches = batchesOf(hosts, sizes)
  return batches.flatMap((together, index): Turn[] => {
    const name = batch === undefined || hosts.length === 1 ? '' : `batch ${index + 1} of ${batches.length}`
    const [leader = '', ...others] = together
    if (index > 0 || others.length === 0 || !isLed(environment)) return [{ name, hosts: together, waitMs: index === 0 ? 0 : waitMs }]
    return [
      { name, hosts: [leader], waitMs: 0 },
      { name, hosts: others, waitMs: 0 },
    ]
  })
}

/** On how many of them work goes on at the same time. @param mounted what may have to be sent to each */
export function atOnce(hosts: number, mounted?: Pick<Mounted, 'here'>): number {
  const largest = Math.max(1, ...[...(mounted?.here.values() ?? [])].flatMap(({ entries }) => entries.map(({ size }) => size)))
  return Math.max(1, Math.min(hosts, mostAtOnce, Math.floor(mostBytes / largest)))
}

/** How many hosts may go back at the same time: as many as the largest batch, since the environment can spare them. */
export function widthOf({ batch: { sizes } = { sizes: [1] } }: Pick<Environment, 'batch'>): number {
  return atOnce(Math.max(...sizes))
}

/**
 * Work on each of these hosts, so many at once. When one fails nothing more is begun; the others are not cut short, and waited for.
 * @throws what failed, as one
 */
export async function sideBySide<Host>(
  many: number,
  hosts: readonly Host[],
  { signal }: Pick<Ports, 'signal'>,
  work: (host: Host) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  try {
    await abreast(many, hosts, signal, async (host) => {
      try {
        await work(host)
      } catch (error) {
        failures.push(error)
        throw error
      }
    })
  } catch (error) {
    throw failures.length === 0 ? error : asOne(failures)
  }
}

/** Told before the others of a batch, since it depends on them whether hosts go back. */
const gravest: readonly LaunchwayError['code'][] = ['CANCELLED', 'DEPLOY_UNKNOWN', 'ROLLBACK_FAILED']

/** Several failures as one: a bug of ours, the gravest, else the first; what the others said comes below. */
export function asOne(failures: readonly unknown[]): unknown {
  const ours = failures.filter((error) => error instanceof LaunchwayError)
  if (ours.length < failures.length) return failures.find((error) => !(error instanceof LaunchwayError))
  const chosen = gravest.flatMap((code) => ours.find((error) => error.code === code) ?? [])[0] ?? ours[0]
  const others = ours.filter(({ message }) => message !== chosen?.message)
  return withMore(
    chosen,
    others.map(({ code, message, hint = '' }) => `${code}: ${message}\n${hint}`.trim()),
  )
}

/** The same failure, with the hosts that it has kept from their turn. */
export function withUntouched(error: unknown, hosts: readonly string[]): unknown {
  return withMore(error, hosts.length === 0 ? [] : [`Untouched, since their turn had not come: ${hosts.join(', ')}`])
}

/** Of a run that was cancelled: who may end on either version. */
export function withUnderWay(error: unknown, hosts: readonly string[]): unknown {
  const isCancelled = error instanceof LaunchwayError && error.code === 'CANCELLED'
  return withMore(error, isCancelled && hosts.length > 1 ? [`Under way, and may end on either version: ${hosts.join(', ')}`] : [])
}

function withMore(error: unknown, more: readonly string[]): unknown {
  if (!(error instanceof LaunchwayError) || more.length === 0) return error
  const { code, message, hint, part } = error
  return new LaunchwayError(code, message, {
    hint: [...(hint === undefined ? [] : [hint]), ...more].join('\n'),
    ...(part === undefined ? {} : { part }),
    cause: error,
  })
}

const minute = 60_000

/** The time before a batch, told each minute. @throws the reason of the signal as soon as that is aborted */
export async function waitFor({ name, waitMs }: Turn, { clock, log, signal }: Pick<Ports, 'clock' | 'log' | 'signal'>): Promise<void> {
  for (let left = waitMs; left > 0; left -= minute) {
    log.info(`${name} begins in ${showMs(left)}`)
    await clock.sleep(Math.min(left, minute), signal)
  }
}
