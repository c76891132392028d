import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { keysOf } from '../../src/core/objects.ts'
import { parseRelease } from '../../src/core/release.ts'
import { common, flags, flagsOf, verbs } from '../../src/verbs.ts'
import { version, versionLine } from '../../src/version.ts'
import { bare, commit, type Ended, git, open, repository, scratch, through, unreachable } from './support/doors.ts'

const launchway = (...args: string[]): Ended => open('cli', args, scratch)

const here = keysOf(verbs)

describe('the command line', () => {
  it.each<[string, string[], string, string]>([
    ['a verb that is nearly one', ['paln'], 'there is no verb "paln"', 'Did you mean "launchway plan"?'],
    ['a verb that is none', ['frobnicate'], 'there is no verb "frobnicate"', 'launchway --help'],
    ['a word that every object knows', ['toString'], 'there is no verb "toString"', 'launchway --help'],
    ['an option that is nearly one', ['plan', '--enviroment', 'x'], 'there is no option --enviroment', 'Did you mean --environment?'],
    ['an option that is none', ['plan', '--frobnicate'], 'there is no option --frobnicate', 'launchway --help'],
    ['a letter that is none', ['plan', '-x'], 'there is no option -x', 'launchway --help'],
    ['an option without its value', ['plan', '--config'], '--config <value>', 'launchway --help'],
    ['a letter without its value', ['plan', '-e'], '-e, --environment <value>', 'launchway --help'],
    ['a value where none is taken', ['plan', '--json=yes'], "'--json' does not take an argument", 'launchway --help'],
    ['a word too many', ['plan', 'production', 'now'], 'launchway plan takes no "production now"', 'launchway --help'],
  ])('%s is USAGE, with what was probably meant', (_, args, message, hint) => {
    const { code, out, err } = launchway(...args)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toContain('USAGE: ')
    expect(err).toContain(message)
    expect(err).toContain(hint)
  })

  it.each<[string[], string, string]>([
    [
      ['deploy', '-e', 'staging'],
      'launchway deploy takes no --environment',
      'launchway deploy does what was planned: launchway plan --environment …',
    ],
    [
      ['push', '--config', 'x.yml'],
      'launchway push takes no --config',
      '--config goes with launchway plan, run, smoke, redeploy, status, recreate, rollback, ',
    ],
    [['build', '--ref=x'], 'launchway build takes no --ref', '--ref goes with launchway plan, run.'],
    [['status', '--release', 'x'], 'launchway status takes no --release', '--release goes with launchway plan, run, build, '],
    [
      ['report', '-e', 'x', '--json'],
      'launchway report takes no --environment',
      '--environment goes with launchway plan, run, redeploy, status, ',
    ],
    [
      ['scan', '--offline'],
      'launchway scan takes no --offline',
      '--offline goes with launchway doctor.\nFor launchway scan it is a key of launchway.yml: scan: { offline: true }, then launchway plan again.',
    ],
  ])('%j is refused, with the verbs that take it: nothing is overlooked', (args, message, hint) => {
    const { code, err } = launchway(...args)
    expect(code).toBe(2)
    expect(err).toContain(`USAGE: ${message}`)
    expect(err).toContain(hint)
  })

  it('a flag that the plan does not take either is not looked for there', () => {
    expect(launchway('build', '--limit', '1').err).not.toContain('launchway plan')
    expect(launchway('scan', '--offline').err).not.toContain('launchway plan --offline')
  })

  it.each([
    [['redeploy'], 'launchway redeploy needs a VERSION'],
    [['redeploy', 'v1', 'v2'], 'launchway redeploy takes no "v2"'],
    [['status', 'production'], 'launchway status takes no "production"'],
    [['maintenance'], 'launchway maintenance needs a STATE'],
    [['maintenance', 'maybe'], 'launchway maintenance takes on or off, not "maybe"'],
    [['stop', 'web', 'worker'], 'launchway stop takes no "worker"'],
    [['status', '--', '-x'], 'launchway status takes no "-x"'],
    [['exec', 'web', 'ls', '--', 'ls'], 'launchway exec takes no "ls"'],
    [['exec', '--', 'ls'], 'launchway exec needs a SERVICE'],
    [['show'], 'launchway show needs a REF'],
  ])('%j: what a verb takes is counted', (args, message) => {
    expect(launchway(...args)).toMatchObject({ code: 2, err: expect.stringContaining(`USAGE: ${message}`) })
  })

  it('what is of a later version says so', () => {
    const { code, err } = open('cli', ['hosts', 'setup', '-e', 'production'], repository('master'))
    expect(code).toBe(2)
    expect(err).toContain('NOT_YET: launchway hosts setup without --swarm is not in this version')
  })

  it('every option is taken by some verb', () => {
    for (const flag of keysOf(flags)) expect(common.includes(flag) || here.some((verb) => flagsOf(verb).includes(flag))).toBe(true)
  })

  it('--version is that of launchway', () => {
    expect(launchway('--version')).toEqual({ code: 0, out: `${versionLine(version, undefined)}\n`, err: '' })
  })

  it.each([
    [['help'], ['--help']],
    [
      ['help', 'plan'],
      ['plan', '--help'],
    ],
    [['help', 'nothing'], ['--help']],
  ])('%j answers as %j', (words, same) => {
    expect(launchway(...words)).toEqual(launchway(...same))
  })

  it('doctor is there: that it has nothing to look at is what it finds', () => {
    const { code, out } = launchway('doctor')
    expect(code).toBe(1)
    expect(out).toContain('there is no launchway.yml here')
  })

  it.each(here.filter((verb) => verb !== 'doctor'))('%s is there: without what it needs, it says what', (verb) => {
    const { code, out, err } = launchway(verb)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^(CONFIG_INVALID|RECORD_INVALID|USAGE): /m)
  })

  it('the plan is an answer on standard output, and as JSON the record itself', () => {
    const tree = repository('master')
    const path = join(tree, '..', 'plan.json')
    const shown = open('cli', ['plan', '--release', path], tree)
    expect([shown.code, shown.err]).toEqual([0, ''])
    expect(shown.out).toMatch(/^ +deploy +run +the branch master goes to production$/m)
    const { code, out } = open('cli', ['plan', '--json', '--release', path, '-e', 'other', '--config', 'second.yml'], tree)
    expect(code).toBe(0)
    expect(parseRelease(out, 'the answer')).toMatchObject({ app: 'second', plan: { environment: { name: 'other' } } })
    expect(parseRelease(readFileSync(path, 'utf8'), path)).toEqual(parseRelease(out, 'the answer'))
    // The page beside the record is of that plan, not of the one before.
    expect(readFileSync(join(dirname(path), 'launchway-evidence', 'report.html'), 'utf8')).toContain('<title>second ')
  })

  it('report shows the summary also where no page can be written beside the record, and warns', () => {
    const folder = mkdtempSync(join(scratch, 'downloaded-'))
    const path = join(folder, 'release.json')
    writeFileSync(path, JSON.stringify(unreachable()))
    // Root may write to a folder that is read only: what nobody can do is to make a folder where a file is.
    writeFileSync(join(folder, 'launchway-evidence'), '')
    const { code, out, err } = open('cli', ['report', '--release', path], scratch)
    expect([code, out]).toEqual([0, expect.stringContaining('## addie master')])
    expect(err).toMatch(/^warning: the report could not be kept as a page, \S+report\.html: E[A-Z]+: /)
  })

  it('a run with nothing to do ends well, and leaves its record where the next verb looks', () => {
    const tree = repository('spike')
    const state = { XDG_STATE_HOME: join(scratch, 'state') }
    const { code, out } = open('cli', ['run'], tree, state)
    expect(code).toBe(0)
    expect(out).toContain('nothing to do: no rule for the branch "spike"')
    expect(open('cli', ['report'], tree, state).out).toContain('nothing to do')
    expect(existsSync(join(scratch, 'state', 'launchway'))).toBe(true)
  })

  it('an empty XDG_STATE_HOME is none: the record never lands in the working tree', () => {
    const tree = repository('master')
    expect(open('cli', ['plan'], tree, { XDG_STATE_HOME: '' }).code).toBe(0)
    expect(spawnSync('git', ['status', '--porcelain'], { cwd: tree, encoding: 'utf8' }).stdout).toBe('')
  })
})

