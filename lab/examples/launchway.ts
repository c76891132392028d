import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../paths.ts'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** What a program needs of this machine; nothing of GitHub's. */
const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'DOCKER_HOST', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'USER']

/**
 * `launchway ARGS…` as a user calls it: what is committed in dist/. LAUNCHWAY_SOURCES takes src/ instead, while somebody
 * works on it.
 */
export function launchway(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const own = Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
  const sources = `const { cli } = await import(${JSON.stringify(join(root, 'src/cli.ts'))}); await cli(process.argv.slice(1))`
  const [file, ...first] =
    process.env['LAUNCHWAY_SOURCES'] === undefined
      ? [join(root, 'bin/launchway')]
      : [process.execPath, '--input-type=module', '-e', sources, '--']
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...first, ...args], { cwd, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (part: Buffer) => (ended[stream] += part.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...ended }))
  })
}
