import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Flavor, flavorOfDefaults, flavorOfRules, withFlavor } from '../../src/config/flavor.ts'
import { defaultTagRules, parseTagRule, type TagRule } from '../../src/config/image-tags.ts'
import { containerName } from '../../src/core/names.ts'
import { groupsIn } from '../../src/plan/pattern.ts'
import { imageTags as tagSet } from '../../src/plan/tags.ts'
import type { Facts, Trigger } from '../../src/plan/trigger.ts'
import { anyText } from '../support/text.ts'
import { refusal } from './support/config.ts'

const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'
const onBranch = (branch: string): Trigger => ({ event: 'push', sha, ref: `refs/heads/${branch}` })
const onTag = (tag: string): Trigger => ({ event: 'push', sha, ref: `refs/tags/${tag}` })

const now = new Date('2026-03-01T23:30:05.007Z')

function imageTags(rules: readonly TagRule[], trigger: Trigger, flavor = flavorOfDefaults, facts: Facts = { now }): string[] {
  return tagSet(rules, flavor, trigger, facts).tags
}

function flavored(...lines: string[]): Flavor {
  return lines.reduce((before, line) => {
    const after = withFlavor(before, line)
    if (typeof after === 'string') throw new Error(after)
    return after
  }, flavorOfRules)
}

