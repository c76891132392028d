import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeText, fill, namesIn, placeOf } from '../../src/core/composed.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { anyText } from '../support/text.ts'

const none = (name: string): string => {
  throw new Error(`${name} was asked for`)
}
const dollars = fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', '_', '9', ' ', '\n', 'é') })
const anything = fc.oneof(anyText(), dollars)
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)

describe('text with secrets in it', () => {
  test.each([
    ['postgres://u:${DB_PASSWORD}@db/x', ['DB_PASSWORD'], 'postgres://u:<DB_PASSWORD>@db/x'],
    ['$${NOT_ONE} costs $$5', [], '${NOT_ONE} costs $5'],
    ['$$$${A}', [], '$${A}'],
    ['$$${A}', ['A'], '$<A>'],
    ['${A}${B}${A}', ['A', 'B'], '<A><B><A>'],
    ['${_a9}', ['_a9'], '<_a9>'],
    ['', [], ''],
  ])('%j', (text, names, filled) => {
    expect(namesIn(text)).toEqual(names)
    expect(fill(text, (one) => `<${one}>`)).toBe(filled)
  })

  test.each(['$', 'a $b', '${', '${A', '${9A}', '${}', '${A-b}', '$$$', '${A:-default}', '${Á}'])('%j is refused', (text) => {
    expect(() => namesIn(text)).toThrow(LaunchwayError)
    expect(() => fill(text, () => '')).toThrow('a dollar sign that says nothing')
  })

  test('any text that is escaped says itself, and names no secret', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(namesIn(escapeText(text))).toEqual([])
        expect(fill(escapeText(text), none)).toBe(text)
      }),
    )
  })

  test('escaped pieces and secrets in any order are put together as they are, whatever the values hold', () => {
    const piece = fc.oneof(
      anything.map((text) => ({ text, name: undefined })),
      fc.record({ text: fc.oneof(dollars, fc.constantFrom('$&', '$1', '$$', '${A}')), name }),
    )
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const values = new Map(pieces.flatMap((one) => (one.name === undefined ? [] : [[one.name, one.text] as const])))
        const text = pieces.map((one) => (one.name === undefined ? escapeText(one.text) : placeOf(one.name))).join('')
        const expected = pieces.map((one) => (one.name === undefined ? one.text : (values.get(one.name) ?? ''))).join('')
        expect(fill(text, (one) => values.get(one) ?? none(one))).toBe(expected)
        expect(namesIn(text)).toEqual([...values.keys()])
      }),
    )
  })
})
