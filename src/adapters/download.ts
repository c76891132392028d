import { Connection, type Limits, type Response } from './registry/http.ts'

/** A release may be many megabytes, and the way slow; who sends nothing for a minute sends nothing more. */
const usualLimits: Limits = { idleMs: 60_000, wholeMs: 300_000, bytesPerSecond: 50_000 }
/** From where a release is named to where it lies. */
const redirects = 5

/** What is at an address, through the proxy of this network as HTTPS_PROXY and NO_PROXY name it; in words, why it cannot be had. */
export async function download(address: string): Promise<Buffer | string> {
  const url = new URL(address)
  try {
    const { status, body } = await follow(new Connection(undefined, usualLimits), url)
    return status === 200 ? body : `${url.host} answered ${status}`
  } catch (error) {
    return `${url.host} cannot be reached: ${error instanceof Error ? error.message : String(error)}`
  }
}

async function follow(connection: Connection, url: URL, left = redirects): Promise<Response> {
  const response = await connection.ask(url, { method: 'GET', path: url.href, accept: [] }, { 'user-agent': 'launchway' }, undefined)
  const location = response.header('location')
  if (response.status < 300 || response.status > 399 || location === undefined || left === 0) return response
  return follow(connection, new URL(location, url), left - 1)
}
