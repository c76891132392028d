import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { failureOf } from './support/hosts.ts'
import { deployTo, type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { rollBack, site, siteHost } from './support/site.ts'
import { suites } from './support/ssh.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

describe.each(suites)('nginx on %s', (suite) => {
  test('leads every request to a version that serves: through a new one, broken ones, and the way back', async () => {
    await using host = siteHost(suite)
    const first = await deployTo(host, image, { version: 'one', services: [site(host)] })
    expect(first).toMatchObject({ slot: 'a', downtimeMs: 0, stopped: [] })
    expect(await host.page()).toBe('one')

    const running = host.traffic()
    await running.seen('one')
    const second = await deployTo(host, image, { version: 'two', services: [site(host)] })
    expect(second).toMatchObject({ slot: 'b', downtimeMs: 0, previous: first.release })
    expect(second.switchMs).toBeLessThan(5000)
    await running.seen('two')
    for (const [mode, step] of [
      ['crash', 'healthy'],
      ['sick', 'healthy'],
      ['shy', 'probe'],
    ] as const) {
      const health = { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 3000, settleMs: 0 } as const
      const error = await failureOf(
        deployTo(host, image, { version: `bad: ${mode}`, services: [site(host, { env: { MODE: mode }, health })] }),
      )
      expect(error, mode).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
      expect(error.message).toBe(`web: ${step} failed on host; release ${second.release} serves`)
      expect(error.hint).toContain(mode === 'crash' ? 'boom: no configuration' : mode === 'sick' ? 'answered 404' : 'answered 500')
    }
    const back = await rollBack(host, [site(host)])
    expect(back).toMatchObject({ version: 'one', release: first.release })
    expect(await host.page()).toBe('one')
    const again = await rollBack(host, [site(host)])
    expect(again).toMatchObject({ version: 'two', release: second.release })
    expect(await host.page()).toBe('two')
    const tally = await running.stop()
    console.log(suite, tally, second.switchMs)
    expect(Object.fromEntries(tally.failures)).toEqual({})
    expect([...tally.versions.keys()].toSorted()).toEqual(['one', 'two'])
    expect(tally.requests).toBeGreaterThan(500)
  })
})
