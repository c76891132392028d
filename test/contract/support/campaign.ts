import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'
import { sshAddress } from '../../../lab/lab.ts'
import { docker } from '../../../lab/run.ts'
import { JournalLine } from '../../../src/core/journal.ts'
import { act, program } from './campaign-acts.ts'
import type { Scenario } from './campaign-scenarios.ts'
import type { FaultKind } from '../../support/fault-kinds.ts'
import type { Stop } from './fault.ts'
import { environmentName, killWhole } from './host.ts'
import { pathsOf } from './hosts.ts'
import type { Way } from './lifecycle.ts'
import { eventually } from './processes.ts'
import { type PushedImage, worker } from './release.ts'
import { site, type SiteHost } from './site.ts'
import { clientsOf, labKey, realSsh, settings } from './ssh.ts'

/** What a release of the scenario has: `isNew`, that which is tried. @param version its name; `mode` as the server of the tests knows it */
export function wayOf(host: SiteHost, image: PushedImage, scenario: Scenario, version: string, isNew: boolean): Way {
  const { fixedPort = false, mode, has } = scenario
  if (has !== undefined) return { version, keep: 2, ...has(host, image, isNew) }
  const isSick = isNew && mode !== undefined
  const env = isSick ? { MODE: mode } : {}
  const health = { kind: 'http' as const, path: '/health', intervalMs: 100, timeoutMs: isSick ? 1000 : 20_000, settleMs: 0 }
  const web = fixedPort ? { name: 'web', port: 8000, publish: '5000', health, env } : site(host, { health, env })
  return { version, keep: 2, services: [worker, web] }
}

/** How the client reaches the host: by its engine, by SSH from this process, or as a program of its own. */
type Door = 'engine' | 'ssh' | 'program'
const wayTo: Record<FaultKind, Door> = {
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
  const { does = 'deploy' } = scenario
  const machine = inject('lab').hosts[suite]
  if (machine === undefined) throw new Error(`the lab has no ${suite}`)
  const address = sshAddress(machine, 'root')
  const endSsh = (): void => {
    for (const pid of clientsOf(folder)) if (pid !== process.pid) end(pid)
  }
  // What a service of the new version mounts of the repository.
  mkdirSync(join(folder, 'conf'))
  writeFileSync(join(folder, 'conf/site.conf'), 'colour = green\n')
  const over = { address, ssh: realSsh(), key: labKey(), settings: settings() }
  const isNear = wayTo[kind] === 'engine'
  const way: Way = { ...wayOf(host, image, scenario, version, does !== 'rollback'), root: folder, ...(isNear ? {} : { over }) }
  const child = wayTo[kind] === 'program' ? program(does, { folder, address, host, image, way }) : undefined
  const temporary = process.env['TMPDIR']
  // The clients of this deploy are told from others by the folder that their control sockets are in.
  if (wayTo[kind] === 'ssh') process.env['TMPDIR'] = folder
  const ended = child?.ended ?? act(does, host, image, way)
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

/** Has a deploy killed, and whoever would clean up after it, before a line of its journal. */
export async function breakOff(
  suite: string,
  host: SiteHost,
  image: PushedImage,
  stop: Stop,
  version: string,
  line: number,
): Promise<void> {
  await stop.at(host.app, line)
  const plain: Scenario = { name: '', before: [], after: [], meets: [] }
  await using client = begin(suite, host, image, plain, version, 'the program on the host is killed')
  await stop.reached(client.ended)
  await docker('exec', host.container, 'sh', '-euc', `program=${await stop.program()}; ${killWhole('program')}`)
  await stop.go()
  await client.ended.catch(() => undefined)
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

/** The lines of an attempt's journal, one name for each. @param nth attempt; the last is -1 */
export async function linesOf(host: SiteHost, nth = -1): Promise<string[]> {
  const text = await host.ask(`cat ${pathsOf(host).journal}`)
  const lines = text.split('\n').map((line) => JournalLine.parse(JSON.parse(line)))
  const asked = [...new Set(lines.map(({ attempt }) => attempt))].at(nth)
  return lines
    .filter(({ attempt }) => attempt === asked)
    .map(({ step, state, service }) => [step, state, service].filter(Boolean).join(' '))
}

/** What serves: the first line of the page, empty when nobody does. */
export async function serves(host: SiteHost, { fixedPort = false }: Scenario): Promise<string> {
  if (fixedPort) return host.ask('curl -s --max-time 5 http://127.0.0.1:5000/ || :')
  const page = await host.page().catch(() => '')
  return page.includes('nginx') ? '' : page.trim()
}

/** Whether the release that runs waits for its confirmation. */
export async function isWaiting(host: SiteHost): Promise<boolean> {
  return (
    (await host.ask(`cd ${pathsOf(host).home}; [ ! -e waits ] || [ "$(cut -d ' ' -f 1 waits)" != "$(cat current)" ] || echo yes`)) !== ''
  )
}

/** How the accessory of a scenario is: `running`, or anything else. */
export function accessoryOf(host: SiteHost): Promise<string> {
  return host.ask(`docker inspect --format '{{.State.Status}}' ${host.app}.${environmentName}.store 2> /dev/null || echo gone`)
}

/** Takes it away by hand. */
export async function withoutAccessory(host: SiteHost): Promise<void> {
  await host.ask(`docker rm --force ${host.app}.${environmentName}.store > /dev/null 2>&1 || :`)
}

/**
 * What an interrupted deploy must not leave: each thing, and where it is. The release that runs has no scheduled command, and waits
 * for nobody; it may have left containers of others running, which are its own then.
 */
export async function leftovers(host: SiteHost): Promise<string> {
  const { home } = pathsOf(host)
  return host.ask(`
    cd ${home}
    ls -d attempts/* releases/*/undo waits cron.of 2> /dev/null
    find . /etc/nginx/conf.d -name '*.new'
    find . -path './assets/*/*.old'
    flock -n lock true || echo 'the lock is held'
    [ "$(ls slot.* 2> /dev/null | wc -l)" -le 1 ] || echo 'two slots serve'
    crontab -l 2> /dev/null | grep '${host.app}'
    for one in $(docker ps --all --filter label=launchway.app=${host.app} --format '{{.Names}}={{.Label "launchway.release"}}={{.Label "launchway.accessory"}}'); do
      name=\${one%%=*} rest=\${one#*=}
      release=\${rest%%=*} accessory=\${rest#*=}
      case $accessory in '') ;; *) [ "$name" = "${host.app}.${environmentName}.$accessory" ] || echo "accessory $name"; continue ;; esac
      cut -d ' ' -f 2 "releases/$(cat current)/carried" 2> /dev/null | grep -Fqx -- "$name" && continue
      [ -e "releases/$release/recorded" ] || echo "container $name of no release"
      [ "$release" = "$(cat current)" ] || [ -z "$(docker ps --quiet --filter "name=^$name$")" ] || echo "$name $release"
    done
    :`)
}
