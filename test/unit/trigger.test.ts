import { expect, test } from 'vitest'
import { plan } from '../../src/plan/plan.ts'
import { triggerOf } from '../../src/plan/trigger.ts'
import { configOf, systemText } from './support/config.ts'

const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'
const pull = (action: string) => ({ action, pull_request: { number: 7, head: { sha }, base: { ref: 'master' } } })
const queued = (action: string) => ({ action, merge_group: { base_ref: 'refs/heads/master' } })

test.each([
  ['pull_request', pull('opened'), undefined],
  ['pull_request', pull('synchronize'), undefined],
  ['pull_request', pull('closed'), 'the pull request was closed: what is merged is released by its push'],
  ['merge_group', queued('checks_requested'), undefined],
  ['merge_group', queued('destroyed'), 'the entry has left the merge queue: what is merged is released by its push'],
])('a %s is built as long as there is something to decide: $action', (event, payload, idle) => {
  const env = { GITHUB_EVENT_NAME: event, GITHUB_REF: 'refs/pull/7/merge', GITHUB_SHA: sha }
  const { stages } = plan(configOf(systemText), triggerOf(env, JSON.stringify(payload)))
  expect(stages.build.run).toBe(idle === undefined)
  if (idle !== undefined) expect(Object.values(stages)).toEqual(Object.values(stages).map(() => ({ run: false, reason: idle })))
})
