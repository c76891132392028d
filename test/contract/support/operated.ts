import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { hostPaths } from '../../../src/core/names.ts'
import { bare, type Ended, through } from './doors.ts'
import { openFolder } from './folder.ts'
import { environmentName, type HostUnderTest, labHost, newStateRoot } from './host.ts'
import { deployTo, type PushedImage, type Wish } from './release.ts'
import { host as address, labKey, realSsh, settings } from './ssh.ts'

/** Hosts of the lab with an application, and a folder from which somebody operates it over real SSH. */
export interface Operated extends AsyncDisposable {
  machines: HostUnderTest[]
  addresses: string[]
  folder: string
  home: string
  /** launchway.yml of the folder. */
  configure(services: object, more?: object, registries?: object): void
  deploy(version: string, wish?: Partial<Wish>): Promise<string>
  /** The command line, in a process of its own. */
  launchway(args: string[], of?: Opened): Promise<Ended & { bytes: Buffer }>
}

interface Opened {
  input?: string | Buffer
  env?: Record<string, string>
  /** Called with all of standard output so far; the signal is sent when it answers true. */
  until?: (out: string) => boolean
  signal?: NodeJS.Signals
}

let ids = 0

/** @param at names of the lab's hosts, each with the account */
export async function operated(image: () => PushedImage, at: [string, string][], defaults: Partial<Wish> = {}): Promise<Operated> {
  const folder = await openFolder()
  const stateRoot = newStateRoot()
  const { hosts, knownHosts } = inject('lab')
  const made = at.map(([suite, user]) => labHost(hosts[suite]?.container ?? '', user === 'ops' ? 'root' : user, 0, stateRoot))
  const [first] = made
  if (first === undefined) throw new Error('no host')
  // Of one application, which each host would have made up for itself.
  const machines = made.map((machine, index) =>
    index === 0 ? machine : labHost(hosts[at[index]?.[0] ?? '']?.container ?? '', 'root', 0, stateRoot, '', first.app),
  )
  const addresses = at.map(([suite, user]) => address(suite, user))
  const { home } = hostPaths(stateRoot, first.app, environmentName)
  for (const [index, machine] of machines.entries())
    await asRoot(at[index]?.[0] ?? '', `install -d -m 755 -o ${at[index]?.[1] === 'ops' ? 'root' : at[index]?.[1]} ${machine.stateRoot}`)
  let stamp = Date.now()
  return {
    machines,
    addresses,
    folder: folder.path,
    home,
    configure(services, more = {}, registries = {}) {
      const config = {
        app: first.app,
        image: image().repository,
        scan: false,
        registries: { [image().repository.split('/')[0] ?? '']: { 'plain-http': true }, ...registries },
        environments: { [environmentName]: { hosts: addresses, state: stateRoot, ssh: { 'known-hosts': knownHosts }, services, ...more } },
      }
      writeFileSync(join(folder.path, 'launchway.yml'), JSON.stringify(config))
    },
    async deploy(version, wish = {}) {
      ids += 1
      stamp += 1000
      const at14 = new Date(stamp).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)
      const id = `${at14.slice(0, 8)}-${at14.slice(8)}-${String(ids).padStart(7, '0')}`
      for (const [index, machine] of machines.entries()) {
        const over = { address: addresses[index] ?? '', ssh: realSsh(), key: labKey(), settings: settings() }
        await deployTo(machine, image(), { version, id, over, ...defaults, ...wish })
      }
      return id
    },
    launchway: (args, of) => opened(args, folder.path, of),
    async [Symbol.asyncDispose]() {
      for (const machine of machines) await machine[Symbol.asyncDispose]()
      for (const [suite] of at) {
        const clean = `for one in $(docker ps --all --quiet --filter label=launchway.exec=${first.app}.${environmentName}); do docker rm --force "$one"; done
          rm -rf ${stateRoot}
          [ -z "$(find /etc/nginx -name '*${first.app}*')" ] || { find /etc/nginx -name '*${first.app}*' -prune -exec rm -rf '{}' +; nginx -s reload; }`
        await asRoot(suite, clean)
      }
      await folder[Symbol.asyncDispose]()
    },
  }
}

function asRoot(suite: string, text: string): Promise<string> {
  return labHost(inject('lab').hosts[suite]?.container ?? '', 'root', 0).ask(text)
}

function opened(
  args: string[],
  cwd: string,
  { input, env = {}, until, signal = 'SIGINT' }: Opened = {},
): Promise<Ended & { bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, through('cli', args), {
      cwd,
      env: bare({ SSH_KEY: labKey().reveal(), ...env }),
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let sent = false
    child.stdout?.on('data', (chunk: Buffer) => {
      out.push(chunk)
      if (sent || until === undefined || !until(Buffer.concat(out).toString())) return
      sent = true
      child.kill(signal)
    })
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
    child.once('error', reject)
    child.once('close', (code) => {
      const bytes = Buffer.concat(out)
      resolve({ code, out: bytes.toString(), err: Buffer.concat(err).toString(), bytes })
    })
  })
}
