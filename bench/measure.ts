/** Paired measurements: everything that is compared runs in the same minutes, in turns, on the same machine. */

/** Something to measure. A run gives one figure, in whatever unit the bench has, and throws when it was not a good run. */
export interface Contender {
  name: string
  run(this: void): number | Promise<number>
}

export interface Series {
  name: string
  /** One figure a round. */
  values: number[]
  /** Each figure over the floor's of the same round: what slows a whole round down is in both, and cancels out. */
  ratios: number[]
}

/** Half of the figures lie below the median, four in five between p10 and p90. */
export interface Spread {
  p10: number
  median: number
  p90: number
}

export interface Rounds {
  /** How many count. */
  count: number
  /** How many go before them and do not: they fill what shall be warm. */
  warmUp: number
  /** Told before each round. */
  onRound?(this: void, round: number, of: number): void
}

/** Runs each contender once a round. The first is the floor: what the others are compared with. */
export async function inTurns(contenders: readonly Contender[], { count, warmUp, onRound }: Rounds): Promise<Series[]> {
  const values = new Map(contenders.map(({ name }): [string, number[]] => [name, []]))
  if (values.size < contenders.length) throw new Error('two contenders have the same name')
  for (let round = 0; round < warmUp + count; round += 1) {
    onRound?.(round + 1, warmUp + count)
    for (const { name, run } of turn(contenders, round)) {
      const value = await run()
      if (round >= warmUp) values.get(name)?.push(value)
    }
  }
  const floor = [...values.values()][0] ?? []
  return [...values].map(([name, own]) => ({ name, values: own, ratios: own.map((value, round) => value / (floor[round] ?? Number.NaN)) }))
}

/** Every other round goes backwards, and after two rounds another one begins: nobody always follows the same one. */
export function turn<T>(all: readonly T[], round: number): T[] {
  const first = Math.floor(round / 2) % Math.max(1, all.length)
  const from = (index: number): T[] => [...all.slice(index), ...all.slice(0, index)]
  return round % 2 === 0 ? from(first) : from(first + 1).toReversed()
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { p10: quantile(sorted, 0.1), median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) }
}

/** Between two figures, in proportion. */
export function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  if (below === undefined || above === undefined) throw new RangeError('there is nothing to summarise')
  return below + (above - below) * (place - Math.floor(place))
}
