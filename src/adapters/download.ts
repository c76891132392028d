import type { Clock, Log } from '../core/ports.ts'
import { insist, retryAfterMs, type Tried } from './insist.ts'
import { hasNoName, isUntrusted } from './registry/failures.ts'
import { Connection, type Limits, type Response } from './registry/http.ts'

/** How something is fetched. */
export interface Way {
  clock: Clock
  signal: AbortSignal | undefined
  /** Told from where, and of each pause before another try. */
  log: Pick<Log, 'info' | 'warning'>
  limits?: Limits
}

/** A release may be many megabytes, and the way slow; who sends nothing for a minute sends nothing more. */
const usualLimits: Limits = { idleMs: 60_000, wholeMs: 300_000, bytesPerSecond: 50_000 }
/** A second and two are between them, or what is asked for up to a minute. */
const tries = { attempts: 3, pauseMs: 500, longestPauseMs: 60_000 }
/** From where a release is named to where it lies. */
const redirects = 5

/** It cannot be had there, and why. */
class Missed extends Error {}

/**
 * What is at an address, through the proxy of this network as HTTPS_PROXY and NO_PROXY name it; in words, why it cannot be
 * had. What fails in passing is tried again.
 */
export async function download(address: string, { clock, signal, log, limits = usualLimits }: Way): Promise<Buffer | string> {
  const url = new URL(address)
  const connection = new Connection(undefined, limits)
  try {
    return await insist(url.host, () => once(url, { connection, clock, signal }), { ...tries, clock, signal, onPause: log.info })
  } catch (error) {
    if (error instanceof Missed) return error.message
    throw error
  }
}

type Once = Pick<Way, 'clock' | 'signal'> & { connection: Connection }

async function once(url: URL, { connection, clock, signal }: Once): Promise<Tried<Buffer>> {
  let response: Response
  try {
    response = await follow(connection, url, signal)
  } catch (error) {
    signal?.throwIfAborted()
    const why = error instanceof Error && error.message !== '' ? error.message : String(error)
    const missed = new Missed(`${url.host} cannot be reached: ${why}`)
    if (isUntrusted(error) || hasNoName(error)) throw missed
    return { why, failure: async () => missed }
  }
  const { status, header, body } = response
  if (status === 200) return { answer: body }
  const missed = new Missed(`${url.host} answered ${status}`)
  if (status !== 408 && status !== 429 && status < 500) throw missed
  return { why: `answered ${status}`, asksMs: retryAfterMs(header('retry-after'), clock.now()), failure: async () => missed }
}

async function follow(connection: Connection, url: URL, signal: AbortSignal | undefined, left = redirects): Promise<Response> {
  const response = await connection.ask(url, { method: 'GET', path: url.href, accept: [] }, { 'user-agent': 'launchway' }, signal)
  const location = response.header('location')
  if (response.status < 300 || response.status > 399 || location === undefined || left === 0) return response
  return follow(connection, new URL(location, url), signal, left - 1)
}
