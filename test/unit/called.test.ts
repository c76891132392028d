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
  ['v1.2', 'v1.2'],
  ['12', '12'],
  ['1.2.3-rc.1', '1.2.3-rc.1'],
  ['v1.2.3-beta', 'v1.2.3-beta'],
  ['1.2.3_build.5', '1.2.3_build.5'],
  ['1.2.3rc1', '1.2.3rc1'],
  ['1.0.post1', '1.0.post1'],
  ['1.2.3-alpine', '1.2.3-alpine'],
  ['2026-11-21', '2026-11-21'],
  ['20261121-1015', '20261121-1015'],
  // Branches on which a version is looked after, and those that begin with a digit by chance.
  ['2.x', '2.x@4f2a9c1'],
  ['v2.x', 'v2.x@4f2a9c1'],
  ['2.1.x', '2.1.x@4f2a9c1'],
  ['2.X', '2.X@4f2a9c1'],
  ['4-fix', '4-fix@4f2a9c1'],
  ['123-add-login', '123-add-login@4f2a9c1'],
  ['2nd-try', '2nd-try@4f2a9c1'],
  ['3d', '3d@4f2a9c1'],
  ['v2-next', 'v2-next@4f2a9c1'],
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

it('a name of whatever length is told apart at once', () => {
  for (const part of ['-rc', '.rc1', '-1', '.1', 'a1', '-rc-1']) expect(called(`1${part.repeat(1000)}!`, sha)).toMatch(/!@4f2a9c1$/)
})
