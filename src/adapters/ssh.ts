import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Exec, Remote, Ssh } from '../core/ports.ts'
import { clientConfig, closeMaster, explainSsh, normaliseKey, openMaster, parseAddress, remoteShell } from '../tools/ssh.ts'

/** OpenSSH ends with this code when the connection, not the program, failed. */
const connectionFailed = 255

/** OpenSSH's client: one connection a host, shared by all its execs. Honours ~/.ssh/config; host keys are always checked. */
export function openSsh(exec: Exec): Ssh {
  return {
    async connect(host, settings, { key, signal }) {
      const address = parseAddress(host)
      // The path of a control socket may have about 100 characters: no deep folder.
      const folder = await mkdtemp(join(tmpdir(), 'lw-ssh-'))
      const files = { config: join(folder, 'config'), control: join(folder, 'c'), log: join(folder, 'log') }
      const keyFile = key === undefined ? undefined : join(folder, 'key')
      const removeFiles = (): Promise<void> => rm(folder, { recursive: true, force: true })
      try {
        if (key !== undefined && keyFile !== undefined) await writeFile(keyFile, normaliseKey(key.reveal()), { mode: 0o600 })
        const knownHosts = settings.knownHosts === undefined ? undefined : resolve(settings.knownHosts)
        await writeFile(files.config, clientConfig(settings, { knownHosts, key: keyFile }), { mode: 0o600 })
        const opened = await exec.run(openMaster(address, settings, files), { signal, accept: [0, connectionFailed] })
        if (opened.code !== 0) throw await unreachable(host, files.log)
      } catch (error) {
        await removeFiles()
        throw error
      }

      const remote: Remote = {
        host,
        async sh(program, options = {}) {
          const { sudo = false, timeoutMs, ...rest } = options
          const call = {
            ...remoteShell(address, settings, files, sudo),
            stdin: program,
            secret: true,
            ...(timeoutMs === undefined ? {} : { timeoutMs }),
          }
          const output = await exec.run(call, { signal, ...rest, accept: [...(rest.accept ?? [0]), connectionFailed] })
          if (output.code === connectionFailed) throw lost(host, output.stderr)
          return output
        },
        async [Symbol.asyncDispose]() {
          await exec.run(closeMaster(address, files), { accept: [0, connectionFailed] }).catch(() => undefined)
          await removeFiles()
        },
      }
      return remote
    },
  }
}

async function unreachable(host: string, log: string): Promise<LaunchwayError> {
  const { code, message, hint } = explainSsh(await readFile(log, 'utf8').catch(() => ''), host)
  return new LaunchwayError(code, message, { hint })
}

function lost(host: string, stderr: string): LaunchwayError {
  const explained = explainSsh(stderr, host)
  return new LaunchwayError(explained.code, `the connection to ${host} broke: ${explained.message}`, { hint: explained.hint })
}
