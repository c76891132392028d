import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'
import { sshAddress } from '../../../lab/lab.ts'
import { docker } from '../../../lab/run.ts'
import { JournalLine } from '../../../src/core/journal.ts'
import { bare, through } from './doors.ts'
import type { FaultKind, Stop } from './fault.ts'
import { pathsOf } from './hosts.ts'
import { eventually } from './processes.ts'
import { deployTo, type PushedImage, releaseFor, type Wish, worker } from './release.ts'
import { rollBack, site, type SiteHost } from './site.ts'
import { clientsOf, labKey, realSsh, settings } from './ssh.ts'

/** One thing that somebody does to a host, step after step, each of which a fault can meet. */
export interface Scenario {
  name: string
  /** Deployed before it, in this order. */
  before: readonly string[]
  /** What may serve after it, by the names in `before`, `new`, or nothing (the empty text). */
  after: readonly string[]
  isRollback?: boolean
  /** MODE of the new version. */
  mode?: string
  /** The web service owns the port; else nginx leads to it. */
  fixedPort?: boolean
}

export const scenarios: readonly Scenario[] = [
  { name: 'a first deploy', before: [], after: ['', 'new'] },
  { name: 'an update behind nginx, with a worker', before: ['old'], after: ['old', 'new'] },
  { name: 'an update of a service with a fixed port', before: ['old'], after: ['old', 'new'], fixedPort: true },
  { name: 'a rollback', before: ['older', 'old'], after: ['older', 'old'], isRollback: true },
  { name: 'an update that does not become well', before: ['old'], after: ['old'], mode: 'sick' },
]

/** @param version its name; `mode` as the server of the tests knows it */
export function servicesOf(host: SiteHost, { fixedPort = false, mode }: Scenario, isNew: boolean): NonNullable<Wish['services']> {
  const isSick = isNew && mode !== undefined
  const env = isSick ? { MODE: mode } : {}
  const health = { kind: 'http' as const, path: '/health', intervalMs: 100, timeoutMs: isSick ? 1000 : 20_000, settleMs: 0 }
  const web = fixedPort ? { name: 'web', port: 8000, publish: '5000', health, env } : site(host, { health, env })
  return [worker, web]
}

/** How the client reaches the host: by its engine, by SSH from this process, or as a program of its own. */
type Way = 'engine' | 'ssh' | 'program'
const wayTo: Record<FaultKind, Way> = {
  'the connection is cut': 'ssh',
  'the runner is killed': 'program',
  'the program on the host is killed': 'engine',
  'the engine is restarted': 'engine',
  'the engine is gone, and comes back later': 'engine',
  'the host is rebooted': 'engine',
}

export interface Client extends AsyncDisposable {
  ended: Promise<unknown>
  /** Ends its ssh. */
  cut(): void
  /** Ends it, and its ssh, as a runner that is taken away. */
  kill(): void
}

