import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import { type HostUnderTest, labHost } from './support/host.ts'
import { failureOf, pathsOf, useHosts } from './support/hosts.ts'
import { deployTo, type PushedImage, removeImage, web, worker } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { site, siteHost } from './support/site.ts'

const lab = inject('lab')
const { image, machine } = useHosts()
let python: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  python = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(python))

const hostOf = (suite: string, user: string, port: number): HostUnderTest => labHost(lab.hosts[suite]?.container ?? '', user, port)

/** Answers with what `text` says about each GET, one question after the other; nothing else is let in. */
function server(text: string): Partial<Service> {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
  const program = `
import http.server, os, time
first = time.monotonic()
class Handler(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
${lines}
  def give(self, status, body, type='text/plain'):
    self.send_response(status)
    self.send_header('Content-Type', type)
    self.end_headers()
    self.wfile.write(body.encode())
http.server.HTTPServer(('', 8000), Handler).serve_forever()
`
  return { entrypoint: ['python3', '-u', '-c', program], command: [] }
}

const asked = (timeoutMs: number): Service['health'] => ({ kind: 'http', path: '/health', intervalMs: 100, timeoutMs, settleMs: 0 })

test.each([
  [
    'an account of it that a monitor reads',
    `self.give(503, '{"status":"DOWN","db":"no route to db.internal:5432"}', 'application/json')`,
    /answered 503\nits page: {"status":"DOWN","db":"no route to db.internal:5432"}\n+state running/,
  ],
  [
    'a page of HTML, of which its text is told',
    `self.give(400, '<!DOCTYPE html>\\n<html><head><style>\\nbody { color: red }\\n</style><title>DisallowedHost at /health</title></head>\\n\\n<p class="x">Add <b>127.0.0.1</b> to ALLOWED_HOSTS' + '.' * 100_000, 'text/html')`,
    /answered 400\nits page: DisallowedHost at \/health \n Add 127.0.0.1 to ALLOWED_HOSTS\.{1000,1500}…\n+state running/,
  ],
])(
  'kamal#1917: what a failed health check was answered is told before the container goes: %s',
  { tags: ['kamal#1917'] },
  async (_, answer, told) => {
    await using host = hostOf('trixie', 'deploy', 8091)
    const error = await failureOf(
      deployTo(host, python, { version: 'one', services: [web(host, { ...server(answer), health: asked(2000) })] }),
    )
    expect(error.hint).toMatch(told)
    expect(await host.containers()).toEqual([])
  },
)

test('kamal#1917: and what nginx was answered', { tags: ['kamal#1917'] }, async () => {
  await using host = siteHost('forky', { user: 'ops' })
  const shy = server(`
if 'X-Forwarded-For' in self.headers: self.give(421, 'Blocked host: ' + self.headers['Host'])
else: self.give(200, 'well')`)
  const error = await failureOf(deployTo(host, python, { version: 'one', services: [site(host, shy)] }))
  expect(error.message).toContain('web: probe failed')
  expect(error.hint).toMatch(
    new RegExp(`answered 421 from 127\\.0\\.0\\.1:\\d+ .*\\n+its page: Blocked host: ${host.name}\\n+state running`),
  )
})

test('a web without any check that listens late is waited for, while the old version serves', async () => {
  await using host = siteHost('trixie')
  const health = { kind: 'container' as const, timeoutMs: 60_000, settleMs: 0 }
  await deployTo(host, python, { version: 'one', services: [site(host, { health })] })
  const visitors = host.traffic({ connections: 2, pauseMs: 300 })
  await visitors.seen('one')
  const late = site(host, { health, entrypoint: ['/bin/sh', '-c', 'sleep 13; exec python3 /server.py'] })
  await deployTo(host, python, { version: 'two', services: [late] })
  await visitors.seen('two')
  expect((await visitors.stop()).failed).toBe(0)
})

