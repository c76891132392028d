import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JournalLine } from '../../src/core/journal.ts'
import type { HostCall } from '../../src/deploy/call.ts'
import { operateSh } from '../../src/deploy/operate/program.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { type Box, box } from './support/box.ts'

/**
 * A docker whose containers end as they are called: `deaf` hears no signal, `late` ends of itself in the last moment, `full` was
 * ended for want of memory, `away` cannot be stopped. It writes down what it was asked.
 */
const docker = `echo "$*" >> "$BOX/asked"
for last; do :; done
case "$1 $last" in
  ps*) printf '%s\\n' quick deaf late full away ;;
  'stop away') echo 'no such container' >&2; exit 1 ;;
  'stop quick') ;;
  stop*) sleep 1.1 ;;
  'inspect deaf') echo '137 false' ;;
  'inspect full') echo '137 true' ;;
  inspect*) echo '0 false' ;;
esac`

/** What the journal has of each service that was stopped. */
function ended(host: Box, calls: readonly HostCall[]): (service: string) => JournalLine[] {
  mkdirSync(join(host.home, 'attempts', host.attempt.attempt), { recursive: true })
  writeFileSync(join(host.home, 'journal.jsonl'), '')
  host.run(applyProgram(host.attempt, [['begin'], ...calls, ['finish']], operateSh))
  const lines = host.journal().filter(({ step }) => step === 'stop')
  return (service) => lines.filter((line) => line.service === service)
}

const states = (lines: readonly JournalLine[]): string[] => lines.map(({ state }) => state)
const killed = ['start', 'says', 'done']

describe.each(['dash', 'busybox'])('a container that is stopped, with %s,', (shell) => {
  it('and had to be killed: that is told, with what to mend, in one line; of no other is it said', () => {
    using host = box(shell, { docker })
    const retired = ['deaf', 'late', 'full', 'quick', 'away'].map((name): HostCall => ['retire', `of-${name}`, name, '1'])
    const of = ended(host, [...retired, ['retire', 'at-once', 'deaf', '0'], ['retired']])
    expect(states(of('of-deaf'))).toEqual(killed)
    expect(of('of-deaf')[1]?.note).toMatch(/^deaf was killed, .* stop-timeout of 1 s: .*\[--init\].*$/)
    expect(Object.fromEntries(['late', 'full', 'quick'].map((name) => [name, states(of(`of-${name}`))]))).toEqual({
      late: ['start', 'done'],
      full: ['start', 'done'],
      quick: ['start', 'done'],
    })
    // With no time at all it is what its configuration asks for.
    expect(states(of('at-once'))).toEqual(['start', 'done'])
    expect(of('of-away')).toMatchObject([
      { state: 'start' },
      { state: 'failed', note: expect.stringMatching(/^away runs on .*: no such container$/) },
    ])
  })

  it('before the new one starts, or by launchway stop, and had to be killed: that is told as well', () => {
    using host = box(shell, { docker })
    const of = ended(host, [
      ['halt', 'halted', 'deaf', '1', 'always'],
      ['cease', 'ceased', 'deaf', '1', 'always'],
    ])
    expect([states(of('halted')), states(of('ceased'))]).toEqual([killed, killed])
  })

  it('in good time costs no further question', () => {
    using host = box(shell, { docker })
    ended(host, [['retire', 'worker', 'quick', '60'], ['retired']])
    const asked = readFileSync(join(host.root, 'asked'), 'utf8').split('\n')
    expect(asked.filter((line) => /^(?!rm ).* quick$/.test(line))).toEqual(['update --restart no quick', 'stop -t 60 quick'])
  })
})
