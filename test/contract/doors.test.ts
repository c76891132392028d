import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { errorCodes, exitCodeOf, LaunchwayError } from '../../src/core/error.ts'
import { keysOf } from '../../src/core/objects.ts'
import { parseRelease } from '../../src/core/release.ts'
import { actions, inputNames, inputOf, outputTable } from '../../src/inputs.ts'
import { flags, verbs } from '../../src/verbs.ts'
import { version } from '../../src/version.ts'
import { digest, environment, record, second, service } from '../unit/support/deploy.ts'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'launchway-doors-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Ended {
  code: number | null
  out: string
  err: string
}

/** Opens a door in a process of its own, with nothing of this machine's user around it. */
function open(door: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): Ended {
  const script = `const door = await import(${JSON.stringify(join(root, 'src', `${door}.ts`))}); await door[${JSON.stringify(door)}](${door === 'cli' ? 'process.argv.slice(1)' : 'process.argv[1]'})`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, '--', ...args], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: scratch, NO_COLOR: '1', ...env },
  })
  return { code: status, out: stdout, err: stderr }
}

const launchway = (...args: string[]): Ended => open('cli', args, scratch)

/** A working tree with one commit, on a branch. */
function repository(branch: string): string {
  const folder = mkdtempSync(join(scratch, 'tree-'))
  const config =
    'image: registry.example.org/addie\nbranches: { master: production }\nenvironments:\n  production: { host: h, port: 1, publish: 80 }\n  other: { host: h, port: 1, publish: 81 }\n'
  writeFileSync(join(folder, 'launchway.yml'), config)
  writeFileSync(join(folder, 'second.yml'), config.replace('addie', 'second'))
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org']
  for (const args of [
    ['init', '-q', '-b', branch],
    ['add', '.'],
    [...identity, 'commit', '-q', '-m', 'x'],
  ]) {
    const { status, stderr } = spawnSync('git', args, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', HOME: scratch },
    })
    if (status !== 0) throw new Error(stderr)
  }
  return folder
}

