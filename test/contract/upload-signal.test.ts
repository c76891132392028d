import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ask, call } from '../../lab/run.ts'
import { bare, git, through } from './support/doors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { eventually } from './support/processes.ts'

const { secureRegistry } = inject('lab')
const repository = `${secureRegistry.address}/contract-signal-${process.pid}`

/** A working tree of a user, and a docker whose push never ends and says what it was given. */
let folder: Folder
beforeAll(async () => {
  folder = await openFolder()
  const at = (...parts: string[]): string => join(folder.path, ...parts)
  for (const name of ['tree', 'bin', 'docker']) mkdirSync(at(name), { mode: 0o700 })
  const login = `{ username: ${secureRegistry.username}, password: LAB_LOGIN, ca: ${secureRegistry.ca} }`
  const config = `image: ${repository}\nbranches: { main: {} }\nscan: false\nregistries:\n  "${secureRegistry.address}": ${login}\n`
  writeFileSync(at('tree', 'launchway.yml'), config)
  writeFileSync(at('tree', 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
  git(at('tree'), 'init', '-q', '-b', 'main')
  git(at('tree'), 'add', '.')
  git(at('tree'), '-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'x')
  const real = (await call('sh', ['-c', 'command -v docker'])).stdout.trim()
  const push = `echo "$DOCKER_CONFIG" > ${at('where.new')} && mv ${at('where.new')} ${at('where')}; exec sleep 600`
  writeFileSync(at('bin', 'docker'), `#!/bin/sh\n[ "$1" = push ] || exec ${real} "$@"\n${push}\n`)
  chmodSync(at('bin', 'docker'), 0o755)
})
afterAll(async () => {
  const images = (await call('docker', ['image', 'ls', '--quiet', repository])).stdout.trim().split('\n')
  await ask('docker', ['image', 'rm', '--force', ...images])
  await folder[Symbol.asyncDispose]()
})

const ways: [string, NodeJS.Signals, 'reads' | 'gone'][] = [
  ['SIGTERM', 'SIGTERM', 'reads'],
  ['a terminal that is gone', 'SIGHUP', 'gone'],
  ['SIGINT', 'SIGINT', 'reads'],
  ['SIGHUP', 'SIGHUP', 'reads'],
]
/** All signals are heard by one ear, so every run but the campaign takes two: they differ in who is told. */
const taken = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? ways.slice(0, 2) : ways

describe('a run that is ended while it uploads', () => {
  it.each(taken)('by %s leaves no login behind', async (name, signal, reader) => {
    const temporary = join(folder.path, name.replaceAll(' ', '-'))
    const where = join(folder.path, 'where')
    mkdirSync(temporary)
    const child = spawn(process.execPath, through('cli', ['run']), {
      cwd: join(folder.path, 'tree'),
      env: bare({
        PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}`,
        ...{ TMPDIR: temporary, DOCKER_CONFIG: join(folder.path, 'docker'), LAB_LOGIN: secureRegistry.password },
      }),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await Promise.race([eventually(() => existsSync(where)), ended])
    const config = readFileSync(where, 'utf8').trim()
    expect({ config, keeps: readFileSync(join(config, 'config.json'), 'utf8').includes(secureRegistry.address) }).toEqual({
      config: expect.stringContaining(temporary),
      keeps: true,
    })
    await ask('rm', [where])
    if (reader === 'gone') child.stderr.destroy()
    child.kill(signal)
    const code = await ended
    // Who has gone is told nothing.
    const isTold = code === 130 && said.includes(`cancelled by ${signal}`)
    expect(isTold || reader === 'gone').toBe(true)
    expect(readdirSync(temporary, { recursive: true }).filter((path) => String(path).includes('docker-config'))).toEqual([])
  })
})
