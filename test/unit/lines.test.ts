import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { followLines, Kept } from '../../src/adapters/lines.ts'

/** The lines of what comes in these pieces, and what is kept of it. */
async function linesOf(pieces: Iterable<string>): Promise<{ lines: string[]; kept: string }> {
  const [lines, kept, stream]: [string[], Kept, Readable] = [[], new Kept(), Readable.from(pieces)]
  followLines(stream, kept, (line) => lines.push(line))
  await new Promise((resolve) => stream.once('close', resolve))
  return { lines, kept: kept.text() }
}

describe('a flood', () => {
  it('without an end of line is handed on in pieces, none of it lost, and the next line is whole', async () => {
    const { lines } = await linesOf([...Array.from({ length: 50 }, () => 'x'.repeat(100_000)), '\nnext\n'])
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(2_000_000)
    expect(lines.slice(0, -1).join('')).toBe('x'.repeat(5_000_000))
    expect(lines.at(-1)).toBe('next')
  })

  it('is kept by its end, from the beginning of a line', async () => {
    const { kept } = await linesOf(Array.from({ length: 300 }, (_, at) => `${`${at} `.repeat(20_000)}\n`))
    expect(kept.length).toBeLessThan(9_000_000)
    expect(kept).toMatch(/^(\d+) (\1 )+\n/)
    expect(kept.endsWith('299 \n')).toBe(true)
  })
})
