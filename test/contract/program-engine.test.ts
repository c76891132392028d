import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { afterAll, describe, expect, it } from 'vitest'
import { observeProgram } from '../../src/deploy/program.ts'
import { which } from './support/host.ts'

const scratch = mkdtempSync(join(tmpdir(), 'launchway-engine-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const healthSh = readFileSync(new URL('../../src/deploy/host/health.sh', import.meta.url), 'utf8')

/** A host whose programs of these names say so; the shell is as named. */
function hostWith(shell: string, programs: Readonly<Record<string, string>> = {}) {
  const bin = mkdtempSync(join(scratch, `${shell}-`))
  for (const tool of shell === 'busybox' ? ['sh', 'awk', 'cat', 'grep', 'sed', 'tr'] : []) symlinkSync(which('busybox'), join(bin, tool))
  if (shell === 'dash') symlinkSync(which('dash'), join(bin, 'sh'))
  for (const [name, body] of Object.entries(programs)) writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  const stateRoot = join(bin, 'state')
  mkdirSync(stateRoot)
  const run = async (program: string): Promise<string> => {
    const child = spawn(join(bin, 'sh'), ['-s'], { env: { PATH: `${bin}:${process.env['PATH']}` }, stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.end(program)
    return text(child.stdout)
  }
  const look = async (nginx: boolean): Promise<string[]> => {
    const nothing = { ports: [], cron: false, definitions: false, asked: [], files: [], certificates: [] }
    const said = await run(observeProgram({ app: 'addie', environment: 'production', stateRoot }, { ...nothing, nginx }))
    return said.split('\n').filter((line) => /^(unfit|engine)\t/.test(line))
  }
  return { run, look }
}

/** Says what it is asked as docker does, of the engine in $ENGINE, else of that of the user. */
const docker = (root: string): string => `case "$1 $3" in
  version*) echo 27.1.1 linux/amd64 ;;
  info*{{.ID}}) echo "\${ENGINE:-user}" ;;
  info*) echo json-file "\${ENGINE:-user}" '${root}' ;;
esac`
const user = 'echo 1000'
const sudo = (engine: string): string => `shift; ENGINE=${engine} exec "$@"`

describe.each(['dash', 'busybox'])('a look at the engine, with %s', (shell) => {
  it.each<[string, Record<string, string>, boolean, string[]]>([
    ['one that is a snap', { docker: docker('/var/snap/docker/common/var-lib-docker') }, false, ['unfit\tsnap']],
    ['one of which root sees another', { docker: docker('/home/a b/docker'), id: user, sudo: sudo('root') }, true, ['unfit\ttwo']],
    ['the same without nginx, which alone needs root', { docker: docker('/home/a/docker'), id: user, sudo: sudo('root') }, false, []],
    ['one that root sees as well', { docker: docker('/var/lib/docker'), id: user, sudo: sudo('user') }, true, []],
  ])('tells %s', async (_, programs, nginx, lines) => {
    expect(await hostWith(shell, programs).look(nginx)).toEqual([...lines, 'engine\t27.1.1 linux/amd64'])
  })

  it('knows Podman by its own name', async () => {
    const podman = `case $1 in --version) echo podman version 5.4.2 ;; *) echo "Error: template: nil pointer evaluating" >&2; exit 125 ;; esac`
    expect(await hostWith(shell, { docker: podman }).look(false)).toEqual(['engine\tpodman'])
  })
})

describe.each(['dash', 'busybox'])('a page of health, with %s', (shell) => {
  it('is asked once, and for what it is called', async () => {
    const asked: (string | undefined)[] = []
    const server = createServer((request, response) => {
      asked.push(request.url)
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const said = await hostWith(shell).run(`set -u\n${healthSh}\nprobe 'http://127.0.0.1:${port}/{db,cache}?of=[1-2]' ''\n`)
    server.close()
    expect(said.trim()).toBe('200')
    expect(asked).toEqual(['/{db,cache}?of=[1-2]'])
  })
})
