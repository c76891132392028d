import { describe, expect, it } from 'vitest'
import { type Step, runSteps, steps } from '../../src/pipeline.ts'
import { record } from './support/deploy.ts'
import { outside, withVerdicts, wrote } from './support/pipeline.ts'

const failingTest: Step['run'] = () => Promise.reject(new Error('a step was run that the gates hold back'))
const { push: _, ...unpushed } = withVerdicts('passed', 'passed')

describe('what smoke and scan have not passed', () => {
  const gated = ['evidence', 'push', 'record', 'assets', 'deploy', 'current']

  it.each([
    ['push', withVerdicts(undefined, 'passed'), 'smoke did not run: no push'],
    ['push', withVerdicts('passed', 'failed'), 'scan did not pass: no push'],
    ['push', withVerdicts(undefined, undefined), 'smoke and scan did not run: no push'],
    ['deploy', withVerdicts('failed', 'passed'), 'smoke did not pass: no deploy'],
    ['deploy', unpushed, 'the tags have not moved: no deploy'],
  ])('goes no further when %s runs alone', async (stage, start, message) => {
    const { ports } = outside()
    const chosen = steps.filter(({ name }) => name === stage).map((one) => ({ ...one, run: failingTest }))
    const { error, release } = await runSteps(chosen, start, ports)
    expect(error).toMatchObject({ code: 'RECORD_INVALID', message })
    expect(release.outcome).toMatchObject({ state: 'failed', stage })
  })

  it('holds back every step that writes where people look, and no other', () => {
    expect(steps.filter((one) => one.gated === true).map(({ name }) => name)).toEqual(gated)
  })

  it('does not count where the plan leaves it out', async () => {
    const { ports } = outside()
    const { plan } = record()
    const off = { run: false, reason: 'scan: false' }
    const start = record({ plan: { ...plan, stages: { ...plan.stages, smoke: off, scan: off } }, push: wrote('a:1') })
    const chosen = steps.filter(({ name }) => name === 'deploy').map((one) => ({ ...one, run: async () => ({}) }))
    expect((await runSteps(chosen, start, ports)).error).toBeUndefined()
  })
})
