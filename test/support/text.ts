import * as fc from 'fast-check'

/** Those that are half of a character in UTF-16, and no character of their own. */
const [firstSurrogate, surrogates] = [0xd800, 0x800]

const character = fc.nat({ max: 0x10ffff - surrogates }).map(
  (index) => String.fromCodePoint(index < firstSurrogate ? index : index + surrogates),
  (value) => {
    const point = typeof value === 'string' ? (value.codePointAt(0) ?? 0) : 0
    if (value !== String.fromCodePoint(point)) throw new Error('not one character')
    return point < firstSurrogate ? point : point - surrogates
  },
)

/**
 * Text of any characters. It is what fast-check has as `unit: 'binary'`, which writes down all the million of them first:
 * a second of every process that asks for it.
 */
export function anyText(constraints: Omit<fc.StringConstraints, 'unit'> = {}): fc.Arbitrary<string> {
  return fc.string({ ...constraints, unit: character })
}

/** Words that a shell would read otherwise than they are written. */
export const hostile = [
  '',
  ' ',
  '-rf',
  '--privileged',
  "it's",
  '$(reboot)',
  '`reboot`',
  '"; reboot; "',
  'a\nb',
  '\\',
  '*',
  '~',
  '#',
  'ü€𝄞',
  '\r',
  '\t',
]
