import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { TestRunner } from 'vitest'
import { ask } from '../../../lab/run.ts'
import { processExec } from '../../../src/adapters/exec.ts'
import { command } from '../../../src/core/command.ts'
import { hostPaths } from '../../../src/core/names.ts'
import type { Output, Remote, RunOptions } from '../../../src/core/ports.ts'
import { Secret } from '../../../src/core/secret.ts'

/** A machine that the host programs run on: this one with another set of tools, or a host of the lab. */
export interface HostUnderTest extends AsyncDisposable {
  app: string
  /** Where launchway keeps its state there. */
  stateRoot: string
  /** A port of its loopback that is free. */
  port: number
  remote(hooks?: Hooks): Remote
  /** Runs a shell text there. */
  ask(text: string): Promise<string>
  /** What the service on the port answers, within 20 s; empty when nobody does. */
  answer(): Promise<string>
  containers(): Promise<{ name: string; state: string; service: string; release: string }[]>
}

/** What happens while a deploy is under way. */
export interface Hooks {
  /** After the host has been looked at, before the program is brought. */
  beforeLaunch?: () => Promise<unknown>
  onLine?: (line: string) => void
  /** Instead of the time that looking at the host may take. */
  lookMs?: number
  /** Loses the connection at the first line that matches: the shell gets SIGHUP, and nobody reads its output. */
  cutAt?: RegExp
}

export const environmentName = 'test'

type Shell = (
  program: string | Secret,
  options: RunOptions & { cutAt?: RegExp | undefined; timeoutMs?: number | undefined; sudo?: boolean },
) => Promise<Output>

/** The tools that the programs need; everything else is not in PATH, so that a new need does not go unseen. */
export const needed = 'awk basename cat chmod date dd df dirname docker flock grep id ls mkdir mv rm sed setsid sleep tail tr'.split(' ')

export interface Toolbox {
  name: string
  shell: 'dash' | 'busybox'
  probe: 'curl' | 'wget'
  /** Further ones, for what not every release has. */
  more?: readonly string[]
}