function rule(entry: string): TagRule {
  const parsed = parseTagRule(entry)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

/** Docker's own grammar. @see https://github.com/distribution/reference */
const dockerTag = /^\w[\w.-]{0,127}$/

describe('a pattern that tries every way to part a tag', () => {
  // It would take longer than anybody waits, and nobody could end it.
  const endless = `${'a'.repeat(48)}!`

  test.each(['type=match,pattern=(a+)+$', 'type=semver,pattern={{version}},match=(a+)+$'])(
    '%s is ended, and refused with what to write',
    (entry) => {
      expect(() => imageTags([rule(entry)], onTag(endless))).toThrow(
        expect.objectContaining({
          code: 'USAGE',
          message: `${entry} comes to no end with "${endless}"`,
          hint: expect.stringContaining('Say it with one: a+.'),
        }),
      )
    },
  )

  test.each([/((a|aa)+)$/, /(a*)*b/, /^(\w+\s?)*$/, /(.*a){24}!b/])('%s is ended as well', (pattern) => {
    expect(() => groupsIn(pattern, endless, 'a rule', 50)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('is a pattern like others where it fits', () => {
    expect(imageTags([rule('type=match,pattern=(a+)+$')], onTag('aaa'))).toEqual(['aaa'])
    expect(imageTags([rule('type=match,pattern=/(V)(x)?(\\d+)/i,group=3')], onTag('v12'))).toEqual(['12'])
    expect(tagSet([rule('type=match,pattern=(x)?v,group=1')], flavorOfRules, onTag('v12'), {}).outcomes[0]?.reason).toBe(
      '"v12" does not match (x)?v',
    )
  })
})

describe('the tags that never name another image', () => {
  test.each<[string, string[] | undefined, Trigger, string[]]>([
    ['a branch has none', undefined, onBranch('main'), []],
    ['a version has its own, and that of git', undefined, onTag('v1.2.3'), ['1.2.3', 'v1.2.3']],
    ['a git tag that is no version has its name', undefined, onTag('nightly'), ['nightly']],
    [
      '1.2 and 1 go on to the next patch',
      ['type=semver,pattern={{major}}.{{minor}}', 'type=semver,pattern={{major}}'],
      onTag('v1.2.3'),
      [],
    ],
    ['a whole version may be put together', ['type=semver,pattern={{major}}.{{minor}}.{{patch}}'], onTag('v1.2.3'), ['1.2.3']],
    ['a prerelease is a version in whatever pattern', ['type=semver,pattern={{major}}.{{minor}}'], onTag('v1.2.3-rc.1'), ['1.2.3-rc.1']],
    ['a rule may let one move', ['type=ref,event=tag,overwrite=true', 'type=semver,pattern={{version}}'], onTag('v1.2.3'), ['1.2.3']],
    ['a rule may keep one', ['type=sha,overwrite=false', 'type=raw,value=edge'], onBranch('main'), ['sha-4f2a9c1']],
  ])('%s', (_, entries, trigger, tags) => {
    expect(tagSet(entries?.map(rule) ?? defaultTagRules, flavorOfRules, trigger, {}).immutable).toEqual(tags)
  })

  test('are said with true or false', () => {
    expect(parseTagRule('type=sha,overwrite=yes')).toBe('overwrite= is true or false')
  })
})

describe('the tags of an image', () => {
  test.each<[string, Trigger, string[]]>([
    ['a branch', onBranch('main'), ['main', 'sha-4f2a9c1']],
    ['a branch with slashes', onBranch('feature/Login#2'), ['feature-Login-2', 'sha-4f2a9c1']],
    ['a branch in another script', onBranch('ветка'), ['sha-4f2a9c1']],
    ['a branch with a word in another script', onBranch('fix/ветка-1'), ['fix--1', 'sha-4f2a9c1']],
    ['a branch that begins with a dot', onBranch('.x'), ['x', 'sha-4f2a9c1']],
    ['a branch that is too long', onBranch('a'.repeat(200)), ['a'.repeat(128), 'sha-4f2a9c1']],
    ['a tag', onTag('v1.2.3'), ['1.2.3', 'v1.2.3', 'sha-4f2a9c1']],
    ['a tag that is no version', onTag('nightly'), ['nightly', 'sha-4f2a9c1']],
    ['a tag with build metadata', onTag('v1.2.3+a.5'), ['1.2.3', 'v1.2.3-a.5', 'sha-4f2a9c1']],
    ['a pull request', { event: 'pull_request', sha, ref: 'refs/pull/7/merge', pullRequest: 7 }, ['pr-7', 'sha-4f2a9c1']],
    ['an entry of the merge queue', { event: 'merge_group', sha, ref: 'refs/heads/gh-readonly-queue/main/pr-7' }, ['sha-4f2a9c1']],
    ['a detached checkout', { event: 'local', sha }, ['sha-4f2a9c1']],
    ['a changed tree', { event: 'local', sha, dirty: true }, ['sha-4f2a9c1-dirty']],
  ])('by default, of %s', (_, trigger, tags) => {
    expect(imageTags(defaultTagRules, trigger)).toEqual(tags)
  })

  test.each<[string, Trigger, string[]]>([
    ['type=semver,pattern={{major}}.{{minor}}', onTag('v1.2.3'), ['1.2']],
    ['type=semver,pattern={{ major }},prefix=v', onTag('1.2.3'), ['v1']],
    ['type=semver,pattern={{raw}}', onTag('v1.2.3'), ['v1.2.3']],
    ['type=semver,pattern=r{{minor}}p{{patch}}', onTag('v1.2.3'), ['r2p3']],
    // A prerelease moves neither 2 nor 2.0.
    ['type=semver,pattern={{major}}', onTag('v2.0.0-rc.1'), ['2.0.0-rc.1']],
    ['type=semver,pattern={{ raw }}', onTag('v2.0.0-rc.1'), ['v2.0.0-rc.1']],
    ['type=semver,pattern={{version}}', onTag('v1.2'), []],
    ['type=semver,pattern={{version}}', onTag('v01.2.3'), []],
    ['type=semver,pattern={{version}}', onBranch('v1.2.3'), []],
    ['type=ref,event=tag', onBranch('v1'), []],
    ['type=ref,event=branch', onTag('main'), []],
    ['type=ref,event=branch,prefix=b-,suffix=-x', onBranch('a/b'), ['b-a-b-x']],
    ['type=ref,event=pr', onBranch('main'), []],
    ['type=sha,format=long,prefix=', onBranch('main'), [sha]],
    ['type=raw,value=latest', onBranch('main'), ['latest']],
    ['type=raw,value=,prefix=p', onBranch('main'), ['p']],
    ['type=raw,value={{tag}}', onBranch('main'), []],
    ['type=edge', onBranch('main'), []],
    ['type=edge', { ...onBranch('main'), defaultBranch: 'main' }, ['edge']],
    ['type=edge,branch=next', { ...onBranch('next'), defaultBranch: 'main' }, ['edge']],
    ['type=schedule', onBranch('main'), []],
    ["type=schedule,pattern=nightly-{{date 'YYYYMMDD'}}", { ...onBranch('main'), event: 'schedule' }, ['nightly-20260301']],
    // A branch of such a name is no expression, and no HTML either.
    ['type=raw,value={{branch}}', onBranch('a&b<c>="{{sha}}"'), ['a-b-c-sha-']],
    ['type=raw,value={{{branch}}}-x', onBranch('a&b'), ['a-b-x']],
    ['type=raw,value={{sha}}', { event: 'local', sha, dirty: true }, ['4f2a9c1-dirty']],
    ['type=sha,format=long', { event: 'local', sha, dirty: true }, [`sha-${sha}-dirty`]],
    ['type=raw,value=l,enable={{is_default_branch}}', { ...onBranch('main'), defaultBranch: 'main' }, ['l']],
    ['type=raw,value=l,enable={{is_default_branch}}', { ...onBranch('dev'), defaultBranch: 'main' }, []],
    ['type=raw,value=l,enable={{ is_not_default_branch }}', { ...onBranch('dev'), defaultBranch: 'main' }, ['l']],
    // A tag that is called like the default branch is not on it.
    ['type=raw,value=l,enable={{is_default_branch}}', { ...onTag('main'), defaultBranch: 'main' }, []],
    ['type=pep440,pattern={{version}}', onTag('v1!2.0-Beta.03.post1.dev2+Ubuntu_1'), ['1-2.0b3.post1.dev2-ubuntu.1']],
    ['type=pep440,pattern={{major}}.{{minor}}.{{patch}}', onTag('7'), ['7.0.0']],
    ['type=match,pattern=/^REL-(\\d+)$/ig,group=1', onTag('rel-12'), ['12']],
    ['"type=semver","pattern={{version}}","value=app/v1.2.3","match=^app/(.*)"', onBranch('main'), ['1.2.3']],
    // What does not match is read as a whole.
    ['type=semver,pattern={{version}},"match=^app/(.*)"', onTag('v1.2.3'), ['1.2.3']],
    ['type=raw,"value={{date \'dddd, MMMM Do YYYY, h:mm:ss a\'}}"', onBranch('main'), ['Sunday-March-1st-2026-11-30-05-pm']],
    ["type=raw,value={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", onBranch('main'), ['20260302-083005']],
    ["type=raw,value={{commit_date 'YYYY.MM'}}", { ...onBranch('main'), committed: new Date('2025-12-31T23:59:59Z') }, ['2025.12']],
    // Where nobody knows when the commit was made, it is now.
    ["type=raw,value={{commit_date 'YYYY.MM'}}", onBranch('main'), ['2026.03']],
  ])('%s', (entry, trigger, tags) => {
    expect(imageTags([rule(entry)], trigger)).toEqual(tags)
  })

  test('each stands once, in the order of the rules', () => {
    const rules = ['type=raw,value=b', 'type=raw,value=a', 'type=raw,value=b'].map(rule)
    expect(imageTags(rules, onBranch('a'))).toEqual(['b', 'a'])
  })

  test('of all rules that give one tag the first keeps its place, and the higher priority goes first', () => {
    const rules = ['type=sha', 'type=raw,value=b', 'type=ref,event=branch', 'type=raw,value=b,priority=999', 'type=raw,value=z,priority=-1']
    expect(imageTags(rules.map(rule), onBranch('a'))).toEqual(['b', 'a', 'sha-4f2a9c1', 'z'])
  })

  test.each<[string[], string, Trigger, string[]]>([
    [[], 'type=semver,pattern={{version}}', onTag('v1.2.3'), ['1.2.3', 'latest']],
    [[], 'type=semver,pattern={{version}}', onTag('v1.2.3-rc.1'), ['1.2.3-rc.1']],
    [['latest=false'], 'type=semver,pattern={{version}}', onTag('v1.2.3'), ['1.2.3']],
    [['latest=true'], 'type=ref,event=branch', onBranch('main'), ['main', 'latest']],
    [['latest=true'], 'type=ref,event=tag', onBranch('main'), []],
    [['latest=true'], 'latest', onBranch('main'), ['latest']],
    [['prefix=web-', 'suffix=-{{sha}},onlatest=true'], 'type=ref,event=tag', onTag('v1'), ['web-v1-4f2a9c1', 'latest-4f2a9c1']],
    [['prefix=web-'], 'type=sha', onBranch('main'), ['sha-4f2a9c1']],
    [['prefix=web-'], 'type=sha,prefix=', onBranch('main'), ['4f2a9c1']],
    [['prefix=web-'], 'type=raw,value=x,prefix=', onBranch('main'), ['x']],
  ])('with the flavor %j, %s', (lines, entry, trigger, tags) => {
    expect(imageTags([rule(entry)], trigger, flavored(...lines))).toEqual(tags)
  })

  test('a branch that is too long is cut before what tells variants apart', () => {
    const tags = ['alpine', 'debian'].map((variant) =>
      imageTags([rule(`type=ref,event=branch,suffix=-${variant}`)], onBranch('a'.repeat(300))),
    )
    expect(tags).toEqual([[`${'a'.repeat(121)}-alpine`], [`${'a'.repeat(121)}-debian`]])
  })

  test('a version that is too long is refused: cut it could be another', () => {
    const error = refusal(() => imageTags([rule('type=semver,pattern={{version}}')], onTag(`v1.0.0-${'1'.repeat(200)}`)))
    expect([error.code, error.message]).toEqual([
      'USAGE',
      `type=semver,pattern={{version}} gives a tag of 206 characters: 1.0.0-${'1'.repeat(54)}…`,
    ])
  })

  test.each(['type=ref,event=tag', 'type=ref,event=tag,suffix=-slim', 'type=ref,event=pr,prefix=' + 'p'.repeat(130)])(
    'so is a git tag that is too long, and a pull request: %s',
    (entry) => {
      const trigger: Trigger = { event: 'pull_request', sha, ref: `refs/tags/${'a'.repeat(131)}`, pullRequest: 7 }
      expect(refusal(() => imageTags([rule(entry)], trigger)).code).toBe('USAGE')
    },
  )

  test('by default a git tag that is too long is refused: two of them would have the same image tag', () => {
    expect(refusal(() => imageTags(defaultTagRules, onTag('a'.repeat(131)))).code).toBe('USAGE')
  })

  test('a rule that is for this event and gives no tag says why', () => {
    const outcomes = [
      'type=semver,pattern={{version}}',
      'type=pep440,pattern={{raw}}',
      'type=match,pattern=^v',
      'type=ref,event=tag',
      'type=edge',
    ]
    expect(tagSet(outcomes.map(rule), flavorOfRules, onTag('ветка'), { now }).outcomes).toEqual([
      { rule: 'type=semver,pattern={{version}}', reason: '"ветка" is no version by semver.org' },
      { rule: 'type=pep440,pattern={{raw}}', reason: '"ветка" is no version by PEP 440' },
      { rule: 'type=match,pattern=^v', reason: '"ветка" does not match ^v' },
      { rule: 'type=ref,event=tag', reason: 'no letter of "ветка" may stand in a tag' },
    ])
  })

  test('whatever a branch or tag is called, docker takes every tag, and there is always one', () => {
    const name = fc.oneof(anyText({ minLength: 1 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }))
    fc.assert(
      fc.property(name, fc.constantFrom(onBranch, onTag), (text, on) => {
        const tags = imageTags(defaultTagRules, on(text))
        expect(tags.length).toBeGreaterThan(0)
        for (const tag of tags) expect(tag).toMatch(dockerTag)
      }),
    )
  })
})

describe('the name of a container', () => {
  test('is one that docker takes, and belongs to one service of one release only', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/)
    const release = fc.stringMatching(/^\d{8}-\d{6}-[0-9a-f]{7}$/)
    const owner = fc.record({ app: name, environment: name, service: name, release })
    fc.assert(
      fc.property(owner, owner, (one, other) => {
        expect(containerName(one)).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/)
        expect(containerName(one) === containerName(other)).toBe(JSON.stringify(one) === JSON.stringify(other))
        const [app, environment, service] = containerName(one).split('.')
        expect({ app, environment, service, release: one.release }).toEqual(one)
      }),
    )
  })
})
