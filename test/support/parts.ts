import { basename } from 'node:path'

type Suite = 'unit' | 'contract' | 'hosts' | 'swarm' | 'e2e'

/** Some files of a suite that run one after the other, in one lab. */
export interface Part {
  name: string
  project: Suite
  files: readonly string[]
}

/** What only the campaign takes. */
export const ofCampaign = ['awesome-compose', 'camcops', 'cornflow', 'cornflow-celery', 'nightwatch'].map(
  (name) => `test/e2e/${name}.test.ts`,
)

/** What contracts have in common by the beginnings of their names; what has none of them is in the part `contract`. */
const kinds = {
  smoke: /^smoke[-.]/,
  scan: /^(?:scan|trivy)[-.]/,
  build: /^(?:build|buildx)[-.]/,
  registry: /^(?:registry|push|upload|prune)[-.]/,
}

/**
 * The files of the tests against the real thing in parts: what runs on hosts and what a user sees file by file, since
 * they are the longest, the rest by kind. Each file is in one part.
 */
export function partsOf(files: readonly string[]): Part[] {
  const parts = new Map<string, Part & { files: string[] }>()
  for (const file of files.toSorted()) {
    const { name, project } = placeOf(file)
    const part = parts.get(name) ?? { name, project, files: [] }
    part.files.push(file)
    parts.set(name, part)
  }
  return [...parts.values()]
}

function placeOf(file: string): { name: string; project: Suite } {
  const stem = basename(file, '.test.ts')
  if (file.startsWith('test/e2e/')) return { name: `e2e-${stem}`, project: 'e2e' }
  if (stem.startsWith('host-')) return { name: stem, project: 'hosts' }
  if (stem.startsWith('swarm-')) return { name: 'swarm', project: 'swarm' }
  const kind = Object.entries(kinds).find(([, pattern]) => pattern.test(`${stem}.`))?.[0]
  return { name: kind ?? 'contract', project: 'contract' }
}

/**
 * The longest first, by how long each took when it last ran here, in ms: so that no long one is left alone at the end.
 * What has never run here may be the longest of all.
 */
export function longestFirst(parts: readonly Part[], took: ReadonlyMap<string, number>): Part[] {
  const of = ({ name }: Part): number => took.get(name) ?? Number.POSITIVE_INFINITY
  return parts.toSorted((a, b) => (of(a) === of(b) ? 0 : of(b) - of(a)))
}
