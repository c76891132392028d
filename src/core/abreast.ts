/**
 * Work on each of these, so many at once; the answers in their order. When one fails nothing more is begun, the others are asked to
 * end, and waited for: what is on its way must not arrive after somebody has said that it is over.
 */
export async function abreast<Item, Answer>(
  many: number,
  items: readonly Item[],
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<Answer>,
): Promise<Answer[]> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const answers: Answer[] = []
  const failures: unknown[] = []
  const queue = items.entries()
  await Promise.all(
    Array.from({ length: many }, async () => {
      for (const [index, item] of queue) {
        if (either.aborted) return
        try {
          answers[index] = await work(item, either)
        } catch (error) {
          failures.push(error)
          stop.abort(error)
        }
      }
    }),
  )
  if (failures.length > 0) throw failures[0]
  signal.throwIfAborted()
  return answers
}
