import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { code, folded, prose, table } from '../../src/report/markdown.ts'

/** The cells of a row, cut as GitHub cuts them: at each bar that no backslash stands before. */
function cells(row: string): string[] {
  return (row.match(/(?:\\.|[^|\\])+(?=\|)|(?<=\|)(?=\|)/gs) ?? []).map((cell) => cell.trim())
}

describe('text of others', () => {
  it.each([
    ['<img src=x onerror=alert(1)>', String.raw`\<img src=x onerror=alert(1)\>`],
    ['&lt;b&gt; &#64;team', '\\&lt;b\\&gt; \\&#\u200B64;team'],
    ['[click](http://evil.example)', '\\[click\\](http:\u200B//evil.example)'],
    ['HTTPS://evil.example www.evil.example', 'HTTPS:\u200B//evil.example www\u200B.evil.example'],
    ['@team/everyone ada@evil.example', '@\u200Bteam/everyone ada@\u200Bevil.example'],
    ['closes #12', 'closes #\u200B12'],
    ['**bold** _it_ ~~no~~ `code`', '\\*\\*bold\\*\\* \\_it\\_ \\~\\~no\\~\\~ \\`code\\`'],
    ['two\nlines\r\n\n# heading', 'two lines #\u200B heading'],
    ['turned \u202E around', 'turned around'],
    ['C:\\path', 'C:\\\\path'],
    ['an ordinary reason: master goes to production (by feature/*)', 'an ordinary reason: master goes to production (by feature/\\*)'],
  ])('in a sentence: %j', (text, markdown) => {
    expect(prose(text)).toBe(markdown)
  })

  it.each([
    ['refs/heads/master', '`refs/heads/master`'],
    ['`; <b>@team', '`` `; <b>@team ``'],
    ['a``b', '```a``b```'],
    ['two\nlines', '`two lines`'],
    ['', ''],
  ])('as code: %j', (text, markdown) => {
    expect(code(text)).toBe(markdown)
  })

  it('cannot end its cell, its row or its table', () => {
    const nasty = fc.string({ unit: fc.constantFrom('|', '\\', '`', '\n', '\r', 'a', ' ', '<', '>') })
    fc.assert(
      fc.property(nasty, nasty, (one, two) => {
        const rows = table(['a', 'b', 'c'], [[prose(one), code(two), 'end']]).split('\n')
        expect(rows).toHaveLength(3)
        const found = cells(rows[2] ?? '')
        expect(found).toHaveLength(3)
        expect(found[2]).toBe('end')
      }),
    )
  })

  it('cannot end its fence, and shows no colours and no marks that turn the direction of writing', () => {
    const nasty = fc.string({ unit: fc.constantFrom('`', '~', '\n', '\r', 'a', ' ', '</details>', '\u202E', '\u2028', '\u001B[31m', '\0') })
    fc.assert(
      fc.property(nasty, (text) => {
        const lines = folded('Evidence', text).split('\n')
        const [fence = ''] = /^`+/.exec(lines[3] ?? '') ?? []
        expect(lines.slice(0, 4)).toEqual(['<details>', '<summary>Evidence</summary>', '', `${fence}text`])
        expect(lines.slice(-3)).toEqual([fence, '', '</details>'])
        const inside = lines.slice(4, -3)
        // A fence ends at a line of as many backticks or more.
        expect(inside.filter((line) => new RegExp(`^ {0,3}${fence}`).test(line))).toEqual([])
        expect(inside.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      }),
    )
    expect(folded('Evidence', 'a\t\u001B[31mred\u001B[0m\r\nb\rc')).toContain('a\tred\nb\nc\n')
  })

  it('cannot end its code', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', 'a', ' '), minLength: 1 }), (text) => {
        const markdown = code(text)
        const fence = /^`*/.exec(markdown)?.[0] ?? ''
        const inside = markdown.slice(fence.length, -fence.length || undefined)
        expect(inside.match(/`+/g) ?? []).not.toContain(fence)
      }),
    )
  })
})
