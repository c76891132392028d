import { describe, expect, it } from 'vitest'
import { cancelled, LaunchwayError } from '../../src/core/error.ts'
import type { PushSection, Release } from '../../src/core/release.ts'
import { runSteps, type Step, steps, stepsOf, stepsUntilPush } from '../../src/pipeline.ts'
import { record, environment as wanted, service } from './support/deploy.ts'
import { outside, withVerdicts, wrote } from './support/pipeline.ts'

/** A step that notes its start and its end. */
function step(name: string, needs: string[], run: Step['run'] = async () => ({}), stage: Step['stage'] = 'build'): Step {
  return { name, stage, needs, run }
}

/** Ends when it is told to stop, with the reason. */
const untilStopped: Step['run'] = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')))
  })

function skipping(name: 'push' | 'deploy', reason: string): Release {
  const { plan } = record()
  return record({ plan: { ...plan, stages: { ...plan.stages, [name]: { run: false, reason } } } })
}

describe('the graph', () => {
  it('names only steps that stand before it, so that none waits for ever', () => {
    for (const [index, { needs }] of steps.entries()) {
      for (const need of needs) expect(steps.slice(0, index).map(({ name }) => name)).toContain(need)
    }
  })

  const untilPush = 'build upload size inputs smoke scan evidence push record assets tidy'

  it.each([
    ['build', 'build upload size inputs'],
    ['push', 'evidence push record assets tidy'],
    ['deploy', 'turn deploy current'],
    [undefined, `${untilPush.replace('evidence', 'reach evidence')} turn deploy current`],
    ['scan', 'scan'],
    ['report', ''],
  ] as const)('the stage %s alone is the steps %s', (stage, names) => {
    expect(
      stepsOf(stage)
        .map(({ name }) => name)
        .join(' '),
    ).toBe(names)
  })

  it('until push, all steps but those of the deploy run, also what waits for a host in a whole run; the release is not done then', async () => {
    expect(stepsUntilPush().map(({ name }) => name)).toEqual(untilPush.split(' '))
    const { ports } = outside()
    const ran: string[] = []
    const noting = stepsUntilPush().map((one) => ({
      ...one,
      run: async () => {
        ran.push(one.name)
        return {}
      },
    }))
    const { release, error } = await runSteps(noting, withVerdicts('passed', 'passed'), ports)
    expect([error, ran.toSorted(), release.outcome]).toEqual([undefined, untilPush.split(' ').toSorted(), { state: 'running' }])
  })

  it('a step begins when what it needs is done, and not before; the others go on beside it', async () => {
    const { ports } = outside()
    const events: string[] = []
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const noting =
      (name: string, wait?: Promise<void>): Step['run'] =>
      async () => {
        events.push(`${name} begins`)
        await wait
        events.push(`${name} ends`)
        if (name === 'scan') release?.()
        return {}
      }
    await runSteps(
      [
        step('build', [], noting('build')),
        step('smoke', ['build'], noting('smoke', held)),
        step('scan', ['build'], noting('scan')),
        step('push', ['smoke', 'scan'], noting('push')),
      ],
      record(),
      ports,
    )
    expect(events).toEqual([
      'build begins',
      'build ends',
      'smoke begins',
      'scan begins',
      'scan ends',
      'smoke ends',
      'push begins',
      'push ends',
    ])
  })

  it('each step sees what those before it returned, and every section ends in the record', async () => {
    const { ports } = outside()
    let seen: PushSection | undefined
    const ran = await runSteps(
      [
        step('one', [], async () => ({ push: wrote('a:1') })),
        step('two', ['one'], async ({ push }) => ((seen = push), { report: { files: [] } })),
      ],
      record(),
      ports,
    )
    expect(seen).toEqual(wrote('a:1'))
    expect(ran.release).toMatchObject({ push: wrote('a:1'), report: { files: [] } })
    expect(ran.error).toBeUndefined()
  })
})

