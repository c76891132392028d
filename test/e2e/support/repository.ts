import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { call } from '../../../lab/run.ts'

/** A small repository of a user: an application that says its version, on the branch `master`. */
export interface Repository {
  folder: string
  /** Writes files and commits them. */
  commit(files: Record<string, string>): Promise<string>
  remove(): void
}

/** A name of its own for each run: a lab that stays up keeps what earlier runs pushed. */
export function newName(stem: string): string {
  return `${stem}-${randomBytes(3).toString('hex')}`
}

const git = (folder: string, ...args: string[]): Promise<unknown> =>
  call('git', ['-C', folder, '-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args])

export async function newRepository(files: Record<string, string>): Promise<Repository> {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-e2e-'))
  await git(folder, 'init', '--quiet', '--initial-branch', 'master')
  const repository: Repository = {
    folder,
    async commit(changed) {
      for (const [path, text] of Object.entries(changed)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      await git(folder, 'add', '--all')
      await git(folder, 'commit', '--quiet', '--no-verify', '--message', 'A change')
      return (await call('git', ['-C', folder, 'rev-parse', 'HEAD'])).stdout.trim()
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
  await repository.commit(files)
  return repository
}

/** An application in a few lines: answers every request with its version; `/boom` versions never answer. */
export function application(version: string): Record<string, string> {
  return {
    Dockerfile: 'FROM python:3\nWORKDIR /app\nCOPY app.py version.txt ./\nCMD ["python", "app.py"]\n',
    'version.txt': version,
    'app.py': `import http.server, pathlib, signal, sys
version = pathlib.Path('version.txt').read_text()
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if 'broken' in version else 200)
        self.end_headers()
        self.wfile.write(version.encode())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print('serving', version, flush=True)
http.server.ThreadingHTTPServer(('', 5000), Answer).serve_forever()
`,
  }
}

export interface Target {
  app: string
  registry: string
  /** SSH address of the host. */
  host: string
  knownHosts: string
  /** Port of the host that people reach. */
  publish: number
}

/** The smallest launchway.yml that deploys: one image, one host, one published port. */
export function configuration({ app, registry, host, knownHosts, publish }: Target): string {
  return `image: ${registry}/${app}
branches: { master: production, docker: {} }
scan: false
environments:
  production:
    host: ${host}
    port: 5000
    publish: ${publish}
    health: /
    ssh: { known-hosts: ${knownHosts} }
`
}
