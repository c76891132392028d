import { expect, it } from 'vitest'
import { type Candidate, stale } from '../../src/push/tidy.ts'

const now = new Date('2026-11-21T12:00:00Z')
const hours = (count: number): Date => new Date(now.getTime() - count * 3_600_000)

/** A candidate of `app`, tagged so many hours ago. */
const candidate = (id: string, age: number, repository = 'team/app'): Candidate => ({
  id,
  reference: `${repository}:launchway-${id}`,
  repository,
  tagged: hours(age),
})
const nothing = new Set<string>()

it.each<[string, Candidate[], { own?: string[]; used?: string[] }, string[]]>([
  ['the last two stay', [candidate('a', 90), candidate('b', 70), candidate('c', 50), candidate('d', 30)], {}, ['b', 'a']],
  ['that of this run stays beside them', [candidate('a', 90), candidate('b', 70), candidate('c', 50)], { own: ['a'] }, []],
  ['what a container has stays', [candidate('a', 90), candidate('b', 70), candidate('c', 50), candidate('d', 30)], { used: ['a'] }, ['b']],
  ['what another run may be at work on stays', [candidate('a', 23), candidate('b', 3), candidate('c', 2), candidate('d', 1)], {}, []],
  ['where nothing is left over nothing goes', [candidate('a', 90), candidate('b', 70)], {}, []],
])('%s', (_, all, { own = [], used = [] }, expected) => {
  const keep = { own: new Set(own.map((id) => `team/app:launchway-${id}`)), used: new Set(used), now }
  expect(stale(all, keep)).toEqual(expected.map((id) => `team/app:launchway-${id}`))
})

it('each repository has its own last two', () => {
  const all = [90, 70, 50].flatMap((age) => [candidate(`${age}`, age), candidate(`${age}`, age, 'r.example.org/app')])
  expect(stale(all, { own: nothing, used: nothing, now })).toEqual(['team/app:launchway-90', 'r.example.org/app:launchway-90'])
})
