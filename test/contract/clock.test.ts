import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { fakeClock } from '../fakes/clock.ts'

const worlds = [
  { name: "this machine's", open: () => systemClock },
  { name: 'the fake', open: () => fakeClock() },
]

describe.each(worlds)('clock: $name', ({ open }) => {
  it('goes on while one sleeps, for the calendar and for measuring', async () => {
    const clock = open()
    const [day, at] = [clock.now().getTime(), clock.elapsed()]
    await clock.sleep(30)
    // Timers count whole milliseconds of a clock of their own.
    expect(clock.elapsed() - at).toBeGreaterThanOrEqual(29)
    expect(clock.now().getTime() - day).toBeGreaterThanOrEqual(29)
  })

  it('wakes sleepers in the order in which they are due', async () => {
    const clock = open()
    const woken: string[] = []
    await Promise.all([clock.sleep(80).then(() => woken.push('late')), clock.sleep(1).then(() => woken.push('early'))])
    expect(woken).toEqual(['early', 'late'])
  })

  it('does not fall asleep when the signal has come already', async () => {
    await expect(open().sleep(3_600_000, AbortSignal.abort(new Error('cancelled')))).rejects.toThrow('cancelled')
  })

  it("ends a sleep with the signal's own reason", async () => {
    const cancel = new AbortController()
    const sleep = open().sleep(3_600_000, cancel.signal)
    cancel.abort(new Error('cancelled'))
    await expect(sleep).rejects.toThrow('cancelled')
  })

  it('has slept out when the signal comes later', async () => {
    const cancel = new AbortController()
    const sleep = open().sleep(1, cancel.signal)
    await expect(sleep.then(() => cancel.abort(new Error('too late')))).resolves.toBeUndefined()
  })

  it('lets a loop of short sleeps reach its deadline', async () => {
    const clock = open()
    const deadline = clock.elapsed() + 40
    let tries = 0
    for (; clock.elapsed() < deadline; tries += 1) await clock.sleep(10)
    expect(tries).toBeGreaterThan(0)
    expect(tries).toBeLessThanOrEqual(5)
  })
})