test(
  'kamal#1479: all that a container said which did not come up can be read, until a deploy goes through',
  { tags: ['kamal#1479'], timeout: 300_000 },
  async () => {
    await using host = hostOf('forky', 'deploy', 0)
    const chatty =
      'echo one; printf "the cause: \\377 no such table\\n"; n=0; while [ $n -lt 3000 ]; do n=$((n + 1)); echo "frame $n of the trace"; done; exit 4'
    const health = { kind: 'container' as const, timeoutMs: 60_000, settleMs: 60_000 }
    const fails = async (script: string, more: Partial<Service> = {}): Promise<string> => {
      const service = { ...worker, entrypoint: ['/bin/sh', '-c', script], health, ...more }
      const error = await failureOf(deployTo(host, image(), { version: 'one', services: [service] }))
      expect(error.hint).toContain('state exited, exit code 4')
      return error.hint ?? ''
    }
    const files: string[] = []
    for (const more of [{}, { logging: { driver: 'local', options: {} } }, { options: ['--tty'] }]) {
      const told = await fails(chatty, more)
      expect(told).toMatch(/frame 2961 of the trace\r?\n[^]*frame 3000 of the trace$/)
      expect(told).not.toContain('frame 2960 ')
      const [, file = ''] = /kept on the host, until a deploy goes through: (\S+)/.exec(told) ?? []
      // Engines put a sign of their own in the place of a byte that is no text.
      expect(await host.ask(`sed -n '2p;3002p' ${file} | tr -d '\\r'; stat -c %a ${file}`)).toMatch(
        /^the cause: .+ no such table\nframe 3000 of the trace\n600$/,
      )
      files.push(file)
    }
    // What has nothing more to say has no file.
    expect(await fails('exit 4')).toMatch(/exit code 4$/)
    expect(await fails(chatty, { logging: { driver: 'none', options: {} } })).toContain('does not support reading')
    expect(await host.ask(`ls ${pathsOf(host).home}/releases/*/*.log`)).toBe(files.toSorted().join('\n'))
    await deployTo(host, image(), { version: 'two', services: [worker] })
    expect(await host.ask(`ls ${pathsOf(host).home}/releases/*/*.log 2> /dev/null || :`)).toBe('')
  },
)

test(
  'kamal-proxy#71: one that takes longer for an answer than the first questions wait is well when it comes',
  { tags: ['kamal-proxy#71'] },
  async () => {
    await using host = hostOf('bookworm', 'deploy', 8092)
    // Whoever has gone away meanwhile is answered all the same, before the next one.
    const slow = server(`
time.sleep(5.5)
self.give(200, 'well')`)
    const { services } = await deployTo(host, python, { version: 'one', services: [web(host, { ...slow, health: asked(30_000) })] })
    expect(services[0]?.health).toBe(`http://127.0.0.1:${host.port}/health 200`)
  },
)

test('kamal-proxy#71: one that never answers is told from one that is not there', { tags: ['kamal-proxy#71'] }, async () => {
  await using host = hostOf('trixie', 'root', 8093)
  const mute = web(host, { ...server('time.sleep(1000)'), health: asked(6000) })
  const error = await failureOf(deployTo(host, python, { version: 'one', services: [mute] }))
  expect(error.hint).toMatch(/not healthy after 6 s; http:\S+ answered nothing within \d+ s\n/)
})

test('kamal-proxy#71: one that is well when its time is over is given what it must stay so for', { tags: ['kamal-proxy#71'] }, async () => {
  const host = await machine()
  const health = { kind: 'container' as const, timeoutMs: 300, settleMs: 900 }
  await deployTo(host, image(), { version: 'one', services: [web(host, { health })] })
  expect(await host.answer()).toBe('one')
})

test.each([
  ['curl', []],
  ['wget', ['timeout']],
] as const)(
  'kamal-proxy#71: one whose page has no end, by HTTP/1.0, to its own name and to GET alone, is well: by %s',
  { tags: ['kamal-proxy#71'] },
  async (probe, more) => {
    const host = await machine({ probe, more })
    const odd = server(`
if self.headers['Host'] != 'shop.example.org': return self.give(404, 'who is that?')
self.send_response(200)
for n in range(60): self.send_header('X-Long-%d' % n, 'x' * 500)
self.end_headers()
while True:
  self.wfile.write(b'.' * 100)
  time.sleep(0.2)`)
    const health = { kind: 'http' as const, path: '/', host: 'shop.example.org', intervalMs: 100, timeoutMs: 20_000, settleMs: 0 }
    const { services } = await deployTo(host, python, { version: 'one', services: [web(host, { ...odd, health })] })
    expect(services[0]?.health).toBe(`http://127.0.0.1:${host.port}/ 200`)
  },
)
