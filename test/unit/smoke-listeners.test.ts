import { describe, expect, it } from 'vitest'
import type { EngineContainer } from '../../src/core/ports.ts'
import { hearListeners } from '../../src/smoke/listeners.ts'
import { Answered } from '../../src/smoke/stack.ts'
import type { Watch } from '../../src/smoke/watch.ts'
import { seenContainer } from './support/container.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const at = (port: number): EngineContainer['ports'][string] => ({ address: '127.0.0.1', port })
const listening = new Set([1, 3])

/** The services that are heard, when these are all that there is to hear. */
async function heard(containers: readonly EngineContainer[]): Promise<string[]> {
  const answered = new Answered()
  const { ports } = localPorts(temporaryFolder())
  const stop = new AbortController()
  const asked: number[] = []
  const probe = {
    ...ports.probe,
    connects: (_: string, port: number) => {
      asked.push(port)
      // What has been asked three times stays silent.
      if (asked.filter((one) => one === port).length === 3) stop.abort()
      return Promise.resolve(listening.has(port))
    },
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is looked at of it
  const seen = { containers: () => containers } as unknown as Watch
  await hearListeners(answered, seen, { ...ports, probe }, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return [...answered.services].toSorted()
}

describe('who takes connections', () => {
  it('is known to be up, by any of its ports; who does not is asked again', async () => {
    const found = await heard([
      seenContainer('redis', { ports: { '6379/tcp': at(1) } }),
      seenContainer('rabbitmq', { ports: { '5672/tcp': at(3), '15672/tcp': at(4) } }),
      seenContainer('slow', { ports: { '80/tcp': at(2) } }),
    ])
    expect(found).toEqual(['rabbitmq', 'redis'])
  })

  it('and says by itself how it is, or does not run, or speaks otherwise, is not asked', async () => {
    const found = await heard([
      seenContainer('healthy', { ports: { '80/tcp': at(1) }, health: { status: 'starting', output: '' } }),
      seenContainer('gone', { ports: { '80/tcp': at(1) }, status: 'exited' }),
      seenContainer('dns', { ports: { '53/udp': at(1) } }),
      seenContainer('slow', { ports: { '80/tcp': at(2) } }),
    ])
    expect(found).toEqual([])
  })
})
