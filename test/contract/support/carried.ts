import { docker } from '../../../lab/run.ts'
import type { Service } from '../../../src/core/deployment.ts'
import type { Returned } from '../../../src/deploy/rollback.ts'
import { rollback } from '../../../src/deploy/rollback.ts'
import { project } from '../../unit/support/carry.ts'
import { counted, type HostUnderTest, killWhole, outermost } from './host.ts'
import { deployTo, portsFor, type PushedImage, releaseFor, type Wish } from './release.ts'
import { site, type SiteHost } from './site.ts'

type Wished = Partial<Service> & { name: string }

/**
 * Six services of every kind: two behind nginx, one with a fixed port, one that must not overlap, two that may.
 * @param changed what differs from one release to the next, by service
 */
function six(host: SiteHost, changed: Record<string, Partial<Service>> = {}): Wished[] {
  const command = ['sleep', 'infinity']
  const health = { kind: 'http' as const, path: '/health', intervalMs: 100, timeoutMs: 20_000, settleMs: 0 }
  const all: Wished[] = [
    site(host),
    site(host, { name: 'api', nginx: { serverNames: [host.name], path: '/api' }, health: { ...health, path: '/api' } }),
    { name: 'cache', port: 8000, publish: `127.0.0.1:${portOf(host)}`, health },
    { name: 'beat', overlap: false, command },
    { name: 'worker', command },
    { name: 'mailer', command },
  ]
  return all.map((one) => ({ ...one, ...changed[one.name], env: { VERSION: 'one', ...changed[one.name]?.env } }))
}

/** Those of them that a test is about: each one more takes its time in every release. */
export function some(names: readonly string[], host: SiteHost, changed: Record<string, Partial<Service>> = {}): Wished[] {
  return six(host, changed).filter(({ name }) => names.includes(name))
}

/** The load of the campaign is closer; every other run leaves the tests beside it some of the machine. */
export const load = { pauseMs: process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? 200 : 0 }

/** A loopback port of the host that seldom belongs to another test of these. */
function portOf({ app }: HostUnderTest): number {
  return 28_000 + (Number.parseInt(app.slice(1), 16) % 1000)
}

/** One release after the other, each with what it changes. */
export function releasesOn(host: SiteHost, image: PushedImage) {
  const notes: string[] = []
  return {
    /** What the last of them told people. */
    notes,
    deploy: (version: string, services: Wished[], wish: Partial<Wish> = {}): ReturnType<typeof deployTo> => {
      notes.length = 0
      return deployTo(host, image, { version, services, project, onInfo: (line) => notes.push(line.replace(/^host: /, '')), ...wish })
    },
    back: (services: Wished[], version?: string, wish: Partial<Wish> = {}): Promise<Returned> => {
      notes.length = 0
      const whole: Wish = {
        version: 'as configured now',
        services,
        project,
        onInfo: (line) => notes.push(line.replace(/^host: /, '')),
        ...wish,
      }
      const { plan } = releaseFor(host, image, whole)
      if (plan.environment === undefined) throw new Error('no environment')
      const ports = portsFor(() => host.remote(), whole)
      // As `launchway rollback` has it: no project is rendered for that.
      const { project: _, ...known } = plan.environment
      return rollback(host.app, { ...known, services: [], accessories: [] }, ports, version === undefined ? {} : { version })
    },
  }
}

/** Each container that runs: its service, its id, and since when. */
export async function allRunning(host: HostUnderTest): Promise<string[]> {
  const text = await host.ask(`
    for one in $(docker ps --quiet --filter label=launchway.app=${host.app}); do
      docker inspect --format '{{index .Config.Labels "launchway.service"}} {{.Id}} {{.State.StartedAt}} {{.HostConfig.RestartPolicy.Name}}' "$one"
    done`)
  return text.split('\n').filter((line) => line !== '')
}

/** By service, the id of the container that runs, and since when: one that was started again has another instant. */
export async function runs(host: HostUnderTest): Promise<Record<string, string>> {
  const lines = await allRunning(host)
  const found = lines.map((line): [string, string] => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)])
  if (new Set(found.map(([service]) => service)).size !== found.length) throw new Error(`two of one service run: ${lines.join(', ')}`)
  return Object.fromEntries(found.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** The services whose containers are others than before. */
export function replaced(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name]).toSorted()
}

/**
 * Ends the apply program with SIGKILL just before it writes a line of its journal: each line asks `date` for the time,
 * and for nothing else, so a wrapper in its place counts them.
 */
export async function lineKiller(container: string): Promise<{ bin: string; at(line: number): Promise<void> } & AsyncDisposable> {
  const inside = (text: string, ...words: string[]): Promise<string> => docker('exec', container, 'sh', '-euc', text, 'sh', ...words)
  const bin = await inside('mktemp -d /tmp/launchway-bin-XXXXXX')
  const wrapper = `#!/bin/sh
[ "$*" = +%s ] && [ -e ${bin}/at ] || exec /bin/date "$@"
${outermost('apply', '*"/apply.sh "*')}
[ -n "$apply" ] || exec /bin/date "$@"
${counted(bin)}
[ "$count" -eq "$(cat ${bin}/at)" ] || exec /bin/date "$@"
rm -f ${bin}/at
${killWhole('apply')}
sleep 1
exit 1
`
  await inside(`printf '%s' "$2" > "$1"; chmod 755 "$1"; chmod 755 ${bin}`, `${bin}/date`, wrapper)
  return {
    bin,
    at: async (line) => void (await inside(`rm -f ${bin}/lines; echo "$1" > ${bin}/at`, String(line))),
    [Symbol.asyncDispose]: async () => void (await inside(`rm -r ${bin}`)),
  }
}
