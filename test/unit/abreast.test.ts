import { expect, it } from 'vitest'
import { abreast } from '../../src/core/abreast.ts'

/** Gives others their turn as often as that. */
async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await Promise.resolve()
}

const never = new AbortController().signal

it('so many are at work at once, and the answers are in their order', async () => {
  let [now, most] = [0, 0]
  const answers = await abreast(3, [9, 1, 5, 3, 7, 2], never, async (count) => {
    now += 1
    most = Math.max(most, now)
    await turns(count * 10)
    now -= 1
    return count * 2
  })
  expect([answers, most]).toEqual([[18, 2, 10, 6, 14, 4], 3])
})

it('nothing is begun after a failure, and what has begun is asked to end and waited for', async () => {
  const told: string[] = []
  const work = abreast(2, ['fails', 'goes on', 'comes later'], never, async (item, signal) => {
    told.push(`${item} begins`)
    await turns(item === 'fails' ? 5 : 50)
    if (item === 'fails') throw new Error('no')
    told.push(`${item} ends, ${signal.aborted ? 'asked to' : 'by itself'}`)
  })
  await expect(work).rejects.toThrow('no')
  expect(told).toEqual(['fails begins', 'goes on begins', 'goes on ends, asked to'])
})

it('a run that is cancelled begins nothing', async () => {
  const begun: number[] = []
  await expect(abreast(2, [1, 2], AbortSignal.abort(new Error('cancelled')), async (item) => begun.push(item))).rejects.toThrow('cancelled')
  expect(begun).toEqual([])
})
