import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostPaths } from '../../src/core/names.ts'
import { applyProgram, observeProgram } from '../../src/deploy/program.ts'
import { second } from '../unit/support/deploy.ts'
import { which } from './support/host.ts'

const scratch = mkdtempSync(join(tmpdir(), 'launchway-ports-'))

/**
 * Two ports that the kernel writes in hexadecimal with other characters for the same number: 5000 and 5E03, which is five
 * thousand as well to whoever takes it for one. Of the web it is 80 (0050) and 24065 (5E01), but 80 may be taken here.
 */
const pairs = [5, 2, 6, 3, 1].map((digit) => [Number.parseInt(`${digit}000`, 16), Number.parseInt(`${digit}E03`, 16)] as const)

let [listening, quiet] = [0, 0]
let server: Server | undefined
beforeAll(async () => {
  for (const [one, other] of pairs) {
    server = await listen(one)
    const second = await listen(other)
    second?.close()
    ;[listening, quiet] = [one, other]
    if (server !== undefined && second !== undefined) return
    server?.close()
  }
  throw new Error('none of the pairs of ports is free here')
})
afterAll(() => {
  server?.close()
  rmSync(scratch, { recursive: true })
})

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const one = createServer()
    one.once('error', () => resolve(undefined)).listen(port, '127.0.0.1', () => resolve(one))
  })
}

const of = { app: 'addie', environment: 'production' }

/** A host with the tools of a shell. */
function hostWith(shell: string) {
  const bin = mkdtempSync(join(scratch, `${shell}-`))
  for (const tool of shell === 'busybox' ? ['sh', 'awk', 'cat', 'grep', 'ls', 'tr'] : []) symlinkSync(which('busybox'), join(bin, tool))
  if (shell === 'dash') symlinkSync(which('dash'), join(bin, 'sh'))
  const stateRoot = join(bin, 'state')
  mkdirSync(stateRoot)
  const run = (program: string): string =>
    spawnSync(join(bin, 'sh'), ['-s'], { input: program, encoding: 'utf8', env: { PATH: `${bin}:${process.env['PATH']}` } }).stdout
  return { stateRoot, home: hostPaths(stateRoot, of.app, of.environment).home, run }
}

describe.each(['dash', 'busybox'])('a look at ports, with %s', (shell) => {
  it('names who listens on the one that is asked for, and does not take another port for it', () => {
    const { stateRoot, run } = hostWith(shell)
    const nothing = { nginx: false, cron: false, definitions: false, asked: [], files: [], certificates: [] }
    const said = run(observeProgram({ ...of, stateRoot }, { ports: [listening, quiet], ...nothing }))
    expect(said.split('\n').filter((line) => line.startsWith('listens\t'))).toEqual([
      expect.stringMatching(new RegExp(`^listens\t${listening}\t0100007F\t.+ \\(process ${process.pid}\\)$`)),
    ])
  })
})

describe.each(['dash', 'busybox'])('the ports of a service, with %s', (shell) => {
  it.each([
    ['10', '1e1'],
    ['7', '07'],
  ])('called %s are not those of one called %s, which is the same number', (one, other) => {
    const { stateRoot, home, run } = hostWith(shell)
    mkdirSync(home, { recursive: true })
    const attempt = { ...of, stateRoot, release: second, attempt: '0f', slot: 'a', keep: 5, by: 'bob' } as const
    const take = (service: string): string => run(applyProgram(attempt, [['begin'], ['take_ports', service, '20000', '20001']]))
    take(one)
    take(other)
    expect(readFileSync(join(home, 'ports'), 'utf8')).toBe(`${one} 20000 20001\n`)
    expect(readFileSync(join(home, 'journal.jsonl'), 'utf8')).toContain('the ports 20000 and 20001 were taken in between')
  })
})
