import { inject, onTestFinished } from 'vitest'
import { docker } from '../../../lab/run.ts'
import { JournalLine } from '../../../src/core/journal.ts'
import type { Account, Place } from '../../support/places.ts'
import { accountOn, type HostUnderTest, needed, newApp, newStateRoot, ranOn } from './host.ts'
import { pathsOf } from './hosts.ts'
import { siteHost, type SiteHost } from './site.ts'

/** `crew` may use docker and sudo, without a password: nginx is for root to configure, whoever uses docker. */
const users: Readonly<Record<Account, string>> = { root: 'root', 'docker group': 'deploy', 'sudo only': 'ops' }

interface Opened {
  stateRoot?: string
  /** Programs that the account does not find there. */
  without?: readonly string[]
  /** A folder there whose programs come before all others, whoever runs them. */
  bin?: string
  /** Programs that a host with busybox has besides it. */
  also?: readonly string[]
}

/**
 * A host of the lab as a place has it, until the end of the test: the programs of launchway run as the account and with the tools
 * of the place, what the test itself asks there runs as root and with all that the host has.
 */
export function hostAt(place: Place, of: Opened = {}): Promise<HostUnderTest> {
  return opened(place, users[place.account], of)
}

/** The same, with an application behind its nginx. */
export async function siteAt(place: Place, of: Opened = {}): Promise<SiteHost> {
  const on = await opened(place, place.account === 'docker group' ? 'crew' : users[place.account], { also: ['nginx', 'curl'], ...of })
  return siteHost(place.suite, { on })
}

async function opened(place: Place, user: string, of: Opened): Promise<HostUnderTest> {
  const app = newApp()
  // For a service that owns it; seldom that of another application which is there at the same time.
  const port = 8100 + (Number.parseInt(app.slice(1), 16) % 800)
  const { stateRoot = newStateRoot(), without = [], also = [], bin } = of
  const container = inject('lab').hosts[place.suite]?.container ?? ''
  const inside = (text: string, ...words: string[]): Promise<string> => docker('exec', container, 'sh', '-euc', text, 'sh', ...words)
  if (user === 'crew') {
    await inside(
      `id crew > /dev/null 2>&1 || useradd --groups docker crew
      echo 'crew ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/crew
      install -d -o crew "$1"`,
      stateRoot,
    )
  }
  const ownTools = place.shell === 'busybox' || without.length > 0 ? await inside(toolsOf(place, without, also)) : undefined
  if (ownTools !== undefined) onTestFinished(async () => void (await inside('rm -rf "$1"', ownTools)))
  const usual = ownTools ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const root = accountOn(container, 'root', port, stateRoot, '', app)
  if (bin !== undefined && user !== 'root') {
    // What sudo starts finds it as well.
    const file = `/etc/sudoers.d/path-${app}`
    await inside('echo "Defaults:$1 !secure_path" > "$2"', user, file)
    onTestFinished(async () => void (await inside('rm -f "$1"', file)))
  }
  const path = bin === undefined ? (ownTools ?? '') : `${bin}:${usual}`
  const own = accountOn(container, user, port, stateRoot, path, app)
  ranOn(place.suite, place.shell, place.account)
  return { ...root, remote: (hooks) => own.remote(hooks) }
}

/**
 * A shell text that makes a folder with all programs but some, and prints it. On a host with busybox those that busybox has are
 * its own, and of all others there are only those that it cannot be without.
 */
function toolsOf({ shell }: Place, without: readonly string[], also: readonly string[]): string {
  const all = 'ln -sf /usr/local/sbin/* /usr/local/bin/* /usr/sbin/* /usr/bin/* .'
  const few = `for tool in $(busybox --list); do ln -sf "$(command -v busybox)" "$tool"; done
    for tool in ${[...needed, 'systemd-run', ...also].join(' ')}; do
      [ -e "$tool" ] || ! found=$(command -v "$tool") || ln -s "$found" "$tool"
    done`
  return `bin=$(mktemp -d /tmp/launchway-tools-XXXXXX) && chmod 755 "$bin" && cd "$bin"
    ${shell === 'busybox' ? few : all}
    ${without.length > 0 ? `rm -f ${without.join(' ')}` : ''}
    echo "$bin"`
}

/** The steps of its journal, with what each came to. */
export async function stepsAt(host: HostUnderTest): Promise<string[]> {
  return (await journalAt(host)).map(({ step, state }) => `${step} ${state}`)
}

export async function journalAt(host: HostUnderTest): Promise<JournalLine[]> {
  const text = await host.ask(`cat ${pathsOf(host).journal}`)
  return text.split('\n').map((line) => JournalLine.parse(JSON.parse(line)))
}