describe('a stage alone on a terminal', () => {
  it.each<[string, (tree: string) => void, string]>([
    ['another commit', commit, 'is checked out'],
    ['files that were changed since', (tree) => writeFileSync(join(tree, 'new.txt'), ''), 'files were changed since the plan'],
  ])('does not build %s in the name of what was planned', (_, change, message) => {
    const tree = repository('master')
    const path = join(tree, '..', 'moved.json')
    expect(open('cli', ['plan', '--release', path], tree).code).toBe(0)
    change(tree)
    const { code, err } = open('cli', ['build', '--release', path], tree)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
    expect(err).toContain('Run `launchway plan` again')
    expect(parseRelease(readFileSync(path, 'utf8'), path).outcome.state).toBe('running')
  })

  it('builds changed files that were planned as such, and not the commit in their name', () => {
    const tree = repository('master')
    const path = join(tree, '..', 'dirty.json')
    writeFileSync(join(tree, 'new.txt'), '')
    expect(open('cli', ['plan', '--release', path], tree).code).toBe(0)
    expect(open('cli', ['build', '--release', path], tree).err).not.toContain('USAGE')
    rmSync(join(tree, 'new.txt'))
    expect(open('cli', ['build', '--release', path], tree).err).toContain('which are as committed now')
  })
})

