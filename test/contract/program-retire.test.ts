import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { first, second, third } from '../unit/support/deploy.ts'
import { box } from './support/box.ts'

/** Writes down what is done to containers. What is stopped has a last request, which goes on until one is removed, or that long. */
const docker = (tenths: number): string => `case "$*" in
  'ps '*release=${third}*) echo web-3 ;;
  'ps '*release=${first}*) echo web-1 ;;
  'stop '*)
    left=${tenths}
    until [ -e "$BOX/called" ] || [ "$left" = 0 ]; do sleep 0.1; left=$((left - 1)); done
    echo "$*" >> "$BOX/called" ;;
  'rm '*) echo "$*" >> "$BOX/called" ;;
esac`

describe.each(['dash', 'busybox'])('a release that is left, with %s,', (shell) => {
  /** What is done to containers, where of two releases that were live before it one is kept. */
  function called(tenths: number, ...back: string[]): string[] {
    using host = box(shell, { docker: docker(tenths) })
    for (const [id, was] of [
      [first, ''],
      [second, first],
      [third, second],
    ] as const) {
      mkdirSync(join(host.home, 'releases', id), { recursive: true })
      writeFileSync(join(host.home, 'releases', id, 'recorded'), `${was}\n`)
    }
    writeFileSync(join(host.home, 'current'), `${third}\n`)
    writeFileSync(join(host.home, 'previous'), `${second}\n`)
    mkdirSync(join(host.home, 'attempts', host.attempt.attempt), { recursive: true })
    const calls: HostCall[] = [
      ['begin'],
      ['expect', third],
      ['record', 'registry.example.org/addie', ...back],
      ['retire', 'web', 'web-3', '10'],
      ['retired'],
      ...back.slice(1).map((id): HostCall => ['unrecord', id]),
      ['finish'],
    ]
    host.run(applyProgram({ ...host.attempt, keep: 1 }, calls))
    expect(host.journal().at(-1)).toMatchObject({ step: 'end', state: 'done' })
    return readFileSync(join(host.root, 'called'), 'utf8').trim().split('\n')
  }

  it('has its last requests before it goes, where it was rejected and nobody returns to it', () => {
    expect(called(10, 'back', third).filter((call) => call.endsWith(' web-3'))).toEqual(['stop -t 10 web-3', 'rm --force web-3'])
  })

  it('stays as the one before, where it was not; what is kept no longer goes meanwhile', () => {
    expect(called(300)).toEqual(['rm --force web-1', 'stop -t 10 web-3'])
  })
})
