import { LaunchwayError } from '../../core/error.ts'
import type { JournalLine } from '../../core/journal.ts'
import type { Ports } from '../../core/ports.ts'
import { type HostCall, stopSeconds, wholeSeconds } from '../call.ts'
import { lookAt, type SeenHost } from '../look.ts'
import { lookToChange } from '../recovered.ts'
import { onHost } from '../nginx-places.ts'
import { perform } from './change.ts'
import { type Answer, changeAll, exitOf, hostsOf, showRefusal, type Target } from './hosts.ts'
import type { Observation } from '../observation.ts'
import { emptied, ownFiles, unsiteCall } from '../site.ts'
import { noService, nothingRuns, type Which } from './stop.ts'

/** What a removal takes from a host. */
export interface Removal {
  containers: string[]
  /** Files of nginx's configuration. */
  servers: string[]
  /** Releases that are kept; empty when one service alone goes. */
  releases: string[]
  /** Scheduled commands that lose their line in the crontab. */
  crontab: string[]
  /** Containers of accessories that stay. */
  stays: string[]
}

/**
 * Removes what runs, or one service or accessory of it. Volumes stay, and so do the accessories that nobody names.
 * @param of.yes without it, nothing is changed: the answer is what would be removed
 */
export async function remove(target: Target, of: Which & { yes: boolean; isTerminal: boolean }, ports: Ports): Promise<Answer> {
  const answers = await changeAll(
    hostsOf(target, of.host),
    async (host) => {
      await using one = await (of.yes ? lookToChange : lookAt)(host, target, ports)
      const plan = planRemoval(target, one, of.service)
      if (!of.yes) return { ...plan.removal, volumes: [] }
      const lines = await perform(target, one, { did: 'remove', calls: plan.calls, needsRoot: plan.removal.servers.length > 0 }, ports)
      return { ...plan.removal, volumes: volumesIn(lines) }
    },
    ports,
  )
  const lines = answers.flatMap((one) => {
    if (one.error !== undefined) return [showRefusal(one.host, one.error)]
    const rows = [
      ...one.containers.map((name) => `container ${name}`),
      ...one.servers.map((file) => `nginx ${file}`),
      ...one.crontab.map((name) => `crontab line of ${name}`),
      ...one.releases.map((id) => `release ${id}`),
    ]
    return [
      ...rows.map((row) => `${one.host}: ${of.yes ? 'removed' : 'would remove'} ${row}`),
      ...one.volumes.map((name) => `${one.host}: kept volume ${name}`),
      ...one.stays.map(
        (name) => `${one.host}: ${of.yes ? 'kept' : 'would keep'} accessory ${name}, which runs on${howToRemove(name, of.yes)}`,
      ),
    ]
  })
  const then = of.yes ? [] : ['Nothing was changed. Volumes stay in any case. To do it: the same with --yes']
  const refused = exitOf(answers)
  const exit = 'exit' in refused || of.yes || of.isTerminal ? refused : { exit: 2 }
  return { text: `${[...lines, ...then].join('\n')}\n`, json: { changed: of.yes, hosts: answers }, ...exit }
}

/** Once nothing else is left there is nothing that launchway could ask about: the last word is docker's. */
function howToRemove(container: string, isGone: boolean): string {
  const name = container.split('.').at(-1) ?? ''
  return isGone
    ? `; to be rid of it, on the host: docker rm --force ${container}`
    : `; to be rid of it, before this: launchway remove ${name}`
}

/** All that a host has of an environment, which was not there before; volumes and accessories stay. */
export async function takeDown(target: Target, one: SeenHost, ports: Ports): Promise<void> {
  const { calls, removal } = planRemoval(target, one, undefined)
  await perform(target, one, { did: 'remove', calls, needsRoot: removal.servers.length > 0 }, ports)
}