describe('with --json a failure is an answer too', () => {
  it.each([
    [['status', '--json'], 'CONFIG_INVALID'],
    [['paln', '--json'], 'USAGE'],
    [['deploy', '--json', '--release', 'nowhere.json'], 'RECORD_INVALID'],
  ])('%j: the error, where there is no record', (args, code) => {
    const ended = launchway(...args)
    expect([ended.code, JSON.parse(ended.out)]).toEqual([2, { error: { code, message: expect.any(String), hint: expect.any(String) } }])
    expect(ended.err).toContain(`${code}: `)
  })

  it('the record, where there is one; the same stands in its file, and report shows why', () => {
    const path = join(mkdtempSync(join(scratch, 'failed-')), 'release.json')
    writeFileSync(path, JSON.stringify(unreachable()))
    const { code, out, err } = open('cli', ['deploy', '--json', '--release', path], scratch, { TOKEN: 'the-token' })
    expect(code).toBe(6)
    expect(err).toContain('SSH_UNREACHABLE: ')
    const { outcome } = parseRelease(out, 'the answer')
    expect(outcome).toMatchObject({
      state: 'failed',
      code: 'SSH_UNREACHABLE',
      stage: 'deploy',
      evidence: expect.stringContaining('127.0.0.1'),
    })
    expect(readFileSync(path, 'utf8')).toBe(out)
    const shown = open('cli', ['report', '--release', path], scratch)
    expect([shown.code, shown.err]).toEqual([0, expect.stringMatching(/^as a page: \S+report\.html\n$/)])
    expect(shown.out).toContain(outcome.evidence?.split('\n')[0])
  })
})

describe('status', () => {
  const hosts = (publish: number): string => `{ hosts: ["deploy@127.0.0.1:1", "deploy@127.0.0.1:2"], port: 1, publish: ${publish} }`
  const image = 'image: registry.example.org/addie\nbranches: { master: two }\n'

  function folder(environments: string): string {
    const made = mkdtempSync(join(scratch, 'no-tree-'))
    writeFileSync(join(made, 'launchway.yml'), `${image}environments: { ${environments} }\n`)
    return made
  }

  it('needs no commit, and shows every host that it could not see', () => {
    const { code, out, err } = open('cli', ['status'], folder(`two: ${hosts(80)}`))
    expect([code, err]).toEqual([6, ''])
    for (const host of ['deploy@127.0.0.1:1', 'deploy@127.0.0.1:2']) expect(out).toContain(`${host}: SSH_UNREACHABLE: `)
    const asked = open('cli', ['status', '-e', 'two', '--json'], folder(`one: ${hosts(81)}, two: ${hosts(80)}`))
    expect([asked.code, asked.err]).toEqual([6, ''])
    const error = { code: 'SSH_UNREACHABLE', message: expect.any(String), hint: expect.any(String) }
    expect(JSON.parse(asked.out)).toEqual([
      { host: 'deploy@127.0.0.1:1', error },
      { host: 'deploy@127.0.0.1:2', error },
    ])
  })

  it('of several environments is that of the branch, or asks which', { tags: ['no-match'] }, () => {
    const tree = folder(`one: ${hosts(81)}, two: ${hosts(80)}`)
    const unclear = open('cli', ['status'], tree)
    expect([unclear.code, unclear.out]).toEqual([2, ''])
    expect(unclear.err).toContain('USAGE: which environment?\nName one with --environment: one, two')
    git(tree, 'init', '-q', '-b', 'master')
    const { code, out, err } = open('cli', ['status'], tree)
    expect([code, err]).toEqual([6, ''])
    expect(out).toContain('deploy@127.0.0.1:2: SSH_UNREACHABLE')
    const none = open('cli', ['status', '-e', 'on'], tree)
    expect([none.code, none.out]).toEqual([2, ''])
    expect(none.err).toContain('Did you mean "one"?')
  })
})

describe('who presses Ctrl-C', () => {
  it('twice is not kept waiting by a program that hears nothing, and no key is left behind', async () => {
    const [bin, temp] = [mkdtempSync(join(scratch, 'deaf-')), mkdtempSync(join(scratch, 'temp-'))]
    writeFileSync(join(bin, 'ssh'), `#!/bin/sh\ntrap '' TERM\necho $$ > '${bin}/pid'\nsleep 60\n`, { mode: 0o755 })
    writeFileSync(join(bin, 'release.json'), JSON.stringify(unreachable()))
    const child = spawn(process.execPath, through('cli', ['deploy', '--release', join(bin, 'release.json')]), {
      cwd: bin,
      env: bare({ PATH: `${bin}:${process.env['PATH'] ?? ''}`, TMPDIR: temp, TOKEN: 't', SSH_KEY: 'k' }),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await expect.poll(() => existsSync(join(bin, 'pid')), { timeout: 20_000 }).toBe(true)
    const keys = (): string[] => readdirSync(temp, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('/key'))
    expect(keys()).toHaveLength(1)
    child.kill('SIGINT')
    await expect.poll(() => err, { timeout: 20_000 }).toContain('once more, and launchway ends at once')
    while (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT')
      await Promise.race([exited, setTimeout(100)])
    }
    process.kill(-Number(readFileSync(join(bin, 'pid'), 'utf8')), 'SIGKILL')
    expect([await exited, child.signalCode]).toEqual([130, null])
    // It ended before it could say how the deploy ended.
    expect(err).not.toContain('CANCELLED')
    expect(keys()).toEqual([])
  })
})
