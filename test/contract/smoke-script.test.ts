import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { localPorts } from '../unit/support/ports.ts'
import { scriptCheck, writtenScript } from '../unit/support/script.ts'
import { around, asked, serving } from '../unit/support/standing.ts'

describe('a script', () => {
  it('gets its arguments word by word, the addresses of the stack, and what it says is kept', async () => {
    const root = writtenScript(
      '#!/bin/sh\nprintf "%s|" "$@"; echo; echo "$LAUNCHWAY_SMOKE_PROJECT $LAUNCHWAY_SMOKE_WEB_CONTAINER"; pwd; echo "$LAUNCHWAY_SMOKE_WEB_80" >&2\n',
    )
    const web = await serving('web', (_, answer) => void answer.end())
    const [done] = await asked(
      [scriptCheck('check.sh', { args: ['a b', '$HOME;`id`', ''], stdout: 'a b|$HOME;`id`||' })],
      around([web], root),
    )
    expect(done?.passed).toBe(true)
    const lines = (done?.evidence ?? '').split('\n')
    expect(lines[0]).toBe('exit code 0')
    expect(new Set(lines.slice(1))).toEqual(new Set(['a b|$HOME;`id`||', 'p web', root, `127.0.0.1:${web.ports['80/tcp']?.port}`]))
  })

  it('runs once, and fails by its exit code, by what it did not say, or by its time', async () => {
    const root = writtenScript('#!/bin/sh\necho run >> runs; echo oh; [ "$1" != hang ] || exec sleep 60; exit "$1"\n')
    const [code] = await asked([scriptCheck('check.sh', { args: ['3'] })], around([], root))
    expect(code).toMatchObject({ passed: false, evidence: 'exit code 3\noh' })
    const [said] = await asked([scriptCheck('check.sh', { args: ['0'], stdout: 'fine' })], around([], root))
    expect(said).toMatchObject({ passed: false, evidence: 'exit code 0\nwanted: a standard output with "fine"\noh' })
    const [time] = await asked([scriptCheck('check.sh', { args: ['hang'], timeoutMs: 3_000 })], around([], root))
    expect(time).toMatchObject({ passed: false, evidence: 'did not end within 3.0 s\noh' })
    expect((await localPorts(root).ports.files.read(join(root, 'runs')))?.toString()).toBe('run\nrun\nrun\n')
  })

  it('that floods its output is told by the end of that', async () => {
    const root = writtenScript('#!/bin/sh\nseq 100000; exit 1\n')
    const [done] = await asked([scriptCheck('check.sh')], around([], root))
    expect(done?.evidence?.split('\n')).toHaveLength(41)
    expect(done?.evidence).toMatch(/\n99999\n100000$/)
  })
})