describe('a failure', () => {
  const reason = new LaunchwayError('SCAN_BLOCKED', 'a finding breaks the policy', { hint: 'CVE-2026-0001' })
  const failing: Step['run'] = () => Promise.reject(reason)

  it('stops the others, keeps what was done, and is the one that is told', async () => {
    const { ports, said } = outside()
    const ran = await runSteps(
      [
        step('one', [], async () => ({ push: wrote('a:1') })),
        step('smoke', ['one'], untilStopped),
        step('scan', ['one'], failing),
        step('push', ['smoke', 'scan'], async () => ({ report: { files: [] } }), 'push'),
      ],
      record(),
      ports,
    )
    expect(ran.error).toBe(reason)
    expect(ran.release.outcome).toEqual({
      state: 'failed',
      code: 'SCAN_BLOCKED',
      message: 'a finding breaks the policy',
      stage: 'scan',
      evidence: 'CVE-2026-0001',
    })
    expect(ran.release.push).toEqual(wrote('a:1'))
    expect(ran.release.report).toBeUndefined()
    expect(said).toEqual(['one done', 'smoke stopped', 'scan failed', 'not started: push'])
  })

  it('that comes while another is being stopped is not the one that is told', async () => {
    const { ports } = outside()
    const late: Step['run'] = async (release, given) => {
      await untilStopped(release, given).catch(() => undefined)
      throw new LaunchwayError('COMMAND_FAILED', 'docker ended with exit code 143')
    }
    expect((await runSteps([step('smoke', [], late), step('scan', [], failing)], record(), ports)).error).toBe(reason)
  })

  it('of the smoke test keeps what it showed, without the secrets of the run', async () => {
    const check = { name: 'GET /?key=s3cret', passed: false, ms: 1, evidence: 'answered: s3cret' }
    const section = { project: 'p', services: [], checks: [check], verdict: 'failed' as const, ms: 1 }
    const failed = (): Promise<never> => Promise.reject(new LaunchwayError('SMOKE_CHECK_FAILED', 'no', { part: { smoke: section } }))
    const { release } = await runSteps([step('smoke', [], failed)], record(), outside().ports)
    expect(release.smoke).toEqual({ ...section, checks: [{ ...check, name: 'GET /?key=***', evidence: 'answered: ***' }] })
  })

  it('that is a bug of ours has a message and no code', async () => {
    const { ports } = outside()
    const ran = await runSteps([step('one', [], () => Promise.reject(new TypeError('x is undefined')))], record(), ports)
    expect(ran.release.outcome).toEqual({ state: 'failed', message: 'x is undefined', stage: 'one' })
    expect(ran.error).toBeInstanceOf(TypeError)
  })

  const failingWith = async (message: string, hint: string): Promise<Release['outcome']> => {
    const failed = (): Promise<never> => Promise.reject(new LaunchwayError('BUILD_FAILED', message, { hint }))
    return (await runSteps([step('one', [], failed)], record(), outside().ports)).release.outcome
  }

  it('for want of a secret that the deploy needs comes before anything is built', async () => {
    const { ports, said } = outside()
    const { plan } = record()
    const environment = wanted([service({ secrets: ['KEY'] })])
    const { error } = await runSteps(
      [step('build', []), step('deploy', ['build'], undefined, 'deploy')],
      record({ plan: { ...plan, environment } }),
      {
        ...ports,
        secret: () => undefined,
      },
    )
    expect(error).toMatchObject({ code: 'SECRET_MISSING', hint: expect.stringContaining('export KEY=…') })
    expect(said).toEqual(['not started: build, deploy'])
  })

  it('keeps what its stage had done before it failed', async () => {
    const { ports } = outside()
    const failing: Step['run'] = () =>
      Promise.reject(new LaunchwayError('DEPLOY_ROLLED_BACK', 'b went back', { part: { push: wrote('a') } }))
    const { release } = await runSteps([step('deploy', [], failing)], record(), ports)
    expect(release).toMatchObject({ push: wrote('a'), outcome: { state: 'failed', code: 'DEPLOY_ROLLED_BACK' } })
  })

  it('leaves no secret in the record, whoever repeated it', async () => {
    const outcome = await failingWith('docker said s3cret', 'line 1\nTOKEN=s3cret')
    expect(outcome).toMatchObject({ message: 'docker said ***', evidence: 'line 1\nTOKEN=***' })
  })

  it('leaves the end of a flood, where the cause is, from the beginning of a line', async () => {
    const { evidence = '' } = await failingWith('x', `${'much too much\n'.repeat(10_000)}the cause`)
    expect(evidence.length).toBeLessThanOrEqual(64_002)
    expect(evidence.startsWith('…\nmuch too much\n')).toBe(true)
    expect(evidence.endsWith('\nthe cause')).toBe(true)
  })

  it('whose evidence is cut begins with no half of a secret, nor half of a character', async () => {
    const { evidence = '' } = await failingWith('x', `${'s3cret'.repeat(30_000)}😀${'y'.repeat(63_999)}`)
    expect(evidence).not.toContain('cret')
    expect(evidence.isWellFormed()).toBe(true)
  })
})

