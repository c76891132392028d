import type { JournalLine } from '../../core/journal.ts'
import type { Ports } from '../../core/ports.ts'
import { parseRepository } from '../../core/reference.ts'
import { showBytes } from '../../core/units.ts'
import { lookToChange } from '../recovered.ts'
import type { Observation } from '../observation.ts'
import { perform } from './change.ts'
import { type Answer, changeAll, exitOf, hostsOf, showRefusal, type Target } from './hosts.ts'

/** What went from a host. */
export interface Pruned {
  removed: string[]
  /** By what `df` says of the engine's folder before and after: other programs write there, too. */
  freedBytes: number
}

/** Removes what no kept release of this application and environment needs any more. */
export async function prune(target: Target, of: { host: string | undefined }, ports: Ports): Promise<Answer> {
  const answers = await changeAll(
    hostsOf(target, of.host),
    async (host) => {
      await using one = await lookToChange(host, target, ports)
      if (one.seen.current === undefined) return { removed: [], freedBytes: 0 }
      const repositories = [...repositoriesIn(one.seen)].map(familiar)
      return prunedIn(await perform(target, one, { did: 'prune', calls: [['tidy', ...repositories]] }, ports))
    },
    ports,
  )
  const lines = answers.flatMap((one) => {
    if (one.error !== undefined) return [showRefusal(one.host, one.error)]
    const freed = one.removed.length === 0 ? 'nothing to remove' : `${showBytes(one.freedBytes)} of disk freed`
    return [...one.removed.map((what) => `${one.host}: removed ${what}`), `${one.host}: ${freed}`]
  })
  return { text: `${lines.join('\n')}\n`, json: answers, ...exitOf(answers) }
}

/** Where the images of the kept releases come from that are built here: others of a repository of somebody else are not ours to remove. */
export function repositoriesIn({ releases }: Pick<Observation, 'releases'>): Set<string> {
  const references = [...releases.values()].flatMap((kept) =>
    Object.entries(kept?.images ?? {}).flatMap(([name, reference]) =>
      kept?.environment.project?.pulled[name] === undefined ? [reference] : [],
    ),
  )
  return new Set(references.map((reference) => reference.slice(0, reference.lastIndexOf('@'))))
}

/** As docker lists it: without the registry where that is Docker Hub. */
export function familiar(repository: string): string {
  const { host, path } = parseRepository(repository)
  return host === 'docker.io' ? path.replace(/^library\//, '') : `${host}/${path}`
}

export function prunedIn(lines: readonly JournalLine[]): Pruned {
  const note = lines.find(({ step, state }) => step === 'prune' && state === 'done')?.note ?? ''
  const [freed = '', ...removed] = note.split('\n')
  const kilobytes = Number(/^freed (-?\d+)$/.exec(freed)?.[1] ?? 0)
  return { removed: removed.filter((line) => line !== ''), freedBytes: Math.max(0, kilobytes) * 1024 }
}