describe('the command line', () => {
  it.each<[string, string[], string, string]>([
    ['a verb that is nearly one', ['paln'], 'there is no verb "paln"', 'Did you mean "launchway plan"?'],
    ['a verb that is none', ['frobnicate'], 'there is no verb "frobnicate"', 'launchway VERB'],
    ['a word that every object knows', ['toString'], 'there is no verb "toString"', 'launchway VERB'],
    ['an option that is nearly one', ['plan', '--enviroment', 'x'], 'there is no option --enviroment', 'Did you mean --environment?'],
    ['an option that is none', ['plan', '--frobnicate'], 'there is no option --frobnicate', 'launchway VERB'],
    ['a letter that is none', ['plan', '-x'], 'there is no option -x', 'launchway VERB'],
    ['an option without its value', ['plan', '--config'], '--config <value>', 'launchway VERB'],
    ['a letter without its value', ['plan', '-e'], '-e, --environment <value>', 'launchway VERB'],
    ['a value where none is taken', ['plan', '--json=yes'], "'--json' does not take an argument", 'launchway VERB'],
    ['a word too many', ['plan', 'production', 'now'], 'launchway plan takes no "production now"', 'launchway VERB'],
  ])('%s is USAGE, with what was probably meant', (_, args, message, hint) => {
    const { code, out, err } = launchway(...args)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toContain('USAGE: ')
    expect(err).toContain(message)
    expect(err).toContain(hint)
  })

  it('a verb of a later version says so', () => {
    const { code, err } = launchway('rollback')
    expect(code).toBe(2)
    expect(err).toContain('NOT_YET: launchway rollback (return to the version before)')
  })

  it.each([[['--help']], [['-h']], [[]], [['plan', '--help']]])('%j names every verb and every option', (args) => {
    const { code, out, err } = launchway(...args)
    expect([code, err]).toEqual([0, ''])
    for (const verb of Object.keys(verbs)) expect(out).toMatch(new RegExp(String.raw`(^| )${verb}(,| |$)`, 'm'))
    for (const flag of Object.keys(flags)) expect(out).toContain(`--${flag}`)
  })

  it('--version is that of launchway', () => {
    expect(launchway('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  const here = keysOf(verbs).filter((verb) => 'says' in verbs[verb])
  it.each(here)('%s is there: without what it needs, it says what', (verb) => {
    const { code, out, err } = launchway(verb)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^(CONFIG_INVALID|RECORD_INVALID|USAGE): /m)
  })

  it('the plan is an answer on standard output, and as JSON the record itself', () => {
    const tree = repository('master')
    const path = join(tree, '..', 'plan.json')
    const shown = open('cli', ['plan', '--release', path], tree)
    expect([shown.code, shown.err]).toEqual([0, ''])
    expect(shown.out).toContain('run    deploy  the branch master goes to production')
    const { code, out } = open('cli', ['plan', '--json', '--release', path, '-e', 'other', '--config', 'second.yml'], tree)
    expect(code).toBe(0)
    expect(parseRelease(out, 'the answer')).toMatchObject({ app: 'second', plan: { environment: { name: 'other' } } })
    expect(parseRelease(readFileSync(path, 'utf8'), path)).toEqual(parseRelease(out, 'the answer'))
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

describe('exit codes', () => {
  it('are a contract', () => {
    const codes = Map.groupBy(keysOf(errorCodes), (code) => exitCodeOf(new LaunchwayError(code, '')))
    expect(codes.get(2)).toEqual(
      expect.arrayContaining(['USAGE', 'CONFIG_INVALID', 'NOT_YET', 'RECORD_INVALID', 'SECRET_MISSING', 'TOOL_MISSING']),
    )
    expect(codes.get(3)).toEqual(expect.arrayContaining(['SMOKE_UNHEALTHY', 'SMOKE_CHECK_FAILED', 'SCAN_BLOCKED']))
    expect(codes.get(4)).toEqual(['BUILD_FAILED'])
    expect(codes.get(5)).toEqual(expect.arrayContaining(['REGISTRY_DENIED', 'REGISTRY_UNAVAILABLE', 'DIGEST_MISMATCH']))
    expect(codes.get(6)).toEqual(expect.arrayContaining(['SSH_UNREACHABLE', 'SSH_HOST_KEY', 'HOST_UNFIT', 'PULL_FAILED', 'DEPLOY_LOCKED']))
    expect(codes.get(7)).toEqual(expect.arrayContaining(['DEPLOY_ROLLED_BACK', 'RELEASE_COMMAND_FAILED']))
    expect(codes.get(8)).toEqual(['ROLLBACK_FAILED'])
    expect(codes.get(130)).toEqual(['CANCELLED'])
    expect(exitCodeOf(new TypeError('a bug'))).toBe(1)
  })
})

const ActionFile = z.object({
  inputs: z.record(z.string(), z.object({ default: z.string().optional() })),
  outputs: z.record(z.string(), z.unknown()),
  runs: z.object({ main: z.string() }),
})

describe('the table of inputs', () => {
  it.each(actions.map((action) => [action.name, action] as const))(
    '%s: its action.yml has the same inputs, defaults and outputs',
    (_, action) => {
      const file = join(root, action.stage === undefined ? 'action.yml' : `actions/${action.stage}/action.yml`)
      const { inputs, outputs, runs } = ActionFile.parse(parse(readFileSync(file, 'utf8')))
      expect(Object.keys(inputs)).toEqual(action.inputs)
      for (const name of action.inputs) expect(inputs[name]?.default).toBe(inputOf(name).default)
      expect(Object.keys(outputs)).toEqual(Object.keys(outputTable))
      expect(join(dirname(file), runs.main)).toBe(join(root, 'dist', `${action.entry}.js`))
    },
  )

  it('every input belongs to an action', () => {
    for (const name of inputNames) expect(actions.some(({ inputs }) => inputs.includes(name))).toBe(true)
  })
})

describe('an action step', () => {
  /** A runner's surroundings: its files, and the inputs as the variables it makes of them. */
  function runner(inputs: Record<string, string>) {
    const temp = mkdtempSync(join(scratch, 'runner-'))
    const [output, summary, event] = [join(temp, 'output'), join(temp, 'summary'), join(temp, 'event.json')]
    for (const file of [output, summary]) writeFileSync(file, '')
    writeFileSync(event, JSON.stringify({ ref: 'refs/heads/master', created: false, deleted: false }))
    const env: Record<string, string> = {
      RUNNER_TEMP: temp,
      GITHUB_ACTIONS: 'true',
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_EVENT_PATH: event,
      GITHUB_EVENT_NAME: 'push',
      GITHUB_REF: 'refs/heads/master',
      GITHUB_SHA: 'b'.repeat(40),
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    }
    const read = () => ({ output: readFileSync(output, 'utf8'), summary: readFileSync(summary, 'utf8') })
    return { temp, env, read }
  }

  it('plan reads config, environment and release; what is empty counts as not given', () => {
    const tree = repository('master')
    const plain = runner({ config: '', environment: '  ', release: '' })
    expect(open('main', ['plan'], tree, plain.env).code).toBe(0)
    const defaulted = join(plain.temp, 'launchway', 'release.json')
    expect(parseRelease(readFileSync(defaulted, 'utf8'), '')).toMatchObject({ app: 'addie', plan: { environment: { name: 'production' } } })
    expect(plain.read().output).toContain(
      `environment=production\nversion=master\ndigest=\nimageid=\ntags=\nmetadata=[]\nurl=\nverdict=passed\nrelease=${defaulted}\n`,
    )

    const asked = join(tree, '..', 'asked', 'release.json')
    const given = runner({ config: 'second.yml', environment: 'other', release: asked })
    expect(open('main', ['plan'], tree, given.env).code).toBe(0)
    expect(parseRelease(readFileSync(asked, 'utf8'), '')).toMatchObject({ app: 'second', plan: { environment: { name: 'other' } } })
  })

  it('deploy masks what the inputs give, and a failure leaves record, outputs, summary and one annotation', () => {
    const deployed = environment([service({ secrets: ['TOKEN'] })], { hosts: ['deploy@127.0.0.1:1'], url: 'https://addie.example.org' })
    const { plan } = record()
    const built = { name: 'app', key: '0'.repeat(32), how: 'built' as const, config: { 'linux/amd64': digest }, size: 1, layers: 1, ms: 1 }
    const release = record({
      plan: { ...plan, environment: deployed, registries: [{ host: 'registry.example.org', plainHttp: false }] },
      build: { builder: 'b', images: [{ ...built, registries: { 'registry.example.org/addie': { digest, mediaType: 'm' } } }] },
    })
    const { temp, env, read } = runner({
      'ssh-key': 'BEGIN\nthe-key-line\nEND-OF-KEY',
      'registry-username': 'the-account',
      'registry-password': 'the-password',
    })
    const path = join(temp, 'launchway', 'release.json')
    mkdirSync(dirname(path))
    writeFileSync(path, JSON.stringify(release))

    const { code, out, err } = open('main', ['deploy'], temp, { ...env, TOKEN: 'the-token' })
    expect([code, err]).toEqual([6, ''])
    for (const secret of ['the-key-line', 'the-password', 'the-token']) {
      expect(out).toContain(`::add-mask::${secret}\n`)
      expect(out.replaceAll(/^::add-mask::.*\n/gm, '')).not.toContain(secret)
    }
    expect(out.match(/^::error /gm)).toHaveLength(1)
    expect(out).toContain('::error title=SSH_UNREACHABLE::')
    const kept = readFileSync(path, 'utf8')
    expect(parseRelease(kept, path)).toMatchObject({ id: second, outcome: { state: 'failed', code: 'SSH_UNREACHABLE' } })
    for (const secret of ['the-key-line', 'the-password', 'the-token']) expect(kept).not.toContain(secret)
    expect(read().output).toContain('verdict=failed\n')
    expect(read().summary).toContain('addie master failed')
  })

  it('without a record says where it looked, and how a record travels', () => {
    const { temp, env } = runner({})
    const { code, out } = open('main', ['deploy'], temp, env)
    expect(code).toBe(2)
    expect(out).toContain(`::error title=RECORD_INVALID::there is no release record at ${join(temp, 'launchway', 'release.json')}`)
    expect(out).toContain('artifact')
  })
})
