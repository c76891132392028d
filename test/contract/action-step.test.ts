import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseRelease } from '../../src/core/release.ts'
import { actions, inputNames, inputOf, outputTable } from '../../src/inputs.ts'
import { second } from '../unit/support/deploy.ts'
import { config, open, repository, root, scratch, unreachable, withoutWork } from './support/doors.ts'

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

  it.each([
    ['true', 'without-before-switch is for a version that is put live again'],
    ['maybe', 'without-before-switch is true or false, not "maybe"'],
  ])('a release that is told to leave out its command before the switch (%s) is not begun', (given, said) => {
    const { env } = runner({ 'without-before-switch': given })
    const { code, out } = open('main', ['run'], repository('master'), env)
    expect([code, out]).toEqual([2, expect.stringContaining(`::error title=USAGE::${said}`)])
  })

  it('deploy masks what the inputs give, and a failure leaves record, outputs, summary and one annotation', () => {
    const { temp, env, read } = runner({
      'ssh-key': 'BEGIN\nthe-key-line\nEND-OF-KEY',
      'registry-username': 'the-account',
      'registry-password': 'the-password',
    })
    const path = join(temp, 'launchway', 'release.json')
    mkdirSync(dirname(path))
    writeFileSync(path, JSON.stringify(unreachable()))

    const { code, out, err } = open('main', ['deploy'], temp, { ...env, TOKEN: 'the-token' })
    expect([code, err]).toEqual([6, ''])
    for (const secret of ['the-key-line', 'the-password', 'the-token']) {
      expect(out).toContain(`::add-mask::${secret}\n`)
      expect(out.replaceAll(/^::add-mask::.*\n/gm, '')).not.toContain(secret)
    }
    expect(out.match(/^::error /gm)).toHaveLength(1)
    expect(out).toContain('::error title=SSH_UNREACHABLE::')
    const kept = readFileSync(path, 'utf8')
    expect(parseRelease(kept, path)).toMatchObject({ id: second, outcome: { state: 'failed', code: 'SSH_UNREACHABLE', stage: 'deploy' } })
    for (const secret of ['the-key-line', 'the-password', 'the-token']) expect(kept).not.toContain(secret)
    expect(read().output).toContain('verdict=failed\n')
    expect(read().summary).toMatch(/## addie master@\u200B?[0-9a-f]{7} failed/)
  })

  it('that cannot keep its page warns, and is what it was: well, or failed for its own reason', () => {
    const well = runner({})
    const failed = runner({})
    for (const { temp } of [well, failed]) {
      mkdirSync(join(temp, 'launchway'))
      writeFileSync(join(temp, 'launchway', 'launchway-evidence'), '')
    }
    writeFileSync(join(well.temp, 'launchway', 'release.json'), JSON.stringify(withoutWork()))
    const done = open('main', ['deploy'], well.temp, well.env)
    expect([done.code, well.read().output]).toEqual([0, expect.stringContaining('verdict=passed\n')])
    expect(done.out).toContain('::warning::the report could not be kept as a page')
    expect(well.read().output).not.toContain('verdict=failed')

    writeFileSync(join(failed.temp, 'launchway', 'release.json'), JSON.stringify(unreachable()))
    const deployed = open('main', ['deploy'], failed.temp, { ...failed.env, TOKEN: 'the-token' })
    expect([deployed.code, deployed.out]).toEqual([6, expect.stringContaining('::error title=SSH_UNREACHABLE::')])
  })

  it('keeps a page of what was done: a plan alone has done nothing', () => {
    const { temp, env } = runner({})
    const pageAt = join(temp, 'launchway', 'launchway-evidence', 'report.html')
    expect(open('main', ['plan'], repository('master'), env).code).toBe(0)
    expect(existsSync(pageAt)).toBe(false)
    const path = join(temp, 'launchway', 'release.json')
    writeFileSync(path, JSON.stringify(withoutWork('deploy')))
    expect(open('main', ['smoke'], temp, env).code).toBe(0)
    expect(existsSync(pageAt)).toBe(false)
    writeFileSync(path, JSON.stringify(withoutWork()))
    expect(open('main', ['deploy'], temp, env).code).toBe(0)
    expect(readFileSync(pageAt, 'utf8')).toContain('<title>addie ')
    // A page of the release before would tell of another one.
    expect(open('main', ['plan'], repository('master'), env).code).toBe(0)
    expect(existsSync(pageAt)).toBe(false)
  })

  it('that cannot plan has a verdict all the same, and a summary that says why', () => {
    const { temp, env, read } = runner({})
    writeFileSync(join(temp, 'launchway.yml'), `${config}imge: x\n`)
    const { code, out } = open('main', ['plan'], temp, env)
    expect(code).toBe(2)
    expect(out).toContain('::error title=CONFIG_INVALID')
    expect(read().output).toBe('verdict=failed\n')
    expect(read().summary).toContain('## launchway plan failed\n\n**`CONFIG_INVALID`**')
    expect(read().summary).toContain('did you mean "image"?')
  })

  it('that meets an event it cannot read has one too', () => {
    const { temp, env, read } = runner({})
    writeFileSync(env['GITHUB_EVENT_PATH'] ?? '', '{')
    const { code, out } = open('main', ['run'], temp, env)
    expect(code).toBe(2)
    expect(out).toContain('::error title=USAGE::the event of this run is not JSON')
    expect(read()).toMatchObject({ output: 'verdict=failed\n', summary: expect.stringContaining('## launchway failed') })
  })

  it('that shall end where no release ends says where one may, before anything is planned', () => {
    const { temp, env, read } = runner({})
    const { code, out } = open('main', ['run'], temp, { ...env, INPUT_UNTIL: 'deploy' })
    expect([code, out]).toEqual([2, expect.stringContaining('::error title=USAGE::a release does not end at "deploy"')])
    expect(out).toContain('until: push')
    expect(read().output).toBe('verdict=failed\n')
  })

  it('without a record says where it looked, and how a record travels', () => {
    const { temp, env, read } = runner({})
    const { code, out } = open('main', ['deploy'], temp, env)
    expect(code).toBe(2)
    expect(read()).toMatchObject({ output: 'verdict=failed\n', summary: expect.stringContaining('RECORD_INVALID') })
    expect(out).toContain(`::error title=RECORD_INVALID::there is no release record at ${join(temp, 'launchway', 'release.json')}`)
    expect(out).toContain('artifact')
  })
})
