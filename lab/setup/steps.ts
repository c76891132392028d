import { LaunchwayError } from '../../src/core/error.ts'
import { showMs } from '../../src/core/units.ts'

/** One thing that has to be there. */
export interface Step {
  name: string
  needs: readonly string[]
  /** What is there, in words, when nothing needs to be done. */
  find(): Promise<string | undefined>
  /** Makes it, and says what was made. */
  make(progress: (line: string) => void): Promise<string>
  /** What making it takes, roughly: shown before it begins. */
  takes?: string
}

/**
 * Brings every step about, those that do not need each other side by side, and shows each with its time. What is
 * there is used; so a second run only looks, and has nothing to show. The first failure is thrown once everything that was
 * under way has ended.
 * @returns whether anything had to be made
 */
export async function bringAbout(steps: readonly Step[], print: (line: string) => void): Promise<boolean> {
  const failures: { name: string; error: unknown }[] = []
  const running = new Map<string, Promise<boolean>>()
  const width = Math.max(...steps.map(({ name }) => name.length))
  // What is there is worth a line only beside what is not.
  let held: string[] | undefined = []
  const lineOf = (name: string, text: string): string => `set-up: ${name.padEnd(width)}  ${text}`
  const say = (name: string, text: string): void => {
    for (const line of held ?? []) print(line)
    held = undefined
    print(lineOf(name, text))
  }

  async function perform(step: Step): Promise<boolean> {
    const ready = await Promise.all(step.needs.map(async (name) => running.get(name)))
    if (ready.includes(false)) {
      say(step.name, 'not tried: what it needs is missing')
      return false
    }
    const began = performance.now()
    const time = (): string => showMs(performance.now() - began)
    try {
      const found = await step.find()
      if (found !== undefined) {
        const line = lineOf(step.name, `${found}, reused (${time()})`)
        if (held === undefined) print(line)
        else held.push(line)
        return true
      }
      say(step.name, `… ${step.takes ?? ''}`.trimEnd())
      const made = await step.make((line) => say(step.name, `… ${line} (${time()})`))
      say(step.name, `${made} (${time()})`)
      return true
    } catch (error) {
      say(step.name, `failed after ${time()}`)
      failures.push({ name: step.name, error })
      return false
    }
  }
  for (const step of steps) running.set(step.name, perform(step))
  await Promise.all(running.values())
  if (failures.length > 0) throw new SetUpError(failures)
  return held === undefined
}

/** All steps that failed, each with what to do. What succeeded stays: the next run goes on from there. */
export class SetUpError extends Error {
  constructor(failures: readonly { name: string; error: unknown }[]) {
    const parts = failures.map(({ name, error }) => {
      const message = error instanceof Error ? error.message : String(error)
      const hint = error instanceof LaunchwayError && error.hint !== undefined ? `\n${error.hint}` : ''
      return `${name}: ${message}${hint}`
    })
    super(`${parts.join('\n\n')}\n\nWhat is done stays done: run the same command again when this is mended.`)
  }
}
