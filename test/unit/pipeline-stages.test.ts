import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { stageOfStep } from '../../src/core/stages.ts'
import { runSteps, type Step, steps } from '../../src/pipeline.ts'
import { outside, withVerdicts } from './support/pipeline.ts'

describe('what did not begin', () => {
  it('has a stage for each step, which whoever reads a record finds by its name', () => {
    for (const { name, stage } of steps) expect([name, stageOfStep(name)]).toEqual([name, stage])
  })

  const failing: Step['run'] = () => Promise.reject(new LaunchwayError('REGISTRY_DENIED', 'no'))

  it.each<[string, string, string | undefined]>([
    ['before anything', 'build', 'not started: smoke, scan, push, deploy'],
    ['beside the gates', 'upload', 'not started: push, deploy'],
    ['at the tags', 'push', 'not started: deploy'],
    ['where only what follows is missing', 'turn', 'not started: deploy'],
    ['at the end', 'deploy', undefined],
  ])('is told once, by the names of the stages: a failure %s', async (_, failed, line) => {
    const { ports, said } = outside()
    const chosen = steps.map((one) => ({ ...one, run: one.name === failed ? failing : async () => ({}) }))
    const { release } = await runSteps(chosen, withVerdicts('passed', 'passed'), ports)
    expect(release.outcome).toMatchObject({ state: 'failed', stage: failed })
    expect(said.filter((one) => one.startsWith('not started'))).toEqual(line === undefined ? [] : [line])
  })
})