export function planRemoval(
  target: Target,
  { host, seen }: Pick<SeenHost, 'host' | 'seen'>,
  service: string | undefined,
): { calls: HostCall[]; removal: Removal } {
  if (seen.current === undefined) throw nothingRuns(host)
  const named = seen.accessories.filter(({ name }) => name === service)
  if (service !== undefined && named.length > 0) {
    const none = { servers: [], releases: [], crontab: [], stays: [] }
    return {
      calls: named.map(({ container, configuration }): HostCall => [
        'discard',
        service,
        container,
        wholeSeconds(configuration?.stopTimeoutMs),
      ]),
      removal: { containers: named.map(({ container }) => container), ...none },
    }
  }
  const containers = seen.containers.filter((one) => service === undefined || one.service === service)
  const isBehindNginx = service === undefined ? seen.ports.size > 0 : seen.ports.has(service)
  if (isBehindNginx && seen.nginx?.state !== 'well') {
    throw new LaunchwayError('HOST_UNFIT', `nginx on ${host} cannot be read, and what it leads to would stay in its configuration`, {
      hint: seen.nginx?.said || `${nginxCalled(seen)}, as root on the host, says why. Nothing was changed.`,
    })
  }
  const files = ownFiles(target, seen)
  const gone = files.filter((one) => service === undefined || one.service === service)
  if (service !== undefined && containers.length === 0 && gone.length === 0)
    throw noService(host, service, [...new Set(seen.containers.map((one) => one.service))], seen.accessories)
  const paths = gone.map(({ file }) => file)
  const { nginx } = seen
  const read = [...paths, ...emptied(paths, seen)]
  const servers = nginx === undefined ? read : read.flatMap((path) => onHost(nginx, path) ?? [])
  if (servers.length < read.length) {
    throw new LaunchwayError(
      'HOST_UNFIT',
      `what launchway wrote for ${nginx?.container?.name ?? 'nginx'} on ${host} is not mounted from there`,
      {
        hint: `It reads ${read.join(', ')}. Start the container as it was when that was deployed. Nothing was changed.`,
      },
    )
  }
  const kept = files.flatMap((one) => (gone.includes(one) ? [] : [one.file]))
  const as = seen.releases.get(seen.current)?.environment ?? target.environment
  const { cron } = seen
  const crontab = [...(cron?.lines.keys() ?? [])].filter((name) => service === undefined || name === service)
  const away: HostCall[] = [
    // Visitors first: who comes later is told by nginx, not by a container that is about to go.
    ...(gone.length === 0 ? [] : unsiteCall(kept, seen)),
    ...(service === undefined && cron?.of !== undefined ? [['schedule'] as const] : []),
    ...(service !== undefined && crontab.length > 0 ? [['unschedule', service] as const] : []),
  ]
  const calls: HostCall[] = [
    ...away,
    // No way back from here on: a line must not come back whose container is gone.
    ...(away.length === 0 ? [] : [['settled'] as const]),
    ...containers.map((one): HostCall => ['discard', one.service, one.name, stopSeconds(one, seen, as)]),
    ...(service === undefined ? [['forget_all'] as const] : []),
  ]
  return {
    calls,
    removal: {
      containers: containers.map(({ name }) => name),
      servers,
      releases: service === undefined ? [...seen.releases.keys()] : [],
      crontab,
      stays: service === undefined ? seen.accessories.map(({ container }) => container) : [],
    },
  }
}

function nginxCalled({ nginx }: Observation): string {
  return nginx?.container === undefined ? 'nginx -t' : `docker exec ${nginx.container.name} nginx -t`
}

function volumesIn(lines: readonly JournalLine[]): string[] {
  const notes = lines.flatMap(({ step, state, service, note }) =>
    step === 'remove' && state === 'done' && service !== undefined ? [note ?? ''] : [],
  )
  return [...new Set(notes.flatMap((note) => (note.split('\n')[1] ?? '').split(' ').filter(Boolean)))]
}
