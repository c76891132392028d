import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, inject } from 'vitest'
import type { Service } from '../../../src/core/deployment.ts'
import { type PushedImage, pushImage } from './release.ts'
import { site, type SiteHost } from './site.ts'

/**
 * An image with the files of each version below /app/VERSION: app-VERSION.js, app.css, deep/a b.txt, broken.js, and what
 * nobody shall get: links to /etc/shadow and /etc (of three: also one by ..), a hidden file. Its server, on port 8000, names its $VERSION; below
 * /static it gives the files that this version has, says 404 in words of its own for others, and 500 for broken.js.
 * Every answer has X-App. MODE=sick has no /health, MODE=blind says 404 for all files.
 */
export function pushVersions(registry: string, versions: readonly string[]): Promise<PushedImage> {
  return pushImage(registry, (context) => {
    for (const version of versions) {
      const files = join(context, 'app', version)
      mkdirSync(join(files, 'deep'), { recursive: true, mode: 0o700 })
      writeFileSync(join(files, `app-${version}.js`), `script of ${version}\n`, { mode: 0o600 })
      writeFileSync(join(files, 'app.css'), `style of ${version}\n`)
      writeFileSync(join(files, 'deep/a b.txt'), `text of ${version}\n`)
      writeFileSync(join(files, 'broken.js'), 'never given while the application says 500\n')
      writeFileSync(join(files, '.env'), 'PASSWORD=1\n')
      symlinkSync('/etc/shadow', join(files, 'shadow'))
      symlinkSync('/etc', join(files, 'etc'))
      // docker cp refuses all of a folder with such a link.
      if (version === 'three') symlinkSync('../../etc/passwd', join(files, 'up'))
    }
    writeFileSync(join(context, 'server.py'), server)
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM python:3\nCOPY server.py /\nCOPY app /app\nSTOPSIGNAL SIGKILL\nCMD ["python3", "/server.py"]\n',
    )
  })
}

/** A service that nginx leads to, with the files of a version. */
export function withAssets(host: SiteHost, version: string, more: Partial<Service> = {}): Partial<Service> & { name: string } {
  return site(host, { assets: [{ path: '/static', folder: `/app/${version}` }], ...more })
}

const server = `import http.server, os, urllib.parse

version, mode = os.environ['VERSION'], os.environ.get('MODE')

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        path = urllib.parse.unquote(self.path.split('?')[0])
        status, body = 200, (version + '\\n').encode()
        if path == '/health' and mode == 'sick':
            status = 404
        elif path == '/static/broken.js':
            status, body = 500, b'the application is broken\\n'
        elif path.startswith('/static/'):
            file = os.path.normpath('/app/' + version + path[7:])
            if mode != 'blind' and file.startswith('/app/' + version + '/') and os.path.isfile(file) and '/.' not in file and os.path.realpath(file) == file:
                body = open(file, 'rb').read()
            else:
                status, body = 404, ('the application has no ' + path + '\\n').encode()
        if self.command == 'POST':
            body = ('posted to ' + version + '\\n').encode()
        self.send_response(status)
        self.send_header('X-App', version)
        self.send_header('X-Asked', self.path)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *words):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

Server(('', 8000), Handler).serve_forever()
`

/**
 * What nginx on the host answers, asked for exactly these paths: status line, headers and body.
 * @param questions a path each, words of curl's before it: `--head /static/app.js`
 */
async function asked(host: SiteHost, questions: readonly string[]): Promise<string[]> {
  const end = '-- the end of an answer --'
  const curl = `curl -s -i --max-time 10 --path-as-is --resolve ${host.name}:80:127.0.0.1`
  const lines = questions.map((question) => {
    const [, words = '', path = ''] = /^(.*?)(\/\S*)$/.exec(question) ?? []
    return `${curl} ${words} 'http://${host.name}${path}'; echo '${end}'\n`
  })
  return (await host.ask(lines.join(''))).split(end).map((answer) => answer.trim())
}

/** Expects each answer to be as it says, in one go. */
export async function expectAnswers(host: SiteHost, expected: Record<string, RegExp>): Promise<void> {
  const questions = Object.keys(expected)
  const answers = await asked(host, questions)
  const wrong = questions.flatMap((question, nth) => {
    const answer = answers[nth] ?? ''
    return expected[question]?.test(answer) === true ? [] : [`${question} should be ${expected[question]}, and is:\n${answer}`]
  })
  expect(wrong).toEqual([])
}

/** A disk of 64 kB in the place of a folder on the host, which is full soon. */
export async function tinyDisk(host: SiteHost, folder: string): Promise<AsyncDisposable> {
  await host.ask(`mount -t tmpfs -o size=64k tmpfs '${folder}'`)
  return { [Symbol.asyncDispose]: async () => void (await host.ask(`umount '${folder}'`)) }
}

/** People who load the page, then ask for the script of the version that it names, over and over. */
export function visitors(host: SiteHost, suite: string): { stop(): Promise<{ visits: Map<string, number>; failed: string[] }> } {
  const visits = new Map<string, number>()
  const failed: string[] = []
  const end = new AbortController()
  const visit = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const version = (await get(suite, host.name, '/')).body.trim()
      const { status, body } = await get(suite, host.name, `/static/app-${version}.js`)
      if (status !== 200 || body !== `script of ${version}\n`) failed.push(`${status} for the script of ${version}: ${body}`)
      visits.set(version, (visits.get(version) ?? 0) + 1)
      await delay(100)
    }
  }
  const all = Promise.all(Array.from({ length: 8 }, visit))
  return {
    async stop() {
      end.abort()
      await all
      return { visits, failed }
    },
  }
}

function get(suite: string, name: string, path: string): Promise<{ status: number; body: string }> {
  const port = inject('lab').hosts[suite]?.ports['80'] ?? 0
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, headers: { Host: name }, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    asking.on('error', reject)
    asking.end()
  })
}
