import { join, posix, relative, sep } from 'node:path'
import type { Place } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Finding, PlannedImage } from '../core/release.ts'
import { stepsOf } from '../tools/dockerfile.ts'
import type { Decided } from './gate.ts'

/** What stands in the repository and may say where a package comes from. */
export interface Sources {
  dockerfile: { path: string; text: string; target: string | undefined } | undefined
  /** Files that name the packages of a language, in the order in which they are looked into. */
  locks: readonly { path: string; text: string }[]
}

/**
 * Files in which projects name their packages, those that people write before those that a program makes: where both
 * name one, the line that somebody can change is the better one to show.
 */
const lockNames = [
  /^requirements.*\.(txt|in)$/,
  /^(pyproject\.toml|Pipfile|package\.json|go\.mod|Gemfile|Cargo\.toml|composer\.json|pom\.xml|build\.gradle(\.kts)?)$/,
  /^(poetry\.lock|uv\.lock|Pipfile\.lock|package-lock\.json|yarn\.lock|pnpm-lock\.yaml|go\.sum|Gemfile\.lock|Cargo\.lock|composer\.lock)$/,
]

const rankOf = (name: string): number => lockNames.findIndex((pattern) => pattern.test(name))

/** Deeper, and in folders that hold what others wrote, nobody looks. */
const deepest = 4
const foreign = new Set(['node_modules', 'vendor', 'site-packages', '__pycache__', 'venv'])
const mostFiles = 30
const mostBytes = 5_000_000

/** Reads what may say where the packages of an image come from. */
export async function sourcesOf(image: PlannedImage, { files, root }: Ports): Promise<Sources> {
  const context = join(root, image.context)
  const text = (await files.read(join(context, image.dockerfile)))?.toString()
  const path = join(image.context, image.dockerfile)
  const dockerfile = text === undefined ? undefined : { path, text, target: image.target }
  if ((await files.look(context))?.kind !== 'directory') return { dockerfile, locks: [] }
  const entries = await files.walk(context, (path, kind) => {
    const name = posix.basename(path)
    if (kind === 'directory') return name.startsWith('.') || foreign.has(name) || path.split('/').length >= deepest ? 'prune' : 'skip'
    return rankOf(name) === -1 ? 'skip' : 'keep'
  })
  const names = entries.map((entry) => entry.path).toSorted((a, b) => rankOf(posix.basename(a)) - rankOf(posix.basename(b)))
  const locks: { path: string; text: string }[] = []
  for (const name of names.slice(0, mostFiles)) {
    const full = join(context, name)
    if (((await files.stat(full))?.size ?? 0) > mostBytes) continue
    locks.push({ path: relative(root, full).replaceAll(sep, '/'), text: (await files.read(full))?.toString() ?? '' })
  }
  return { dockerfile, locks }
}

/**
 * The line of the repository that brings a package in: of a library that of a lock file, else the RUN that names it; of a
 * package of the operating system the RUN that names it, else the FROM that it came with. Undefined where nothing says so.
 */
export function traced(
  finding: Pick<Finding, 'class' | 'package' | 'installed' | 'base'>,
  { dockerfile, locks }: Sources,
): Place | undefined {
  const locked = finding.class === 'library' ? inLocks(finding, locks) : undefined
  if (locked !== undefined || dockerfile === undefined) return locked
  const shipped = stepsOf(dockerfile.text, dockerfile.target).filter(({ ships }) => ships)
  if (finding.class === 'library') {
    const step = shipped.find(({ word, rest }) => word === 'RUN' && named(finding.package).test(rest))
    return step === undefined ? undefined : { file: dockerfile.path, line: step.line }
  }
  if (finding.class !== 'os') return undefined
  const install =
    finding.base === true ? undefined : shipped.find(({ word, rest }) => word === 'RUN' && rest.split(/[\s\\=]+/).includes(finding.package))
  const from = shipped.find(({ word }) => word === 'FROM')
  const step = install ?? from
  return step === undefined ? undefined : { file: dockerfile.path, line: step.line }
}

/** Where the name of a package of a language stands by itself. */
function named(name: string): RegExp {
  // PEP 503: case, and which of these three stands between words, make no other package.
  const words = name
    .toLowerCase()
    .split(/[-_.]+/)
    .map((part) => part.replaceAll(/[$()*+?[\\\]^{|}]/g, String.raw`\$&`))
  return new RegExp(String.raw`(?:^|["'\s/])${words.join('[-_.]+')}(?=$|["'\s=<>~!@:;,()[\]])`, 'i')
}

function inLocks({ package: name, installed }: Pick<Finding, 'package' | 'installed'>, locks: Sources['locks']): Place | undefined {
  const pattern = named(name)
  const lines = locks.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, nth) => (pattern.test(line) && !/^\s*(#|\/\/)/.test(line) ? [{ file: path, line: nth + 1, text: line }] : [])),
  )
  const found = lines.find(({ text }) => text.includes(installed)) ?? lines[0]
  return found === undefined ? undefined : { file: found.file, line: found.line }
}

/** GitHub shows ten annotations of a step. */
const shown = 8

/** What blocks, by the line that brings it in, for the log to show there; what cannot be traced is in the failure alone. */
export function annotations(blocked: readonly Decided[], sources: ReadonlyMap<string, Sources>): { place: Place; message: string }[] {
  const byLine = new Map<string, { place: Place; findings: Finding[] }>()
  for (const { image, finding } of blocked) {
    const of = sources.get(image)
    const place = of === undefined ? undefined : traced(finding, of)
    if (place === undefined) continue
    const key = `${place.file}:${place.line ?? ''}`
    const before = byLine.get(key)
    if (before === undefined) byLine.set(key, { place, findings: [finding] })
    else before.findings.push(finding)
  }
  return [...byLine.values()].slice(0, shown).map(({ place, findings }) => ({ place, message: saying(findings) }))
}

function saying(findings: readonly Finding[]): string {
  const ids = [...new Set(findings.map(({ id, severity }) => `${id} (${severity})`))]
  const packages = [
    ...new Set(
      findings.map(({ package: name, installed, fixed }) => `${name} ${installed}${fixed === undefined ? ', no fix yet' : ` → ${fixed}`}`),
    ),
  ]
  return `blocks this release: ${listed(ids)} in ${listed(packages)}`
}

function listed(words: readonly string[]): string {
  return words.length <= 5 ? words.join(', ') : `${words.slice(0, 5).join(', ')} and ${words.length - 5} more`
}
