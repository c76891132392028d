import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultTagRules, parseTagRule, type TagRule } from '../../src/config/image-tags.ts'
import { containerName } from '../../src/core/names.ts'
import { choose, matches } from '../../src/plan/glob.ts'
import { imageTags, immutableTags } from '../../src/plan/tags.ts'
import type { Trigger } from '../../src/plan/trigger.ts'

const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'
const onBranch = (branch: string): Trigger => ({ event: 'push', sha, ref: `refs/heads/${branch}` })
const onTag = (tag: string): Trigger => ({ event: 'push', sha, ref: `refs/tags/${tag}` })

function rule(entry: string): TagRule {
  const parsed = parseTagRule(entry)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

/** Docker's own grammar. @see https://github.com/distribution/reference */
const dockerTag = /^\w[\w.-]{0,127}$/

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
    expect(immutableTags(entries?.map(rule) ?? defaultTagRules, trigger)).toEqual(tags)
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
    ['type=raw,value=,prefix=p', onBranch('main'), []],
  ])('%s', (entry, trigger, tags) => {
    expect(imageTags([rule(entry)], trigger)).toEqual(tags)
  })

  test('each stands once, in the order of the rules', () => {
    const rules = ['type=raw,value=b', 'type=raw,value=a', 'type=raw,value=b'].map(rule)
    expect(imageTags(rules, onBranch('a'))).toEqual(['b', 'a'])
  })

  test('whatever a branch or tag is called, docker takes every tag, and there is always one', () => {
    const name = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }))
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

describe('a pattern', () => {
  test.each([
    ['main', 'main', true],
    ['main', 'main2', false],
    ['main', 'Main', false],
    ['v*', 'v1.2.3', true],
    ['v*', 'v1/2', false],
    ['v*', 'v', true],
    ['v**', 'v1/2', true],
    ['**', 'a/b\nc', true],
    ['*', 'ветка', true],
    ['release/*', 'release/', true],
    ['release/**/x', 'release/a/b/x', true],
    ['v1.2', 'v1x2', false],
    ['(a|b)+[c]?', 'a', false],
    ['(a|b)+[c]?', '(a|b)+[c]?', true],
    ['a\\d', 'a1', false],
    ['', '', true],
  ])('"%s" and "%s": %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected)
  })

  test('without a star it is the name itself, whatever it holds', () => {
    const text = fc.string({ unit: 'binary' }).filter((one) => !one.includes('*'))
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect([matches(a, a), matches(a, b), matches(a, `${a}b`)]).toEqual([true, a === b, false])
      }),
    )
  })

  test('a star stands for any text without a slash, two stars for any text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '.', '/', '$', '\n', 'é') })
    fc.assert(
      fc.property(text, text, text, (before, middle, after) => {
        expect(matches(`${before}**${after}`, `${before}${middle}${after}`)).toBe(true)
        expect(matches('[*]', `[${middle}]`)).toBe(!middle.includes('/'))
        expect(matches(`${before}*${after}`, `${before}${middle.replaceAll('/', '-')}${after}`)).toBe(true)
      }),
    )
  })

  test.each([
    [['*', 'main'], 'main', 'main'],
    [['release/*', '**'], 'release/1', 'release/*'],
    [['**', 'release/*'], 'release/1', '**'],
    [['v*'], 'main', undefined],
    [[], 'main', undefined],
  ])('of %j, "%s" is spoken for by %s', (patterns, name, expected) => {
    expect(choose(patterns, name)).toBe(expected)
  })
})
