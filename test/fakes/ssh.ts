import { programFailed } from '../../src/adapters/ssh.ts'
import { command } from '../../src/core/command.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Remote, Ssh } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeExec, type Said } from './exec.ts'

/** What a host answers to a program; an error instead of a host that cannot be reached. */
export type Host = LaunchwayError | ((program: string, asked: { sudo: boolean }) => Said)

export interface FakeSsh extends Ssh {
  /** Every program that a host was given, in order. */
  readonly programs: readonly { host: string; program: string; sudo: boolean }[]
  /** Connections that stand. */
  readonly open: ReadonlySet<string>
}

/** Hosts that answer from a script. One that is not in it cannot be reached. */
export function fakeSsh(hosts: Readonly<Record<string, Host>>): FakeSsh {
  const programs: { host: string; program: string; sudo: boolean }[] = []
  const open = new Set<string>()
  return {
    programs,
    open,
    async connect(host, _, { signal }) {
      signal.throwIfAborted()
      const answer = hosts[host] ?? new LaunchwayError('SSH_UNREACHABLE', `${host} cannot be reached over SSH`)
      if (answer instanceof LaunchwayError) throw answer
      open.add(host)
      const remote: Remote = {
        host,
        async sh(program, { sudo = false, timeoutMs, ...options } = {}) {
          const text = program instanceof Secret ? program.reveal() : program
          programs.push({ host, program: text, sudo })
          const said = answer(text, { sudo })
          const shell = { ...command('ssh', []), secret: true, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
          const output = await fakeExec({ ssh: said }).run(shell, { signal, ...options, accept: [said.code ?? 0] })
          if (!(options.accept ?? [0]).includes(output.code)) throw programFailed(host, program, output)
          return output
        },
        [Symbol.asyncDispose]: async () => void open.delete(host),
      }
      return remote
    },
  }
}
