import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Ports, Remote } from '../../src/core/ports.ts'
import { lookToChange } from '../../src/deploy/recovered.ts'
import { environment, first, second } from './support/deploy.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeLog } from '../fakes/log.ts'

const locked = `current\t${first}\nlocked\tyes\nlock.holder\tada@desk\nseen\tyes`
const free = `current\t${second}\nseen\tyes`

type Step = string | LaunchwayError
const broken = new LaunchwayError('SSH_UNREACHABLE', 'the connection broke')

/** A host that comes to these when it is connected to, and to the others when it is looked at, one after the other. */
function world(connections: (LaunchwayError | 'up')[], looks: Step[]) {
  const [clock, log] = [fakeClock(), fakeLog()]
  let open = 0
  const connect = (): Promise<Remote> => {
    const next = connections.shift() ?? 'up'
    if (next !== 'up') return Promise.reject(next)
    open += 1
    const sh = (): Promise<{ stdout: string }> => {
      const seen = looks.shift() ?? free
      return typeof seen === 'string' ? Promise.resolve({ stdout: seen }) : Promise.reject(seen)
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
    return Promise.resolve({ host: 'shop', sh, [Symbol.asyncDispose]: () => Promise.resolve(void (open -= 1)) } as unknown as Remote)
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of them
  const ports = { clock, log, secret: () => undefined, signal: new AbortController().signal, ssh: { connect } } as unknown as Ports
  return {
    ports,
    log,
    open: () => open,
    look: (until: number) => lookToChange('shop', { app: 'addie', environment: environment([]) }, ports, until),
  }
}

describe('a deploy that waits for another one', () => {
  it('goes on where the connection drops meanwhile, and while the host is away', async () => {
    const of = world(['up', broken, broken, 'up'], [locked, locked, broken, locked, free])
    const { seen, before } = await of.look(60_000)
    expect({ current: seen.current, before, open: of.open() }).toEqual({ current: second, before: first, open: 1 })
    expect(of.log.said('line').filter((line) => line.includes('waiting') || line.includes('broke'))).toEqual([
      'shop: waiting for a deploy that is under way: ada@desk',
      'shop: the connection broke while waiting, and is made again',
    ])
  })

  it('ends with what broke it once its time is over, and leaves no connection', async () => {
    const of = world(['up', ...Array.from({ length: 99 }, () => broken)], [locked, broken])
    await expect(of.look(5_000)).rejects.toBe(broken)
    expect(of.open()).toBe(0)
  })

  it('ends at once with what no new connection would mend', async () => {
    const refused = new LaunchwayError('HOST_UNFIT', 'no')
    const of = world([], [locked, refused])
    await expect(of.look(60_000)).rejects.toBe(refused)
    expect(of.open()).toBe(0)
  })

  it('tells who is at work where nothing is to be waited for', async () => {
    const of = world([], [locked])
    expect((await of.look(0)).seen.lockedBy).toBe('ada@desk')
  })
})
