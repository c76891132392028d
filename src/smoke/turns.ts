import { meet } from './replacement.ts'

/** Stacks of one run that may write to the same files of this machine are up one after the other: two servers on one folder of data spoil it. */
export class Turns {
  readonly #taken = new Set<{ paths: readonly string[]; ended: Promise<void> }>()

  /**
   * Waits until nobody else has any of these files or folders, or what is in them.
   * @param onWait told of one that somebody else has
   */
  async take(paths: readonly string[], onWait: (path: string) => void): Promise<Disposable> {
    for (;;) {
      const other = [...this.#taken].find((one) => one.paths.some((theirs) => paths.some((path) => meet(path, theirs))))
      if (other === undefined) break
      onWait(paths.find((path) => other.paths.some((theirs) => meet(path, theirs))) ?? '')
      await other.ended
    }
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const turn = { paths, ended }
    this.#taken.add(turn)
    return {
      [Symbol.dispose]: () => {
        this.#taken.delete(turn)
        resolve()
      },
    }
  }
}
