import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { defaultBranchWarning, factsFor } from '../../src/plan/facts.ts'
import type { Trigger } from '../../src/plan/trigger.ts'
import { fakeExec } from '../fakes/exec.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'
const committed = '2026-11-21T11:15:00+01:00'
const push: Trigger = { event: 'push', sha, ref: 'refs/heads/main' }
const edge = 'image-tags: type=edge'

test.each<[string, string, Trigger, Record<string, object>, { branch?: string; asked: string[]; warned: boolean }]>([
  ['nobody asks for the default branch', 'image-tags: type=sha', push, {}, { asked: ['show'], warned: false }],
  ['the event names it', edge, { ...push, defaultBranch: 'main' }, {}, { asked: ['show'], warned: false }],
  [
    'the clone knows it',
    edge,
    push,
    { 'git symbolic-ref': { stdout: 'refs/remotes/origin/a/b\n' } },
    { branch: 'a/b', asked: ['symbolic-ref', 'show'], warned: false },
  ],
  ['nobody knows it', 'flavor: "prefix={{is_default_branch}}"', push, {}, { asked: ['symbolic-ref', 'show'], warned: true }],
  [
    'nobody knows it, and a label asks',
    'images: { app: { repositories: [a/b], labels: { main: "{{is_default_branch}}" } } }',
    push,
    {},
    { asked: ['symbolic-ref', 'show'], warned: true },
  ],
  ['a rule for edge names a branch of its own', 'image-tags: "type=edge,branch=dev"', push, {}, { asked: ['show'], warned: false }],
  [
    'a branch has a rule for edge',
    'branches: { main: { image-tags: ["type=sha", "type=edge"] } }',
    push,
    {},
    { asked: ['symbolic-ref', 'show'], warned: true },
  ],
  [
    'a rule counts on the default branch alone',
    'image-tags: "type=raw,value=x,enable={{is_default_branch}}"',
    push,
    {},
    { asked: ['symbolic-ref', 'show'], warned: true },
  ],
  ['a schedule is on it in any case', edge, { ...push, event: 'schedule' }, {}, { asked: ['symbolic-ref', 'show'], warned: false }],
  [
    'the event names the time of the commit',
    'image-tags: type=sha',
    { ...push, committed: new Date(committed) },
    {},
    { asked: [], warned: false },
  ],
])('when %s, git is asked no more than that, and no network', async (_, text, trigger, answers, expected) => {
  const config = loadConfig(`${text.startsWith('images') ? '' : 'image: a/b\n'}${text}\n`, 'launchway.yml')
  const { ports } = localPorts(temporaryFolder())
  const exec = fakeExec({ 'git symbolic-ref': { code: 1 }, 'git show': { stdout: committed }, ...answers })
  const facts = await factsFor(config, trigger, { ...ports, exec })
  expect(exec.calls.map(({ args }) => args[0])).toEqual(expected.asked)
  expect([facts.defaultBranch, defaultBranchWarning(config, trigger, facts) !== undefined]).toEqual([expected.branch, expected.warned])
  expect(facts.committed?.toISOString()).toBe(expected.asked.includes('show') ? '2026-11-21T10:15:00.000Z' : undefined)
})
