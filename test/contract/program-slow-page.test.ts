import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { type Box, box } from './support/box.ts'

/** A page that takes its time, in a process of its own: the test waits for the program. */
async function page(ms: number): Promise<{ url: string } & Disposable> {
  const text = `require('node:http').createServer((_, answer) => setTimeout(() => answer.end('well'), ${ms})).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const server = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(server.stdout, 'data')
  return { url: `http://127.0.0.1:${String(port).trim()}/`, [Symbol.dispose]: () => void server.kill('SIGKILL') }
}

const docker = `case $1 in inspect) echo 'running none' ;; esac`
const tools = Object.fromEntries(
  'awk cat date dd df dirname flock grep head id ls mkdir mv rm sed sleep tail timeout tr'.split(' ').map((one) => [one, one]),
)

/** Those of a host, with one program to ask a page. */
const hosts: [string, () => Box][] = [
  ['dash and curl', () => box('dash', { docker }, { ...tools, curl: 'curl' })],
  ['dash and wget', () => box('dash', { docker }, { ...tools, wget: 'wget' })],
  ['busybox and its wget', () => box('busybox', { docker }, { ...tools, wget: 'busybox' })],
]

const watch = (url: string, seconds: number): HostCall => ['watch', 'web', 'it', 'http', String(seconds * 100), '0', '50', url]

describe.each(hosts)('a health page on a host with %s', (_, open) => {
  it('may take longer than five seconds, within the timeout', async () => {
    using slow = await page(7_000)
    using host = open()
    const lines = host.apply([watch(slow.url, 60)])
    expect(lines.filter(({ step, state }) => step === 'healthy' && state !== 'start')).toMatchObject([
      { state: 'done', note: `${slow.url} 200` },
    ])
  })

  it('that does not answer within the timeout is told as one that is silent, with how long it was asked', async () => {
    using silent = await page(600_000)
    using host = open()
    const failed = host.apply([watch(silent.url, 9)]).find(({ state }) => state === 'failed')
    expect(failed?.note?.split('\n')[0]).toBe(`not healthy after 9 s; ${silent.url} gave no answer within 5 s`)
  })

  it('that nobody listens for is told as before', () => {
    using host = open()
    const failed = host.apply([watch('http://127.0.0.1:1/', 1)]).find(({ state }) => state === 'failed')
    expect(failed?.note?.split('\n')[0]).toBe('not healthy after 1 s; http://127.0.0.1:1/ answered nothing')
  })
})
