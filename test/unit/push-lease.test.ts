import { describe, expect, test } from 'vitest'
import { Lease } from '../../src/push/lease.ts'
import { fakeClock } from '../fakes/clock.ts'

function ended(lease: Lease): Promise<unknown> {
  return new Promise((resolve) => lease.signal.addEventListener('abort', () => resolve(lease.signal.reason), { once: true }))
}

describe('the time in which tags move', () => {
  test('ends by itself, before others take the run for ended', async () => {
    const clock = fakeClock()
    using lease = new Lease({ clock, signal: new AbortController().signal }, 90_000)
    expect(await ended(lease)).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', message: 'moving the tags took longer than 75 s' })
    expect(clock.elapsed()).toBe(75_000)
  })

  test('begins anew when it is extended', async () => {
    const clock = fakeClock()
    using lease = new Lease({ clock, signal: new AbortController().signal }, 90_000)
    await clock.sleep(60_000)
    lease.extend(90_000)
    await ended(lease)
    expect(clock.elapsed()).toBe(135_000)
  })

  test('goes on for two seconds after the run was cancelled, so that what was asked is answered', async () => {
    const clock = fakeClock()
    const cancel = new AbortController()
    using lease = new Lease({ clock, signal: cancel.signal }, 90_000)
    const reason = new Error('cancelled by SIGTERM')
    cancel.abort(reason)
    expect(lease.signal.aborted).toBe(false)
    expect(await ended(lease)).toBe(reason)
    expect(clock.elapsed()).toBe(2_000)
  })
})
