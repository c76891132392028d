import { showMs } from '../../src/core/units.ts'

/** Says what happens, in parts of which each is timed. */
export interface Narrator {
  say(this: void, text: string): void
  /** Runs a part under its title. */
  part<T>(this: void, title: string, work: () => Promise<T>): Promise<T>
  /** What each part took, and all together. */
  times(this: void): string
}

/** The longest time without a word. */
const quietMs = 10_000

export function newNarrator(print: (line: string) => void): Narrator {
  const began = performance.now()
  const parts: { title: string; ms: number }[] = []
  let spoke = began
  const say = (text: string): void => {
    spoke = performance.now()
    print(text)
  }
  return {
    say,
    async part(title, work) {
      const start = performance.now()
      say(`\n── ${title}`)
      const alive = setInterval(() => {
        if (performance.now() - spoke >= quietMs) say(`  … ${showMs(performance.now() - start)}`)
      }, 1000)
      try {
        return await work()
      } finally {
        clearInterval(alive)
        parts.push({ title, ms: performance.now() - start })
      }
    },
    times() {
      const all = { title: 'in all', ms: performance.now() - began }
      const width = Math.max(...[...parts, all].map(({ title }) => title.length))
      return [...parts, all].map(({ title, ms }) => `  ${title.padEnd(width)}  ${showMs(ms).padStart(8)}`).join('\n')
    },
  }
}