/** Begins what the scenario does. */
export function begin(suite: string, host: SiteHost, image: PushedImage, scenario: Scenario, version: string, kind: FaultKind): Client {
  const folder = mkdtempSync(join(tmpdir(), 'lwf-'))
  const [services, way] = [servicesOf(host, scenario, true), wayTo[kind]]
  const machine = inject('lab').hosts[suite]
  if (machine === undefined) throw new Error(`the lab has no ${suite}`)
  const address = sshAddress(machine, 'root')
  const endSsh = (): void => {
    for (const pid of clientsOf(folder)) if (pid !== process.pid) end(pid)
  }
  const child = way === 'program' ? program(folder, address, host, image, scenario, { version, services, keep: 2 }) : undefined
  const temporary = process.env['TMPDIR']
  const over = { address, ssh: realSsh(), key: labKey(), settings: settings() }
  // The clients of this deploy are told from others by the folder that their control sockets are in.
  if (way === 'ssh') process.env['TMPDIR'] = folder
  const wish: Wish = { version, services, keep: 2, ...(way === 'ssh' ? { over } : {}) }
  const ended =
    child?.ended ?? (scenario.isRollback === true ? rollBack(host, servicesOf(host, scenario, false), wish) : deployTo(host, image, wish))
  ended.catch(() => undefined)
  return {
    ended,
    cut: endSsh,
    kill() {
      if (child !== undefined) end(child.pid)
      endSsh()
    },
    async [Symbol.asyncDispose]() {
      endSsh()
      if (child !== undefined) end(child.pid)
      await ended.catch(() => undefined)
      if (temporary === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = temporary
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** `launchway deploy`, or `rollback`, in a process of its own. */
function program(
  folder: string,
  address: string,
  host: SiteHost,
  image: PushedImage,
  { isRollback = false }: Scenario,
  wish: Wish,
): { pid: number; ended: Promise<unknown> } {
  const over = { address, ssh: realSsh(), key: labKey(), settings: settings() }
  const release = releaseFor(host, image, { ...wish, over })
  const skipped = { run: false, reason: 'not in this test' }
  const record = {
    ...release,
    plan: { ...release.plan, stages: { ...release.plan.stages, smoke: skipped, scan: skipped } },
    push: { references: [], ms: 0 },
  }
  writeFileSync(join(folder, 'release.json'), JSON.stringify(record))
  const web = { port: 8000, health: '/health', nginx: { 'server-name': host.name } }
  const environment = {
    host: address,
    state: host.stateRoot,
    ssh: { 'known-hosts': settings().knownHosts },
    services: { web, worker: {} },
  }
  const config = { image: image.repository, app: host.app, scan: false, environments: { test: environment } }
  writeFileSync(join(folder, 'launchway.yml'), JSON.stringify(config))
  const words = isRollback ? ['rollback', '-e', 'test'] : ['deploy', '--release', 'release.json']
  const child = spawn(process.execPath, through('cli', words), {
    cwd: folder,
    env: bare({ TMPDIR: folder, SSH_KEY: labKey().reveal() }),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve(code) : reject(new Error(`${words[0]} ended with ${String(code)}: ${said}`))))
  })
  return { pid: child.pid ?? 0, ended }
}

/** What happens to the program that has been stopped, to the engine or to the host; then all goes on as it would. */
export async function strike(kind: FaultKind, { container }: SiteHost, stop: Stop, client: Client): Promise<void> {
  const inside = (text: string): Promise<string> => docker('exec', container, 'sh', '-euc', text)
  // systemd starts a service three times a minute and then no more, and a case may take ten seconds.
  const again = '[ ! -d /run/systemd/system ] || systemctl reset-failed docker.service docker.socket 2> /dev/null || :;'
  switch (kind) {
    case 'the connection is cut':
      client.cut()
      return stop.go()
    case 'the runner is killed':
      client.kill()
      return stop.go()
    case 'the program on the host is killed':
      await inside(`kill -9 ${await stop.program()}`)
      return stop.go()
    case 'the engine is restarted':
      await inside(`${again} lab-service docker restart > /dev/null 2>&1`)
      return stop.go()
    case 'the engine is gone, and comes back later':
      // Whoever asks would wake it.
      await inside('[ ! -d /run/systemd/system ] || systemctl stop docker.socket; lab-service docker stop > /dev/null 2>&1')
      await stop.go()
      // The program may wait for it, for a minute at most.
      await Promise.race([client.ended.catch(() => undefined), delay(20_000)])
      await inside(`${again} lab-service docker start > /dev/null 2>&1`)
      return
    case 'the host is rebooted':
      await docker('restart', '--time', '30', container)
      await eventually(() =>
        inside('docker version').then(
          () => true,
          () => false,
        ),
      )
      return stop.go()
  }
}

/** Waits until no program of the application runs on the host. */
export async function quiet(host: SiteHost): Promise<void> {
  const { home } = pathsOf(host)
  const alive = `alive() { for pid in ${home}/attempts/*/pid; do [ ! -e "$pid" ] || ! kill -0 "$(cat "$pid")" 2> /dev/null || echo yes; done; }
n=0; while [ -n "$(alive)" ] && [ $n -lt 50 ]; do n=$((n + 1)); sleep 0.1; done; alive`
  await eventually(async () => (await host.ask(alive)) === '')
}

/** The lines of the last attempt's journal, one name for each. */
export async function linesOf(host: SiteHost): Promise<string[]> {
  const text = await host.ask(`cat ${pathsOf(host).journal}`)
  const lines = text.split('\n').map((line) => JournalLine.parse(JSON.parse(line)))
  const last = lines.at(-1)?.attempt
  return lines.filter(({ attempt }) => attempt === last).map(({ step, state, service }) => [step, state, service].filter(Boolean).join(' '))
}

/** What serves: the first line of the page, empty when nobody does. */
export async function serves(host: SiteHost, { fixedPort = false }: Scenario): Promise<string> {
  if (fixedPort) return host.ask('curl -s --max-time 5 http://127.0.0.1:5000/ || :')
  const page = await host.page().catch(() => '')
  return page.includes('nginx') ? '' : page.trim()
}

/** What an interrupted deploy must not leave: each thing, and where it is. */
export async function leftovers(host: SiteHost): Promise<string> {
  const { home } = pathsOf(host)
  return host.ask(`
    cd ${home}
    ls -d attempts/* releases/*/undo 2> /dev/null
    find . /etc/nginx/conf.d -name '*.new'
    flock -n lock true || echo 'the lock is held'
    [ "$(ls slot.* 2> /dev/null | wc -l)" -le 1 ] || echo 'two slots serve'
    for one in $(docker ps --all --filter label=launchway.app=${host.app} --format '{{.Names}}={{.Label "launchway.release"}}'); do
      [ -e "releases/\${one#*=}/recorded" ] || echo "container $one of no release"
    done
    docker ps --filter label=launchway.app=${host.app} --format '{{.Names}} {{.Label "launchway.release"}}' | grep -v " $(cat current)$"
    :`)
}