/** This machine, with the tools of a toolbox alone. */
export function thisMachine(toolbox: Toolbox, port: number): HostUnderTest & { bin: string } {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-host-'))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const applets = toolbox.shell === 'busybox' ? readApplets() : new Set<string>()
  for (const tool of [...needed, ...(toolbox.more ?? []), toolbox.probe, ...(toolbox.shell === 'busybox' ? ['timeout'] : [])])
    symlinkSync(which(applets.has(tool) ? 'busybox' : tool), join(bin, tool))
  symlinkSync(which(toolbox.shell), join(bin, 'sh'))
  const shell: Shell = (program, options) =>
    runShell(
      command(join(bin, 'sh'), wordsOf(options), {
        env: { PATH: bin, HOME: folder, DOCKER_CONFIG: join(folder, '.docker') },
        stdin: inputOf(program, options),
      }),
      options,
    )
  ranOn(toolbox.shell, process.getuid?.() === 0 ? 'root' : 'docker group')
  const host = hostOn(shell, join(folder, 'state'), port, async () => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) })).text()
    } catch {
      return ''
    }
  })
  return {
    ...host,
    bin,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Tells the reporter what the test that runs just now runs on. */
export function ranOn(...words: string[]): void {
  const test = TestRunner.getCurrentTest()
  if (test !== undefined) test.meta.on = [...new Set([...(test.meta.on ?? []), ...words])].toSorted()
}

export const newStateRoot = (): string => `/var/lib/launchway/contract-${randomBytes(4).toString('hex')}`

/**
 * A host of the lab, by way of its engine: what the age of engine and tools does is seen there.
 * @param bin a folder there whose programs come before all others
 */
export function labHost(container: string, user: string, port: number, root = newStateRoot(), bin = '', app = newApp()): HostUnderTest {
  const suite = container.slice(container.lastIndexOf('-') + 1)
  ranOn(suite, bin.includes('busybox') ? 'busybox' : 'dash', { deploy: 'docker group', ops: 'sudo only' }[user] ?? user)
  return accountOn(
    container,
    user,
    port,
    root,
    bin === '' ? '' : `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    app,
  )
}

/** An account of a host of the lab. @param path where it finds its programs, if not where all do */
export function accountOn(container: string, user: string, port: number, root: string, path: string, app = newApp()): HostUnderTest {
  const where = path === '' ? [] : ['--env', `PATH=${path}`]
  const shell: Shell = (program, { sudo = false, ...options }) => {
    const words = [...(sudo ? ['sudo', '-n'] : []), 'sh', ...wordsOf(options)]
    const stdin = inputOf(program, options)
    return runShell(command('docker', ['exec', '--interactive', '--user', user, ...where, container, ...words], { stdin }), options)
  }
  const asked = (): Promise<string | undefined> => ask('docker', ['exec', container, 'curl', '-s', `http://127.0.0.1:${port}/`])
  return hostOn(shell, root, port, async () => (await asked()) ?? '', app)
}

/** One that has just been started again listens a moment later. */
async function answered(ask: () => Promise<string>): Promise<string> {
  const until = performance.now() + 20_000
  for (;;) {
    const answer = (await ask()).trim()
    if (answer !== '' || performance.now() > until) return answer
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export const newApp = (): string => `t${randomBytes(5).toString('hex')}`

function hostOn(shell: Shell, stateRoot: string, port: number, answer: () => Promise<string>, app = newApp()): HostUnderTest {
  const filter = `--filter label=launchway.app=${app}`
  const inside = async (text: string): Promise<string> => (await shell(text, {})).stdout.trim()
  return {
    app,
    stateRoot,
    port,
    answer: () => answered(answer),
    ask: inside,
    remote: (hooks = {}) => ({
      host: 'host',
      async sh(program, options = {}) {
        const isLaunch = program instanceof Secret
        if (isLaunch) await hooks.beforeLaunch?.()
        const onLine: NonNullable<RunOptions['onLine']> = (line, stream) => {
          hooks.onLine?.(line)
          options.onLine?.(line, stream)
        }
        return shell(program, {
          ...options,
          onLine,
          cutAt: isLaunch ? hooks.cutAt : undefined,
          timeoutMs: isLaunch ? undefined : (hooks.lookMs ?? options.timeoutMs),
        })
      },
      async [Symbol.asyncDispose]() {},
    }),
    async containers() {
      const lines = await inside(
        `docker ps --all ${filter} --format '{{.Names}} {{.State}} {{.Label "launchway.service"}} {{.Label "launchway.release"}}'`,
      )
      return lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(' '))
        .map(([name = '', state = '', service = '', release = '']) => ({ name, state, service, release }))
        .toSorted((one, other) => one.name.localeCompare(other.name))
    },
    async [Symbol.asyncDispose]() {
      // A program that a test left running ends first: it would start containers again.
      await inside(`
        for pid in ${hostPaths(stateRoot, app, environmentName).home}/attempts/*/pid; do [ -e "$pid" ] && kill -9 "-$(cat "$pid")"; done
        for one in $(docker ps --all --quiet ${filter}); do docker rm --force --volumes "$one"; done
        for one in $(docker network ls --quiet ${filter}); do docker network rm "$one"; done
        rm -rf '${stateRoot}'
      `)
    },
  }
}

/** As over SSH: with streams the program finds their input as its own. */
function wordsOf({ streams }: RunOptions): string[] {
  return streams === undefined ? ['-s'] : ['-c', 'read -r n && p=$(dd bs=1 count="$n" 2> /dev/null) && eval "$p"']
}

function inputOf(program: string | Secret, { streams }: RunOptions): string | Secret {
  if (streams === undefined || program instanceof Secret) return program
  return `${Buffer.byteLength(program)}\n${program}`
}

function runShell(
  shell: Parameters<typeof processExec.run>[0],
  { cutAt, onLine, timeoutMs, ...options }: Parameters<Shell>[1],
): Promise<Output> {
  const call = timeoutMs === undefined ? shell : { ...shell, timeoutMs }
  if (cutAt === undefined) return processExec.run(call, { ...options, ...(onLine === undefined ? {} : { onLine }) })
  const connection = new AbortController()
  return processExec.run(call, {
    signal: connection.signal,
    onLine(line, stream) {
      onLine?.(line, stream)
      if (cutAt.test(line)) connection.abort(new Error('the connection broke'))
    },
  })
}

function readApplets(): Set<string> {
  return new Set(execFileSync('busybox', ['--list'], { encoding: 'utf8' }).split('\n'))
}

export function which(program: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  throw new Error(`${program} is not installed`)
}

export function journalOf(host: HostUnderTest): string {
  const { journal } = hostPaths(host.stateRoot, host.app, environmentName)
  return existsSync(journal) ? readFileSync(journal, 'utf8') : ''
}

/**
 * Lines of a shell that find the outermost program with such a command line above this one: `name` is its number, or empty.
 * What was killed while they look has nobody above it.
 */
export function outermost(name: string, pattern: string): string {
  return `${name}='' pid=$PPID
while [ "\${pid:-1}" -gt 1 ]; do
  case $(tr '\\0' ' ' < /proc/$pid/cmdline) in ${pattern}) ${name}=$pid ;; esac
  parent=''
  while read -r field value; do [ "$field" != PPid: ] || parent=$value; done < /proc/$pid/status
  pid=$parent
done 2> /dev/null`
}

/**
 * Lines of a shell that count how often they were come by, with this one: `count`. Containers are stopped side by side, so two lines
 * of a journal may come at once, and each has a number of its own.
 */
export const counted = (folder: string): string => `exec 3>> ${folder}/lines.lock
flock 3
echo >> ${folder}/lines
count=$(wc -l < ${folder}/lines)
exec 3>&-`

/**
 * A line of a shell that ends a program, and first the one that would clean up after it: as where a machine goes down, all else is
 * for the next deploy. @param name of the variable that has its number
 */
export const killWhole = (name: string): string => `kill -9 $(awk '$1 == "PPid:" { print $2 }' "/proc/$${name}/status") "$${name}"`
