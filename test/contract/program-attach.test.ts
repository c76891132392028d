import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { attachProgram } from '../../src/deploy/program.ts'
import { type Box, box } from './support/box.ts'

const line = (attempt: string, step: string, state: string): string =>
  `{"v":1,"at":1795256100,"release":"r","attempt":"${attempt}","step":"${step}","state":"${state}","note":"täglich"}\n`

/** How many bytes a shell that follows this has read of it, one by one. */
function follow(host: Box, journal: string): { told: string; reads: string } {
  mkdirSync(join(host.home, 'attempts', '0f'), { recursive: true })
  writeFileSync(join(host.home, 'journal.jsonl'), journal)
  const count = 'count=0\nread() { count=$((count + 1)); command read "$@"; }\n'
  const { stdout } = host.run(`${count}${attachProgram(host.attempt)}echo "$count"`)
  const lines = stdout.split('\n').filter(Boolean)
  return { told: `${lines.slice(0, -1).join('\n')}\n`, reads: lines.at(-1) ?? '' }
}

const older = `${line('0a', 'lock', 'done')}${line('0a', 'end', 'done')}`.repeat(2000)

describe.each(['dash', 'busybox'])('who joins an attempt, with %s,', (shell) => {
  const [began, ended] = [line('0f', 'lock', 'done'), line('0f', 'end', 'done')]
  it.each<[string, string, string, string]>([
    ['reads the journal from its first line on', `${older}${began}${ended}`, `${began}${ended}`, '2'],
    ['is told what is its own alone', `${older}${began}${line('0b', 'lock', 'failed')}${ended}`, `${began}${ended}`, '3'],
    ['finds it at the beginning of a journal', `${began}${ended}`, `${began}${ended}`, '2'],
  ])('%s', (_, journal, told, reads) => {
    using host = box(shell, {})
    expect(follow(host, journal)).toEqual({ told, reads })
  })

  it('finds its first line where that is still being written', async () => {
    using host = box(shell, {})
    const half = `${older}${began.slice(0, 40)}`
    // The rest comes while it waits.
    const rest = `(sleep 1; printf '%s' '${began.slice(40)}${ended}' >> '${join(host.home, 'journal.jsonl')}') > /dev/null 2>&1 &\n`
    mkdirSync(join(host.home, 'attempts', '0f'), { recursive: true })
    writeFileSync(join(host.home, 'journal.jsonl'), half)
    expect(host.run(`${rest}echo $$ > '${join(host.home, 'attempts/0f/pid')}'\n${attachProgram(host.attempt)}`).stdout).toBe(
      `${began}${ended}`,
    )
  })
})
