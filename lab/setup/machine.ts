import { existsSync, readFileSync, readdirSync, statfsSync } from 'node:fs'
import { platform } from 'node:os'
import { delimiter, join } from 'node:path'
import { LaunchwayError } from '../../src/core/error.ts'
import { call } from '../run.ts'

/** What kind of machine this is, as far as set-up must know. */
export const isRoot = process.getuid?.() === 0
export const isLinux = platform() === 'linux'

/** `bookworm` on Debian 12; undefined where this is no Debian. */
export function debianSuite(): string | undefined {
  const release = isLinux && existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  return /^ID=debian$/m.test(release) ? /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] : undefined
}

/** Whether set-up may install Debian packages by itself. */
export const canInstall = isRoot && debianSuite() !== undefined

/** The mirror that this machine takes its packages from: no file of the project names one. */
export function debianMirror(): string {
  const folder = '/etc/apt/sources.list.d'
  const files = ['/etc/apt/sources.list', ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])]
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'))
  const suite = debianSuite() ?? ''
  for (const text of texts) {
    for (const block of text.split(/\n\s*\n/)) {
      const suites = /^Suites:\s*(.*)$/m.exec(block)?.[1]?.split(/\s+/)
      const uri = /^URIs:\s*(\S+)/m.exec(block)?.[1]
      if (uri !== undefined && suites?.includes(suite) === true) return uri
    }
    const line = new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+)\\s+${suite}\\s+main`, 'm').exec(text)?.[1]
    if (line !== undefined) return line
  }
  throw new LaunchwayError('TOOL_MISSING', 'no package source for this Debian was found in /etc/apt', {
    hint: 'Add one to /etc/apt/sources.list.',
  })
}

export function inPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))
}

let installing: Promise<unknown> = Promise.resolve()

/** Installs Debian packages, one call after the other: dpkg has one lock. `name/suite` takes it from another suite. */
export function aptInstall(packages: readonly string[], onLine: (line: string) => void): Promise<unknown> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const mine = installing.then(async () => {
    await call('apt-get', ['update', '-q'], { env })
    await call('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
      env,
      onLine: (line) => {
        if (/^(Need to get|Setting up)/.test(line)) onLine(line)
      },
    })
  })
  installing = mine.catch(() => undefined)
  return mine
}

/** Fails, saying so, when a folder's disk has less room. */
export function needDisk(folder: string, gigabytes: number, what: string): void {
  const { bavail, bsize } = statfsSync(folder)
  const free = (bavail * bsize) / 1e9
  if (free >= gigabytes) return
  throw new LaunchwayError('TOOL_MISSING', `${what} needs ${gigabytes} GB of disk below ${folder}; ${free.toFixed(1)} GB are free`, {
    hint: 'Make room (docker system prune, old logs), or point LAUNCHWAY_CACHE at a larger disk.',
  })
}
