import { nearest } from '../../core/nearest.ts'
import { cut } from '../../core/text.ts'
import { firstWord, instructionWords } from '../../tools/dockerfile-text.ts'
import type { Step } from '../../tools/dockerfile.ts'
import type { Found, Rule } from '../finding.ts'
import type { ImageSource } from '../image-source.ts'
import type { Sources } from '../sources.ts'

/** Docker's own, of whatever version and from whichever registry: only of it is known which instructions there are. */
const usual = /(^|\/)docker\/dockerfile(-upstream)?([:@]|$)/

export const dockerfileRules: readonly Rule<Sources>[] = [
  {
    id: 'dockerfile-instruction',
    topic: 'image',
    severity: 'error',
    looks: 'words in a Dockerfile that are no instruction, such as RUNN',
    why: 'The build ends before anything is built; behind ONBUILD, that of whoever builds on the image.',
    fix: 'Mend the word. What belongs to the line above needs a \\ at the end of that line.',
    find: ({ images }) => images.flatMap(({ dockerfile }) => (dockerfile === undefined ? [] : unknownIn(dockerfile))),
  },
]

function unknownIn({ path, steps, syntax }: NonNullable<ImageSource['dockerfile']>): Found[] {
  if (syntax !== undefined && !usual.test(syntax)) return []
  const wrong = steps.flatMap((step) => {
    const word = instructionOf(step)
    if (word === '' || instructionWords.has(word)) return []
    const meant = nearest(word, instructionWords)
    return [{ line: step.line, word, meant }]
  })
  // Where a line lacks its \ the next ones are no instructions either: one says it.
  const first = wrong.find(({ meant }) => meant === undefined)
  return wrong
    .filter((one) => one.meant !== undefined || one === first)
    .map(({ line, word, meant }) => ({
      where: { file: path, line },
      what: `${cut(word, 40)} is no instruction${meant === undefined ? '' : `: ${meant} was probably meant`}`,
      ...(meant === undefined ? {} : { fix: `Write ${meant}. What belongs to the line above needs a \\ at the end of that line.` }),
    }))
}

/** What is done at once, or by whoever builds on it. */
function instructionOf({ word, rest }: Step): string {
  return word === 'ONBUILD' ? firstWord(rest) : word
}
