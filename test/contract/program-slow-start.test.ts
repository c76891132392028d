import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { box } from './support/box.ts'

const address = '127.0.0.1:20101'
const way = ['web-2', 'b', address, 'http://addie.example.org/', 'addie.example.org:80:127.0.0.1', 'any']

/** The old version answers for the new one, which listens once this clock of the test, which passes with each pause, says so. */
const listensAt = (cs: number): HostCall => [
  'eval',
  `passed=0; uptime_cs() { echo $((100000 + passed)); }; nap() { passed=$((passed + $1)); }
asked() { if [ "$passed" -ge ${cs} ]; then echo '200 ${address}'; else echo '200 ${address}, 127.0.0.1:20100'; fi; }`,
]

describe.each(['dash', 'busybox'])('one that nobody has asked before nginx does, with %s,', (shell) => {
  const probed = (cs: number, ...limit: string[]): { state: string; note?: string | undefined }[] => {
    using host = box(shell, { docker: 'case $1 in inspect) echo true ;; esac', curl: ':' })
    return host
      .apply([listensAt(cs), ['through', 'web', ...way, ...limit]])
      .filter(({ step, state }) => step === 'probe' && state !== 'start')
  }

  it('has the time of its health check until it listens', () => {
    expect(probed(2_500, '3000')).toMatchObject([{ state: 'done' }])
    expect(probed(900)).toMatchObject([{ state: 'done' }])
  })

  it('and no longer; the reason names a page of health', () => {
    const [late] = probed(3_500, '3000')
    expect(late).toMatchObject({
      state: 'failed',
      note: expect.stringContaining(
        'took no connection for 30 s: `port` is where it listens, on all its addresses. One that takes longer to start says so: health: { path: /healthz, timeout: 3m }; the deploy then waits until that page answers\n',
      ),
    })
  })

  it('one that has been asked is given ten seconds', () => {
    const [late] = probed(1500)
    expect(late).toMatchObject({
      state: 'failed',
      note: expect.stringContaining('took no connection for 10 s: `port` is where it listens, on all its addresses\n'),
    })
  })
})
