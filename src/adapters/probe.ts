import { request as plain, type IncomingMessage } from 'node:http'
import { request as secure } from 'node:https'
import { connect, isIP } from 'node:net'
import type { Answer, Probe } from '../core/probe.ts'

/** Characters of a body that are kept. */
const bodyChars = 1_000_000
/** How long a connection must be kept: the engine's proxy closes it as soon as it finds nobody behind itself. */
const keptMs = 250

/** Not fetch: that one always checks certificates, and follows redirects out of the stack. */
export const localProbe: Probe = {
  get(url, { host, signal, isChecked = false }) {
    return localProbe.ask(url, { method: 'GET', headers: { host }, isChecked, signal })
  },

  ask(url, { method, headers, body, isChecked, ca, signal }) {
    return new Promise<Answer>((resolve, reject) => {
      const options = {
        method,
        headers: { accept: '*/*', 'user-agent': 'launchway', ...headers },
        signal,
        agent: false as const,
      }
      const read = (answer: IncomingMessage): void => {
        let text = ''
        const end = (): void => resolve({ status: answer.statusCode ?? 0, headers: headersOf(answer), body: text })
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          text += chunk
          if (text.length < bodyChars) return
          text = text.slice(0, bodyChars)
          end()
          answer.destroy()
        })
        answer.once('end', end)
        answer.once('error', reject)
      }
      const asked = url.startsWith('https:')
        ? secure(
            url,
            { ...options, ...serverName(headers['host'] ?? ''), rejectUnauthorized: isChecked, ...(ca === undefined ? {} : { ca }) },
            read,
          )
        : plain(url, options, read)
      asked.once('error', reject)
      asked.end(body)
    })
  },

  connects(address, port, signal) {
    return new Promise((resolve) => {
      const socket = connect({ host: address, port, signal })
      let timer: NodeJS.Timeout | undefined
      const end = (open: boolean): void => {
        clearTimeout(timer)
        socket.destroy()
        resolve(open)
      }
      socket.once('connect', () => (timer = setTimeout(end, keptMs, true)))
      // Who speaks first is there.
      socket.once('data', () => end(true))
      socket.once('error', () => end(false))
      socket.once('close', () => end(false))
    })
  },
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]))
}

/** An address is no name: TLS has none to send then. */
function serverName(host: string): { servername?: string } {
  const name = host.replace(/:\d+$/, '')
  return isIP(name) === 0 && !name.startsWith('[') ? { servername: name } : {}
}
