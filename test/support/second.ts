import type { Counts } from './counts.ts'
import type { Part } from './parts.ts'

/** More files than this do not fail by chance: the first run has said all there is to say. */
const byChance = 5

/** A part that failed, and what it came to. */
export interface Fell {
  part: Part
  counts: Counts
}

/**
 * What is worth a second run, alone on the machine: of each part the files that failed, and all of them where it is not
 * known which did. None when so many failed that it is no chance.
 */
export function partsAgain(fell: readonly Fell[]): Part[] {
  const parts = fell.map(({ part, counts }) => {
    const files = counts.failed.map(({ file }) => file)
    const isKnown = files.every((file) => file !== undefined && part.files.includes(file))
    return { ...part, files: isKnown ? part.files.filter((file) => files.includes(file)) : part.files }
  })
  return parts.flatMap(({ files }) => files).length > byChance ? [] : parts
}

/** A part after its second run: what failed has passed then, or has failed twice, or fails now for the first time. */
export interface AfterSecond {
  counts: Counts
  /** What failed at first, and passed then. */
  mended: Counts['failed']
}

export function afterSecond(first: Counts, second: Counts): AfterSecond {
  const told = [...first.told, ...second.told.filter(({ test }) => first.told.every((one) => one.test !== test))]
  // Where nothing ran, nothing is known but what the first run has said.
  const { lost } = second
  if (second.passed === 0)
    return { counts: { ...first, told, lost: [...first.lost, ...lost], failed: [...first.failed, ...second.failed] }, mended: [] }
  const again = new Set(second.failed.map(({ name }) => name))
  const mended = first.failed.filter(({ name }) => !again.has(name))
  return { counts: { ...first, told, lost, failed: second.failed, passed: first.passed + mended.length }, mended }
}
