import { soughtVersion } from '../core/called.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Kept } from './kept.ts'
import type { SeenHost } from './look.ts'
import type { Observation } from './observation.ts'
import { calledOn } from './waiting.ts'

type Looked = Pick<SeenHost, 'host' | 'seen'>

/** Which release to return to, and the hosts that do not run it yet. */
export interface Target<H extends Looked> {
  target: Kept
  from: H[]
  /** For people: why this one, where the name fits several. */
  note?: string
  /** The release that is left never ran, as far as later ones are concerned. */
  takesBack?: string
}

/**
 * The release before the one that runs. Where a deploy or a rollback ended between two hosts, it is that before the
 * newest, and hosts that have it already stay as they are.
 */
export function targetOf<H extends Looked>(all: readonly H[]): Target<H> {
  const hosts = inUse(all)
  const newest = newestOf(hosts)
  const from = hosts.filter(({ seen }) => seen.current === newest)
  const id = from[0]?.seen.previous
  const others = hosts.filter((host) => !from.includes(host))
  if (from.some(({ seen }) => seen.previous !== id) || others.some(({ seen }) => seen.current !== id))
    throw unknown('the hosts do not agree on the version before', all)
  if (id === undefined) throw unknown('there is no version before the one that runs', all)
  // The first host is taken before all others. Where it has the newest, and another one was rolled back from that: either a
  // second rollback was on its way to the newest, or a deploy of it that went wrong.
  if (hosts[0] === from[0] && others.some((host) => host.seen.previous === newest))
    throw unknown('the hosts do not tell whether the newest version was on its way to all of them or away', all)
  return { target: keptBy(from, id, all), from }
}

/** One on which nothing runs is new to the environment, or was emptied: it keeps nobody else from going back. */
function inUse<H extends Looked>(hosts: readonly H[]): readonly H[] {
  const there = hosts.filter(({ seen }) => seen.current !== undefined)
  return there.length === 0 ? hosts : there
}

/**
 * The release that somebody names: by what people call it, by its id, or by the beginning of its id or of its commit.
 * @throws LaunchwayError VERSION_UNKNOWN when no host keeps it, when one does not, or when the name fits several
 */
export function namedTarget<H extends Looked>(asked: string, all: readonly H[]): Target<H> {
  const version = soughtVersion(asked)
  const hosts = inUse(all)
  const releases = new Map(hosts.flatMap(({ seen }) => [...seen.releases]))
  for (const { seen } of hosts) for (const [id, kept] of seen.releases) if (kept !== undefined) releases.set(id, kept)
  const { id, note } = chosen(version, releases, all)
  const without = hosts.filter(({ seen }) => !seen.releases.has(id) && seen.current !== id).map(({ host }) => host)
  if (without.length > 0) throw unknown(`${releases.get(id)?.label ?? id} (${id}) is not kept on ${without.join(', ')}`, all)
  return {
    target: keptBy(hosts, id, all),
    from: hosts.filter(({ seen }) => seen.current !== id),
    ...(note === undefined ? {} : { note }),
  }
}

function chosen(version: string, releases: ReadonlyMap<string, Kept | undefined>, hosts: readonly Looked[]): { id: string; note?: string } {
  if (releases.has(version)) return { id: version }
  const plain = (label: string): string => label.replace(/^v(?=\d)/, '')
  const ids = [...releases.keys()].toSorted()
  const called = (same: (label: string) => boolean): string[] => ids.filter((id) => same(releases.get(id)?.label ?? ''))
  const exact = called((label) => label === version)
  const labelled = exact.length > 0 ? exact : called((label) => plain(label) === plain(version))
  // Deploys of one branch all have its name: who names it wants another one than that which runs.
  const others = labelled.filter((id) => id !== newestOf(hosts))
  const [found] = (others.length > 0 ? others : labelled).slice(-1)
  if (found !== undefined)
    return { id: found, ...(labelled.length > 1 ? { note: `${labelled.length} releases are called ${version}; taken: ${found}` } : {}) }
  const fitting = ids.filter((id) => id.startsWith(version) || isCommit(version, id))
  const [first] = fitting
  if (first === undefined) throw unknown(`no host keeps a version "${version}"`, hosts)
  const commits = new Set(fitting.map((id) => id.slice(-7)))
  if (fitting.length > 1 && (commits.size > 1 || !fitting.every((id) => isCommit(version, id))))
    throw unknown(`"${version}" fits several versions: ${fitting.join(', ')}`, hosts)
  const last = fitting.at(-1) ?? first
  return { id: last, ...(fitting.length > 1 ? { note: `${fitting.length} releases are of the commit ${version}; taken: ${last}` } : {}) }
}

/** A release id ends with the first seven digits of its commit. */
function isCommit(version: string, id: string): boolean {
  const commit = version.replace(/^sha-/, '').toLowerCase()
  return /^[0-9a-f]{4,40}$/.test(commit) && (commit.startsWith(id.slice(-7)) || id.slice(-7).startsWith(commit))
}

function newestOf(hosts: readonly Looked[]): string | undefined {
  return hosts
    .flatMap(({ seen }) => seen.current ?? [])
    .toSorted()
    .at(-1)
}

function keptBy(from: readonly Looked[], id: string, hosts: readonly Looked[]): Kept {
  const kept = from.map(({ seen }) => seen.releases.get(id)).find((one) => one !== undefined)
  if (kept === undefined) throw unknown(`release ${id} was kept without what it takes to return to it`, hosts)
  return kept
}

function unknown(why: string, hosts: readonly Looked[]): LaunchwayError {
  return new LaunchwayError('VERSION_UNKNOWN', `${why}: nothing to roll back to`, {
    hint: [
      ...hosts.map(({ host, seen }) => `${host}: ${described(seen)}`),
      'Nothing was changed. Put the version that you want on all hosts instead: launchway redeploy VERSION',
    ].join('\n'),
  })
}

/** `runs v2 (20261121-…), before v1 (20261120-…), keeps v1 (20261120-…) of 2026-11-20 09:00 UTC` */
function described(seen: Observation): string {
  const { current, previous, releases } = seen
  const kept = [...releases.keys()].filter((id) => id !== current)
  return [
    current === undefined ? 'nothing runs' : `runs ${calledOn(seen, current)}`,
    previous === undefined ? 'nothing ran before' : `before ${calledOn(seen, previous)}`,
    kept.length === 0 ? 'keeps nothing else' : `keeps ${kept.map((id) => `${calledOn(seen, id)} of ${plannedAt(id)}`).join(', ')}`,
  ].join(', ')
}

/** A release id begins with the time at which it was planned. */
function plannedAt(id: string): string {
  return id.replace(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d).*$/, '$1-$2-$3 $4:$5 UTC')
}
