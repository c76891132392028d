import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { box } from './support/box.ts'
import { eventually } from './support/processes.ts'

/** Waits for ever in these calls, and says when it was ended. */
const hangs = (verbs: string, others = ''): string => `case $1 in ${verbs})
  echo "$$" >> "$BOX/hangs"
  trap 'echo "$1" >> "$BOX/ended"; exit 143' TERM
  echo 'a: Pulling fs layer'
  while :; do sleep 0.05; done ;;
  ${others}
esac`
/** An image that is not there. */
const absent = 'image) exit 1 ;;'

/** How long the program has patience, for a test. */
const impatient: HostCall = ['eval', 'stall=30; limit_of() { case $1 in rm | version | ps) call_limit=5 ;; *) call_limit=1 ;; esac; }']

describe.each(['dash', 'busybox'])('what hangs is ended, with %s:', (shell) => {
  it('a registry that takes the connection and then is silent; nothing was changed, and the lock is free', () => {
    using host = box(shell, { docker: hangs('pull', absent) })
    const lines = host.apply([impatient, ['pull', 'registry.example.org/addie@sha256:0']])
    expect(lines.find(({ step, state }) => step === 'pull' && state === 'failed')?.note).toMatch(
      /^registry\.example\.org\/addie@sha256:0: nothing has come for 0 min: docker pull was ended/,
    )
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'failed' })
    expect(readFileSync(join(host.root, 'ended'), 'utf8')).toBe('pull\n')
    expect(host.apply([]).at(-1)).toMatchObject({ step: 'end', state: 'done' })
  })

  it('not a pull that goes on, layer by layer', () => {
    const docker = `case $1 in pull) for layer in a b c d e f g h; do echo "$layer: Pull complete"; sleep 0.2; done; : > "$BOX/pulled" ;; image) [ -e "$BOX/pulled" ] ;; esac`
    using host = box(shell, { docker })
    const lines = host.apply([
      ['eval', 'stall=100'],
      ['pull', 'image'],
    ])
    expect(lines.find(({ step, state }) => step === 'pull' && state === 'done')?.note).toBe('image')
  })

  it('and why a pull was refused is docker’s own last word', () => {
    using host = box(shell, { docker: `case $1 in pull) echo 'a: Waiting'; echo 'denied: no access' >&2; exit 1 ;; ${absent} esac` })
    expect(host.apply([['pull', 'image']]).find(({ state }) => state === 'failed')?.note).toBe('image: denied: no access')
  })

  it.each<[string, HostCall]>([
    ['start', ['start', 'web', 'it']],
    ['network', ['network', 'shop']],
  ])('an engine that does not answer docker %s', (verb, call) => {
    using host = box(shell, { docker: hangs(verb) })
    const lines = host.apply([impatient, call])
    expect(lines.find(({ state }) => state === 'failed')?.note).toContain(`the engine does not answer: docker ${verb} was ended after 1 s`)
    expect(lines.at(-1)?.step).toBe('end')
  })
})

describe.each(['dash', 'busybox'])('who hangs all the same, with %s,', (shell) => {
  it('can be ended by the number that the lock names, and is undone', async () => {
    using host = box(shell, { docker: hangs('pull', `${absent} rm) echo "$3" >> "$BOX/removed" ;;`) })
    const folder = join(host.home, 'attempts', host.attempt.attempt)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(host.home, 'journal.jsonl'), '')
    const program = join(folder, 'apply.sh')
    writeFileSync(
      program,
      applyProgram({ ...host.attempt, did: 'deploy' }, [['begin'], ['will_undo', 'remove', 'it', 'run', 'web'], ['pull', 'image']]),
    )
    // As launch.sh starts it.
    const env = { ...host.env, LW_APPLY: program }
    const supervisor = spawn(host.sh, ['-c', 'sh "$LW_APPLY" || exec sh "$LW_APPLY" rescue'], { stdio: 'ignore', env })
    const ended = new Promise((resolve) => supervisor.once('exit', resolve))
    await eventually(() => host.journal().some(({ step, state }) => step === 'pull' && state === 'start'))
    await eventually(() => existsSync(join(host.root, 'hangs')))
    const [, pid = ''] = /, process (\d+)$/.exec(readFileSync(join(host.home, 'lock.holder'), 'utf8').trim()) ?? []
    process.kill(Number(pid))
    await ended
    process.kill(Number(readFileSync(join(host.root, 'hangs'), 'utf8')), 'SIGKILL')
    expect(readFileSync(join(host.root, 'removed'), 'utf8')).toBe('it\n')
    expect(host.journal().at(-1)).toMatchObject({ step: 'end', state: 'undone' })
    expect(host.apply([]).at(-1)).toMatchObject({ step: 'end', state: 'done' })
  })
})
