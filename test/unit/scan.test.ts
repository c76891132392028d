import { describe, expect, it } from 'vitest'
import { isCurrent, showAge, shortOf, sight, sourceOf, unfit } from '../../src/scan/plan.ts'
import { scanFailed, tooOld, whyEnded } from '../../src/scan/trivy-errors.ts'
import { digest, failureIn } from './support/deploy.ts'

const hour = 3_600_000
const now = new Date('2026-11-21T12:00:00Z')
const at = (hours: number): Date => new Date(now.getTime() + hours * hour)

describe('the age of a database', () => {
  it.each([
    ['just made', 0, undefined],
    ['a day', -24, undefined],
    ['the limit itself', -48, undefined],
    ['past the limit', -49, 'is 49 h old, and scan.max-db-age is 48 h'],
    ['a month', -24 * 30, 'is 30 days old, and scan.max-db-age is 48 h'],
    ['a clock that is a little wrong', 0.1, undefined],
    ['from the future', 1, 'is from the future (2026-11-21T13:00:00.000Z)'],
  ])('%s', (_, hours, why) => {
    expect(unfit({ updated: at(hours) }, now, 48 * hour)).toBe(why)
  })

  it.each([
    ['none is kept', undefined, false],
    ['the next one is not due', { updated: at(-2), next: at(22) }, true],
    ['the next one is due', { updated: at(-25), next: at(-1) }, false],
    ['the next one is not due, but it is past the limit', { updated: at(-60), next: at(22) }, false],
    ['it is from the future', { updated: at(5), next: at(29) }, false],
  ])('decides whether a newer one is asked for: %s', (_, kept, current) => {
    expect(isCurrent(kept, now, 48 * hour)).toBe(current)
  })

  it.each([
    [0, '0 min'],
    [90 * 60_000, '90 min'],
    [5 * hour, '5 h'],
    [71 * hour, '71 h'],
    [24 * 6 * hour, '6 days'],
  ])('of %i ms reads %s', (ms, text) => {
    expect(showAge(ms)).toBe(text)
  })
})

describe('where Trivy gets an image from', () => {
  const registries = { 'ghcr.io/team/app': { digest, mediaType: 'm' } }
  const engine = { inEngine: true, containerdStore: false, host: undefined }
  it.each([
    ['the engine', engine, 'engine'],
    ['the engine of another context', { ...engine, host: 'unix:///run/user/1000/docker.sock' }, 'engine'],
    ['an archive, where the engine would give it the digest of a manifest', { ...engine, containerdStore: true }, 'archive'],
    ['an archive, where only docker reaches the engine', { ...engine, host: 'ssh://ada@build.example.org' }, 'archive'],
    ['the registry, where the engine does not have it', { ...engine, inEngine: false }, 'registry'],
  ])('%s', (_, seen, from) => {
    expect(sourceOf({ registries }, seen)?.from).toBe(from)
  })

  it('nowhere, where it was not uploaded either', () => {
    expect(sourceOf({ registries: {} }, { ...engine, inEngine: false })).toBeUndefined()
  })
})

describe('what a scan could see', () => {
  const debian = { family: 'debian', name: '12.5', ended: false }
  it.each([
    ['a system and its packages', debian, { os: 90, others: 3 }, 'seen', '93 packages, debian 12.5'],
    ['packages of a language alone', undefined, { os: 0, others: 1 }, 'seen', '1 package'],
    ['a system without packages', debian, { os: 0, others: 3 }, 'blind', 'it is debian 12.5, and not one package of it was found'],
    ['nothing', undefined, { os: 0, others: 0 }, 'bare', 'no operating system and no packages that Trivy knows: nothing to look up'],
  ] as const)('%s', (_, os, packages, kind, says) => {
    expect(sight({ os, packages })).toEqual({ kind, says })
  })
})

describe('a system of which not all is known', () => {
  it.each([
    ['debian', '12.5', false, false, /^$/],
    ['debian', '9.13', true, false, /^debian 9\.13 gets no security updates any more/],
    ['rocky', '99.1', false, true, /^this Trivy is older than rocky 99\.1/],
    ['alpine', 'edge', false, false, /^$/],
  ])('%s %s', (family, name, ended, isUncertain, says) => {
    expect(shortOf({ os: { family, name, ended } }, isUncertain) ?? '').toMatch(says)
  })
})

describe('a Trivy that fails', () => {
  const fatal = (text: string): string => `2026-11-21T17:45:36Z\tFATAL\tFatal error\t${text}\n`
  it.each([
    ['run error: filter error: filtering error: x.yaml parse error: bad', 'CONFIG_INVALID'],
    ['run error: image scan error: scan error: unable to initialize the Java DB: no route', 'SCAN_DB_UNAVAILABLE'],
    ['run error: init error: DB error: failed to open db: invalid database', 'SCAN_DB_UNAVAILABLE'],
    ['run error: image scan error: scan error: no space left on device', 'COMMAND_FAILED'],
    ['run error: image scan error: scan error: filter error: VEX error: unable to load VEX: not supported', 'CONFIG_INVALID'],
    ['unknown flag: --skip-version-check', 'TOOL_MISSING'],
  ])('is told by what it says: %s', (text, code) => {
    expect(
      failureIn(() => {
        throw scanFailed('app', { ignoreFile: 'x.yaml', vex: ['app.vex.json'] }, { code: 1, stderr: fatal(text) })
      }),
    ).toMatchObject({ code })
  })

  it.each([
    ['by the system', 137, '', 'something ended it from outside (signal 9)'],
    ['by itself, out of memory', 2, 'fatal error: runtime: out of memory\n', 'fatal error: runtime: out of memory'],
  ])('is no pass where it was ended %s', (_, code, stderr, why) => {
    const failure = failureIn(() => {
      throw scanFailed('app', {}, { code, stderr })
    })
    expect(failure).toMatchObject({
      code: 'COMMAND_FAILED',
      message: 'Trivy was ended before it had looked through app, so nothing passed',
    })
    expect(failure.hint).toContain(why)
  })

  it('without a word is told by its exit code', () => {
    expect(whyEnded(1, '')).toBe('it ended with 1 and without a word')
  })

  it('for another reason than its age is not called too old', () => {
    expect(() => tooOld(fatal('run error: no space left on device'))).not.toThrow()
  })
})
