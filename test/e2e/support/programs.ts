import { spawn } from 'node:child_process'

/** How a program ended, and everything that it printed. */
export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** What a program needs of this machine; nothing of GitHub's, whoever runs the tests. */
export function bareEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'DOCKER_HOST', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'USER']
  return Object.fromEntries(
    kept.flatMap((name): [string, string][] => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

export function run(file: string, args: readonly string[], { cwd, env }: { cwd: string; env: Record<string, string> }): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()))
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

export { launchway } from '../../../lab/examples/launchway.ts'
