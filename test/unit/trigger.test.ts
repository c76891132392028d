import { expect, test } from 'vitest'
import { plan } from '../../src/plan/plan.ts'
import { triggerOf } from '../../src/plan/trigger.ts'
import { configOf, systemText } from './support/config.ts'

const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'
const pull = (action: string) => ({ action, pull_request: { number: 7, head: { sha }, base: { ref: 'master' } } })
const queued = (action: string) => ({ action, merge_group: { base_ref: 'refs/heads/master' } })

test.each([
  ['pull_request', pull('opened'), true, 'a pull request is built; nothing is written'],
  ['pull_request', pull('synchronize'), true, 'a pull request is built; nothing is written'],
  ['pull_request', pull('closed'), false, 'the pull request was closed: what is merged is released by its push'],
  ['merge_group', queued('checks_requested'), true, 'an entry of the merge queue is built; nothing is written'],
  ['merge_group', queued('destroyed'), false, 'the entry has left the merge queue: what is merged is released by its push'],
])('a %s is built as long as there is something to decide: %j', (event, payload, run, reason) => {
  const env = { GITHUB_EVENT_NAME: event, GITHUB_REF: 'refs/pull/7/merge', GITHUB_SHA: sha }
  const { stages } = plan(configOf(systemText), triggerOf(env, JSON.stringify(payload)))
  expect(stages.build).toEqual({ run, reason })
  expect(stages.report.run).toBe(run)
})
