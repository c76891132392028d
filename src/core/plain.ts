import { z } from 'zod'

// A schema takes a moment to set up, and the record would have three hundred that say no more than these: each of them is
// there once. They cannot be changed, so that they can be shared.

const text = z.string()
const texts = z.array(text)
const textByName = z.record(text, text)
const int = z.int()
const flag = z.boolean()

export const plain = {
  text,
  optionalText: text.optional(),
  texts,
  optionalTexts: texts.optional(),
  /** One at least. */
  someTexts: texts.min(1),
  textByName,
  optionalTextByName: textByName.optional(),
  int,
  optionalInt: int.optional(),
  flag,
  optionalFlag: flag.optional(),
}