describe('what a host said', () => {
  it('enters the record without secrets', async () => {
    const host = { host: 'h', slot: 'a' as const, downtimeMs: 0, stopped: [], ms: 1 }
    const services = [{ name: 'web', container: 'c', reference: 'r', health: '200 token=s3cret', ms: 1 }]
    const { ports } = outside()
    const deployed = { environment: 'production', hosts: [{ ...host, services }], ms: 1 }
    const ran = await runSteps([step('deploy', [], async () => ({ deploy: deployed }))], record(), ports)
    expect(ran.release.deploy?.hosts[0]?.services[0]?.health).toBe('200 token=***')
  })
})

describe('a cancelled run', () => {
  it('stops what runs, begins nothing more, and says that it was cancelled', async () => {
    const cancel = new AbortController()
    const { ports, said } = outside(cancel.signal)
    const running = runSteps([step('one', [], untilStopped), step('deploy', ['one'], undefined, 'deploy')], record(), ports)
    setImmediate(() => cancel.abort(cancelled('SIGTERM')))
    expect((await running).release.outcome).toMatchObject({ state: 'failed', code: 'CANCELLED' })
    expect(said).toEqual(['one failed', 'not started: deploy'])
  })

  it('is cancelled too when the step that ran went on to its end, but not the next', async () => {
    const cancel = new AbortController()
    const { ports } = outside(cancel.signal)
    const deaf: Step['run'] = async () => (cancel.abort(cancelled('SIGTERM')), { push: wrote('a:1') })
    const { release } = await runSteps([step('one', [], deaf), step('two', ['one'])], record(), ports)
    expect(release).toMatchObject({ outcome: { state: 'failed', code: 'CANCELLED' }, push: wrote('a:1') })
  })

  it('is done when all was done before', async () => {
    const cancel = new AbortController()
    const { ports } = outside(cancel.signal)
    const last: Step['run'] = async () => (cancel.abort(cancelled('SIGTERM')), {})
    const ran = await runSteps([step('deploy', [], last, 'deploy')], record(), ports)
    expect(ran).toMatchObject({ error: undefined, release: { outcome: { state: 'done' } } })
  })
})

describe('what a run comes to', () => {
  it('a step that the plan leaves out says why, and what comes after it still runs', async () => {
    const { ports, said } = outside()
    const chosen = [step('build', []), step('push', ['build'], failingTest, 'push'), step('deploy', ['push'], undefined, 'deploy')]
    await runSteps(chosen, skipping('push', 'a pull_request writes nothing to a registry'), ports)
    expect(said).toEqual(['build done', 'push: skipped, a pull_request writes nothing to a registry', 'deploy done'])
  })

  const passed = withVerdicts('passed', 'passed')
  it.each([
    ['all steps: done', passed, ['build', 'upload', 'push', 'deploy'], 'done'],
    ['a stage alone, with others to come: running', record(), ['build', 'upload'], 'running'],
    ['the last stage alone: done', passed, ['deploy'], 'done'],
    ['the last that the plan has: done', { ...passed, plan: skipping('deploy', 'not deployed').plan }, ['push'], 'done'],
    [
      'a stage that runs again after a failure: the failure is over',
      { ...passed, outcome: { state: 'failed' as const, code: 'BUILD_FAILED' } },
      ['deploy'],
      'done',
    ],
    ['nothing to do stays nothing to do', record({ outcome: { state: 'nothing-to-do' } }), [], 'nothing-to-do'],
  ])('%s', async (_, start, names, state) => {
    const { ports } = outside()
    const chosen = steps.filter(({ name }) => names.includes(name)).map((one) => ({ ...one, run: async () => ({}) }))
    expect((await runSteps(chosen, start, ports)).release.outcome.state).toBe(state)
  })
})

function failingTest(): Promise<never> {
  return Promise.reject(new Error('a skipped step was run'))
}
