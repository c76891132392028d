import { expect, it } from 'vitest'
import { called, soughtVersion } from '../../src/core/called.ts'
import { releaseId } from '../../src/core/names.ts'
import { prose } from '../../src/report/markdown.ts'

const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'

it.each([
  ['main', 'main@4f2a9c1'],
  ['docker_dev', 'docker_dev@4f2a9c1'],
  ['1.2.3', '1.2.3'],
  ['v1.2.3', 'v1.2.3'],
  ['2026-11-21', '2026-11-21'],
  ['sha-4f2a9c1', 'sha-4f2a9c1'],
  ['4f2a9c1', '4f2a9c1'],
])('%s is called %s, by its commit and by the id of its release', (version, name) => {
  expect(called(version, sha)).toBe(name)
  expect(called(version, releaseId(new Date(), sha))).toBe(name)
})

it('what a release is called is what it can be asked for by, also as a summary shows it', () => {
  expect(soughtVersion(called('main', sha))).toBe('4f2a9c1')
  expect(soughtVersion(prose(called('main', sha)))).toBe('4f2a9c1')
  for (const other of ['main', '1.2.3', sha, `sha256:${'0'.repeat(64)}`, 'team/shop@4f2a9c1']) expect(soughtVersion(other)).toBe(other)
})
