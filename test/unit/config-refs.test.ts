import { describe, expect, test } from 'vitest'
import { configOf, problems } from './support/config.ts'

const refs = (kind: string, pattern: string): string => `image: a/b\n${kind}:\n  ${JSON.stringify(pattern)}: {}\n`

describe('what would never fit a name is refused, with what to write', () => {
  test.each([
    [
      'tags',
      'v[0-9]+.[0-9]+.[0-9]+',
      '"[" stands for nothing but itself here, and no tag can have it in "v[0-9]+.[0-9]+.[0-9]+": * is any text without a slash, ** any text; write "v*.*.*"',
    ],
    [
      'branches',
      'feature/?',
      '"?" stands for nothing but itself here, and no branch can have it in "feature/?": * is any text without a slash, ** any text; write "feature/*"',
    ],
    [
      'branches',
      '!release/old',
      '"!release/old" leaves nothing out: "!" has no meaning here. An exact name goes before a pattern: "release/old": {} builds and deploys nothing',
    ],
    ['branches', 'refs/heads/dev', 'names stand here without "refs/heads/": write "dev"'],
    ['tags', 'refs/tags/v*', 'names stand here without "refs/tags/": write "v*"'],
    ['branches', 'refs/tags/v*', 'names stand here without "refs/tags/": write "v*" under tags'],
    ['branches', ' main ', 'no branch has a space at its ends: write "main" for " main "'],
    ['branches', '', 'a branch has a name: an empty one fits none; "**" fits all'],
    ['tags', ' ', 'a tag has a name: an empty one fits none; "**" fits all'],
    ['branches', 'my feature', 'git allows no branch with " " there: "my feature" would fit none'],
    ['branches', '/main', 'git allows no branch with "/" there: "/main" would fit none'],
    ['branches', 'a..b', 'git allows no branch with ".." there: "a..b" would fit none'],
  ])('%s: "%s"', (kind, pattern, says) => {
    expect(problems(refs(kind, pattern))).toEqual([`launchway.yml:3:3: ${kind}: ${says}`])
  })
})

test.each(['main', 'release/*', '**', 'docs/**', 'c++', 'v1.0.0+7', 'v*+*', 'wow!', 'a@b', 'fix-#12', 'ветка', 'a]b', 'x.y', '*/x'])(
  'what a branch can be called is taken: %s',
  (pattern) => {
    expect(Object.keys(configOf(refs('branches', pattern)).branches ?? {})).toEqual([pattern])
  },
)
