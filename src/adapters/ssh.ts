import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Exec, Files, Output, Remote, RunOptions, Ssh } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import {
  askJump,
  checkMaster,
  clientConfig,
  closeMaster,
  explainSsh,
  fingerprint,
  jumpFailed,
  normaliseKey,
  offendingKey,
  openMaster,
  parseAddress,
  remoteReader,
  remoteShell,
} from '../tools/ssh.ts'
import { lastLines } from './call-errors.ts'

/** OpenSSH ends with this code when the connection, not the program, failed. */
const connectionFailed = 255

/** OpenSSH's client: one connection a host, shared by all its execs. Honours ~/.ssh/config; host keys are always checked. */
export function openSsh(exec: Exec, scratch: Pick<Files, 'temporary'>): Ssh {
  return {
    async connect(host, settings, { key, signal }) {
      const address = parseAddress(host)
      // The path of a control socket may have about 100 characters: no deep folder.
      const folder = await mkdtemp(join(tmpdir(), 'lw-ssh-'))
      const files = { config: join(folder, 'config'), control: join(folder, 'c'), log: join(folder, 'log') }
      // The key lies in the folder of the run, which a runner clears even when the job was killed.
      const keyFile = key === undefined ? undefined : join(await scratch.temporary('ssh'), 'key')
      let opened: OpenShell | undefined
      const close = async (): Promise<void> => {
        void opened?.give('')
        await exec.run(closeMaster(address, files), { accept: [0, connectionFailed] }).catch(() => undefined)
        await Promise.all(
          [folder, ...(keyFile === undefined ? [] : [dirname(keyFile)])].map((path) => rm(path, { recursive: true, force: true })),
        )
      }
      try {
        if (key !== undefined && keyFile !== undefined) await writeFile(keyFile, normaliseKey(key.reveal()), { mode: 0o600 })
        const knownHosts = settings.knownHosts === undefined ? undefined : resolve(settings.knownHosts)
        await writeFile(files.config, clientConfig(settings, { knownHosts, key: keyFile, home: otherHome() }), { mode: 0o600 })
        const master = await exec.run(openMaster(address, settings, files), { signal, accept: [0, connectionFailed] })
        if (master.code !== 0) {
          const said = await readFile(files.log, 'utf8').catch(() => '')
          const jump = jumpFailed.test(said) ? (await exec.run(askJump(address, settings, files), { signal, accept: anyCode })).stderr : ''
          throw unreachable(host, `${jump}${said}`, knownHosts, await knownKey(`${jump}${said}`))
        }
      } catch (error) {
        // The connection goes into the background by itself, perhaps just before it was to be ended.
        await close()
        throw error
      }

      const remote: Remote = {
        host,
        async sh(program, options = {}) {
          const { sudo = false, timeoutMs, ...rest } = options
          const isPlain = !sudo && timeoutMs === undefined && rest.streams === undefined && rest.signal === undefined
          const shell = isPlain && opened?.isThere() === true ? opened : undefined
          if (shell !== undefined) opened = undefined
          const call = {
            ...(rest.streams === undefined
              ? { ...remoteShell(address, settings, files, sudo), stdin: program }
              : { ...remoteReader(address, settings, files, sudo), stdin: counted(program) }),
            // A client that shares a connection hears no kinder signal, and has nothing to tidy up.
            graceMs: 0,
            secret: true,
            ...(timeoutMs === undefined ? {} : { timeoutMs }),
          }
          const accept = rest.accept ?? [0]
          const output = await (shell?.give(program, rest.onLine) ?? exec.run(call, { signal, ...rest, accept: anyCode }))
          // A client that was killed says nothing of its own, nor of the program, whether the others on its connection live or not.
          if (output.isKilled === true) throw lost(host)
          const isOdd = output.code === connectionFailed || !accept.includes(output.code)
          if (isOdd && !(await isOpen())) throw lost(host)
          if (!accept.includes(output.code)) throw programFailed(host, program, output)
          return output
        },
        ready() {
          opened ??= openShell((options) =>
            exec.run(
              { ...remoteShell(address, settings, files, false), graceMs: 0, secret: true },
              { signal, ...options, accept: anyCode },
            ),
          )
        },
        [Symbol.asyncDispose]: close,
      }
      // A program of the host may itself end with OpenSSH's own code.
      const isOpen = async (): Promise<boolean> =>
        (await exec.run(checkMaster(address, files), { accept: [0, connectionFailed] })).code === 0
      return remote
    },
  }
}

/** A shell on a host that waits for its program. */
interface OpenShell {
  /** A host may refuse a second one on the same connection, or the connection break. */
  isThere(): boolean
  give(program: string | Secret, onLine?: RunOptions['onLine']): Promise<Output>
}

function openShell(run: (options: RunOptions) => Promise<Output>): OpenShell {
  const program = Promise.withResolvers<string | Secret>()
  let isThere = true
  let listener: RunOptions['onLine']
  const output = run({ input: program.promise, onLine: (...said) => listener?.(...said) })
  const ended = (): void => void (isThere = false)
  output.then(ended, ended)
  return {
    isThere: () => isThere,
    give(text, onLine) {
      listener = onLine
      program.resolve(text)
      return output
    },
  }
}

function unreachable(host: string, said: string, knownHosts: string | undefined, known: string | undefined): LaunchwayError {
  const { code, message, hint } = explainSsh(said, host, knownHosts, known)
  return new LaunchwayError(code, message, { hint })
}

/** The fingerprint of the key that known_hosts has for a host which shows another one. */
async function knownKey(said: string): Promise<string | undefined> {
  const place = offendingKey(said)
  if (place === undefined) return undefined
  const text = await readFile(place.file, 'utf8').catch(() => '')
  return fingerprint(text.split('\n')[place.line - 1] ?? '')
}

/** A program that was given in secret may write what it holds. */
export function programFailed(host: string, program: string | Secret, { code, stdout, stderr }: Output): LaunchwayError {
  const said = program instanceof Secret ? '' : lastLines(stderr.trim() === '' ? stdout : stderr)
  return new LaunchwayError('COMMAND_FAILED', `the program on ${host} ended with exit code ${code}`, {
    hint: said === '' ? 'It said nothing that can be shown.' : said,
  })
}

/** As `remoteReader` wants it. */
function counted(program: string | Secret): Secret {
  const text = program instanceof Secret ? program.reveal() : program
  return new Secret(`${Buffer.byteLength(text)}\n${text}`)
}

function lost(host: string): LaunchwayError {
  return new LaunchwayError('SSH_UNREACHABLE', `the connection to ${host} broke in the middle`, {
    hint: 'What was started there may go on: `launchway status` shows what runs.',
  })
}

/** HOME, where it is not the home of the account: so it is in a container job, where ssh alone keeps to the account's. */
function otherHome(): string | undefined {
  return homedir() === userInfo().homedir ? undefined : homedir()
}
