import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Turns } from '../../src/smoke/turns.ts'

describe('stacks that write to the same place of this machine', () => {
  it.each<[string, string[], string[], boolean]>([
    ['take turns', ['/srv/data'], ['/other', '/srv/data'], true],
    ['take turns, also where one has a folder of the other', ['/srv'], ['/srv/data'], true],
    ['need not where they have others', ['/srv/data'], ['/srv/data2'], false],
    ['need not where they have none', [], [], false],
  ])('%s', async (_, first, second, waits) => {
    const turns = new Turns()
    const waited: string[] = []
    const one = await turns.take(first, (path) => waited.push(path))
    let isThere = false
    const other = turns.take(second, (path) => waited.push(path)).then((taken) => ((isThere = true), taken))
    await turn()
    expect(isThere).toBe(!waits)
    expect(waited).toHaveLength(waits ? 1 : 0)
    one[Symbol.dispose]()
    ;(await other)[Symbol.dispose]()
    expect(isThere).toBe(true)
  })

  it('are one at a time, however many there are', async () => {
    const turns = new Turns()
    let now = 0
    const most: number[] = []
    const work = async (): Promise<void> => {
      using _ = await turns.take(['/srv/data'], () => undefined)
      now += 1
      most.push(now)
      await turn()
      now -= 1
    }
    await Promise.all(Array.from({ length: 5 }, work))
    expect(most).toEqual([1, 1, 1, 1, 1])
  })
})
