import { mkdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { parseObservation } from '../../src/deploy/observation.ts'
import { applyProgram, swarmFunctions } from '../../src/deploy/program.ts'
import { box } from './support/box.ts'

const unread = "echo 'WARNING: Error loading config file: /home/ada/.docker/config.json: permission denied' >&2"

/** A docker that says of each container that it is in this state, and warns each time. */
const docker = (states: Record<string, string>): string => `${unread}
[ "$1" != version ] || echo '26.1.5 linux/amd64'
case "$1 $*" in ${Object.entries(states)
  .map(([asked, state]) => `inspect*'${asked}'*) echo '${state}' ;;`)
  .join(' ')} esac`

describe.each(['dash', 'busybox'])('a warning beside an answer is none of it, with %s', (shell) => {
  it('of docker, whose configuration the account cannot read', () => {
    using host = box(shell, { docker: docker({}) })
    expect(parseObservation('shop', host.observe()).engine).toEqual({ version: '26.1.5', platform: 'linux/amd64' })
  })

  it('of sudo, which does not find the name of the host', () => {
    using host = box(shell, {
      sudo: `echo 'sudo: unable to resolve host vps123: Name or service not known' >&2; shift; ROOT=yes exec "$@"`,
      docker: `[ -n "\${ROOT-}" ] || { echo 'permission denied' >&2; exit 1; }\n${docker({})}`,
    })
    expect(parseObservation('shop', host.observe()).engine).toEqual({ version: '26.1.5', platform: 'linux/amd64' })
  })

  it('and where there is no answer, its last words are why', () => {
    using host = box(shell, { docker: `${unread}\necho; echo 'Cannot connect to the Docker daemon' >&2; exit 1`, sudo: 'exit 1' })
    expect(parseObservation('shop', host.observe())).toMatchObject({
      engine: undefined,
      engineSaid: 'Cannot connect to the Docker daemon',
    })
  })

  it('when a stack is looked at until all of it is back', () => {
    const services = `case "$1 $2" in 'service ls') echo 'shop_web 1/1' ;; 'service ps') echo 'shop_web.1 Running Running 2 minutes ago' ;; esac`
    using host = box(shell, { docker: `${unread}\n${services}` })
    mkdirSync(host.home, { recursive: true })
    const looked = ['eval', 'start_step undo; if wait_undone; then end_step undo; fi'] as const
    host.run(applyProgram(host.attempt, [['begin'], looked, ['finish']], swarmFunctions({ LW_STACK: 'shop' })))
    expect(host.journal().filter(({ step, state }) => step === 'undo' && state !== 'start')).toMatchObject([{ state: 'done' }])
  })

  it.each<[string, Record<string, string>, HostCall]>([
    ['a container is well', { State: 'running healthy' }, ['watch', 'web', 'it', 'container', '300', '0', '20']],
    ['a worker stays up', { State: 'running 0 1 healthy' }, ['stay', 'worker', 'it', '1', '1']],
    [
      'a command has ended',
      { '{{.State.Status}} it': 'exited', ExitCode: 'exited 0 false ' },
      ['before_switch', 'web', 'it', '3', '', '--label', 'a=b', 'image'],
    ],
  ])('when it is asked whether %s', (_, states, call) => {
    using host = box(shell, { docker: docker(states) })
    const lines = host.apply([call])
    expect(lines.filter(({ state }) => state === 'failed')).toEqual([])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'done' })
  })
})
