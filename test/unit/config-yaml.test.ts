import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeConfig, loadConfig } from '../../src/config/load.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { readConfig } from '../../src/plan/run.ts'
import { anyText } from '../support/text.ts'
import { problems, refusal } from './support/config.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const image = 'image: a/b\n'

describe('what is YAML and no configuration is refused with its place', () => {
  test.each([
    [
      'a key that stands twice',
      `${image}branches: { m: {}, "m": {} }\n`,
      '2:20: the key "m" stands here again: map keys must be unique (the first is in line 2)',
    ],
    ['an anchor in itself', `${image}images: &a\n  b: *a\n`, '3:6: *a stands inside of what &a names: it would hold itself'],
    ['a list in itself', '&a [*a]\n', '1:5: *a stands inside of what &a names: it would hold itself'],
    ['a merge of itself', `x: &a\n  <<: *a\n${image}`, '2:7: *a stands inside of what &a names: it would hold itself'],
    ['an alias of nothing', 'image: *x\n', '1:8: there is no anchor &x before *x'],
    ['a merge of a number', `${image}environments:\n  p:\n    <<: 5\n    host: h\n`, '4:9: << takes a mapping, or a list of them'],
    ['a tab before a key', `${image}branches:\n\tmain: {}\n`, '3:1: tabs are not allowed as indentation'],
    ['a NUL', `${image}# \0\n`, '2:3: the character U+0000 cannot stand here'],
    ['a byte order mark in the middle', `${image}\uFEFFbranches: {}\n`, '2:1: the character U+FEFF cannot stand here'],
    [
      'line ends of an old Mac',
      'image: a/b\rbranches: {}\r',
      '1:11: a carriage return without a line feed: end lines with both, or the line feed alone',
    ],
    ['half a character', 'image: "a/\uD800"\n', '1:1: the text holds half a character'],
    ['a second document', `${image}---\n${image}`, '2:1: a second document begins here: the configuration is one'],
    ['a tag that makes something else', 'image: !!js/function "x"\n', '1:22: the tag !!js/function has no meaning here'],
    ['a set', `${image}branches: !!set {main, dev}\n`, '2:17: the tag !!set has no meaning here'],
    ['no key', `${image}branches: {~: {}}\n`, '2:12: a key is missing before the colon'],
    ['a mapping as a key', `${image}? {a: 1}\n: 2\n`, '2:3: a key is text'],
    ['a key that every object has', `${image}branches: {__proto__: {}}\n`, '2:12: no key can be called __proto__'],
    ['brackets without end', '['.repeat(5_000), '1:101: this is nested more than 100 times'],
    ['dashes without end', '- '.repeat(5_000), '1:201: this is nested more than 100 times'],
  ])('%s', (_, text, expected) => {
    expect(problems(text)[0]).toBe(`launchway.yml:${expected}`)
  })

  test('indentation without end', () => {
    const steps = Array.from({ length: 1200 }, (_, depth) => `${' '.repeat(depth)}a:`)
    expect(problems(steps.join('\n'))[0]).toMatch(/^launchway\.yml:\d+:\d+: this is nested too deeply$/)
  })

  test('what only looks odd is taken: Windows line ends, a byte order mark, deep text in quotes, merged lists', () => {
    const text = `\uFEFFx-a: &a { port: 1 }\nx-b: &b { publish: 80 }\nx-text: "${'['.repeat(500)}"\n${image}environments:\n  p:\n    <<: [*a, *b]\n    host: h\n`
    expect(loadConfig(text.replaceAll('\n', '\r\n'), 'launchway.yml').environments).toEqual({ p: { port: 1, publish: 80, host: 'h' } })
  })

  test.each([
    ['keys that stand twice', `${image}branches:\n${'  b: {}\n'.repeat(500)}`],
    ['keys that nobody knows', `${image}${Array.from({ length: 500 }, (_, index) => `k${index}: 1\n`).join('')}`],
    ['names that are none', `${image}environments:\n${Array.from({ length: 500 }, (_, index) => `  E${index}: {}\n`).join('')}`],
  ])('of 500 %s a hundred are shown, and the rest is counted', (_, text) => {
    const rows = problems(text)
    expect(rows).toHaveLength(101)
    expect(rows.at(-1)).toMatch(/^… and (400|399) more$/)
  })
})

/** What was read, written again; or what the refusal says. */
function bytesOrPlace(bytes: Buffer): Buffer | string {
  try {
    return Buffer.from(decodeConfig(bytes, 'f'))
  } catch (error) {
    if (error instanceof LaunchwayError) return error.hint ?? ''
    throw error
  }
}

describe('the bytes of a file', () => {
  test.each<[string, Buffer, string]>([
    [
      'Latin-1 in a comment',
      Buffer.from('image: a/b # é\nx-a: \xfcber\n', 'latin1'),
      '1:14: the byte 0xe9 is no UTF-8: save the file as UTF-8',
    ],
    [
      'a wrong byte after other characters',
      Buffer.concat([Buffer.from('# 🚢é\n  '), Buffer.from([0xff])]),
      '2:3: the byte 0xff is no UTF-8: save the file as UTF-8',
    ],
    ['a character that is cut', Buffer.from('image: 🚢').subarray(0, 9), '1:8: the byte 0xf0 is no UTF-8: save the file as UTF-8'],
    ['UTF-16', Buffer.from('\uFEFFimage: a/b', 'utf16le'), '1:1: the file is UTF-16: save it as UTF-8'],
  ])('%s', (_, bytes, expected) => {
    expect(refusal(() => decodeConfig(bytes, 'launchway.yml')).hint).toBe(`launchway.yml:${expected}`)
  })

  test('any bytes give a text, or the place of the first wrong one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), anyText({ maxLength: 20 }), (noise, text) => {
        const bytes = Buffer.concat([Buffer.from(text), noise])
        const outcome = bytesOrPlace(bytes)
        expect(
          typeof outcome === 'string'
            ? /^f:\d+:\d+: the (byte 0x[0-9a-f]+ is no UTF-8|file is UTF-16)/.test(outcome)
            : outcome.equals(bytes),
        ).toBe(true)
      }),
    )
  })

  test('a file of 50 MB is not even read', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'launchway.yml'), '')
    truncateSync(join(folder, 'launchway.yml'), 50_000_000)
    const { ports } = localPorts(folder)
    const files = { ...ports.files, read: () => Promise.reject(new Error('it was read')) }
    await expect(readConfig('launchway.yml', { ...ports, files })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'launchway.yml has 50000000 bytes; more than 4000000 are not read',
    })
  })
})
