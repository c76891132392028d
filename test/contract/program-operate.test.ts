import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { Facts } from '../../src/deploy/operate/hosts.ts'
import { compareProgram, execProgram, historyProgram, holdProgram, liftProgram } from '../../src/deploy/operate/program.ts'
import { anyText } from '../support/text.ts'
import { runs } from '../unit/support/runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'launchway-operate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const shells = [['dash'], ['busybox', 'sh']].filter(([file = '']) => spawnSync(file, ['--help']).error === undefined)

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('a program under %s', (name, [file = '', ...args]) => {
  const home = { app: 'addie', environment: name.replace(' ', '-'), stateRoot: folder }
  const run = (program: string | Secret): Facts => {
    const input = program instanceof Secret ? program.reveal() : program
    const { stdout, stderr } = spawnSync(file, [...args, '-s'], { input, encoding: 'utf8' })
    expect(stderr).toBe('')
    return new Facts(stdout)
  }

  it('locks once, names who did, and lets go', () => {
    const by = "bob's \\n $(id) ü@desk"
    expect(run(holdProgram(home, { by, reason: 'a\tb\nc' })).first('did')).toBe('yes')
    const again = run(holdProgram(home, { by: 'eve', reason: '' }))
    expect([again.first('did'), again.all('held')[0]?.slice(1)]).toEqual([undefined, [by, 'a b c']])
    expect(run(liftProgram(home)).all('held')[0]?.slice(1)).toEqual([by, 'a b c'])
    expect(run(liftProgram(home)).first('held')).toBe(undefined)
    expect(run(historyProgram(home, 3)).first('answered')).toBe('yes')
  })

  it('locks a host that is new so that others may pass through its folder, whatever the account has for a umask', () => {
    const fresh = { ...home, stateRoot: join(folder, `fresh-${name.replace(' ', '-')}`) }
    expect(run(`umask 077\n${holdProgram(fresh, { by: 'ada', reason: '' })}`).first('did')).toBe('yes')
    const folders = [fresh.stateRoot, join(fresh.stateRoot, home.app), join(fresh.stateRoot, home.app, home.environment)]
    expect(folders.map((one) => (statSync(one).mode & 0o777).toString(8))).toEqual(['755', '755', '755'])
  })

  it('compares secrets without a word of them', () => {
    const facts = run(compareProgram(home, [{ service: 'web', name: 'KEY', value: new Secret("it's\nnew") }]))
    expect([facts.all('changed'), facts.all('same')]).toEqual([[['web', 'KEY']], []])
  })

  it('leaves what follows it on standard input to its command, and every byte of its arguments as it is', () => {
    const reader = `read -r n && p=$(dd bs=1 count="$n" 2> /dev/null) && eval "$p"`
    fc.assert(
      fc.property(fc.array(anyText({ maxLength: 8 }).filter((text) => !text.includes('\0'))), (words) => {
        const program = `printf '[%s]' x ${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}; cat`
        const input = Buffer.concat([Buffer.from(`${Buffer.byteLength(program)}\n${program}`), Buffer.from([0, 255, 10])])
        const { stdout } = spawnSync(file, [...args, '-c', reader], { input })
        expect(stdout).toEqual(Buffer.concat([Buffer.from(['x', ...words].map((word) => `[${word}]`).join('')), Buffer.from([0, 255, 10])]))
      }),
      { numRuns: runs(10) },
    )
  })

  it('holds no argument but on its input', () => {
    expect(execProgram(home, { service: 'web', mark: 'm', input: false, call: ['within', "it's"] })).toContain(`within 'it'\\''s'`)
  })
})
