import { basename, join, posix } from 'node:path'
import { z } from 'zod'
import { readIgnore } from '../build/index.ts'
import { parseJson } from '../core/json.ts'
import type { FileEntry, Files } from '../core/ports.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import { syntaxOf } from '../tools/dockerfile-text.ts'
import { type Step, stepsOf } from '../tools/dockerfile.ts'
import { mayHold, mostKeyBytes, tellsSecret } from './secret-files.ts'

/** A file of the context that was read: what starts in the container, or may say a secret. */
export interface TextFile {
  /** From the root of the repository. */
  path: string
  /** Byte by byte (latin1), so that what is no UTF-8 stays what it is. */
  text: string
  mode: number
}

/** An image as the files of the repository have it. */
export interface ImageSource {
  /** What others are built on and nobody pushes has no repository. */
  image: PlannedBase & { repositories: readonly string[] }
  /** How it is built stands in a bake file: nothing of that is looked at. */
  isBaked: boolean
  /** From the root; undefined where it is not there. */
  dockerfile: { path: string; steps: readonly Step[]; syntax?: string } | undefined
  /** The ignore file that holds for it, from the root, or the one to make. */
  ignore: { path: string; text: string | undefined }
  /** What the build sees, by its path in the context. Folders that hold nothing of the user's are not entered. */
  entries: ReadonlyMap<string, FileEntry>
  /** By path in the context. */
  texts: ReadonlyMap<string, TextFile>
}

/** Folders that tools fill: to walk them takes long, and what is wrong in them is not the user's. */
export const filled: ReadonlySet<string> = new Set(
  '.git .hg .svn node_modules bower_components .venv venv __pycache__ .mypy_cache .pytest_cache .ruff_cache .tox .terraform .gradle'.split(
    ' ',
  ),
)
/** A script that is larger is none. */
const mostBytes = 200_000
/** So many are read, the nearest to the root first: a repository may have thousands. */
const mostTexts = 300

/** An image of which nobody knows here how it is built. */
export function bakedImage(image: ImageSource['image']): ImageSource {
  return { image, isBaked: true, dockerfile: undefined, ignore: { path: '', text: undefined }, entries: new Map(), texts: new Map() }
}

export async function readImage(image: ImageSource['image'], root: string, files: Files): Promise<ImageSource> {
  const context = join(root, image.context)
  const inRoot = (path: string): string => posix.normalize(posix.join(image.context, path))
  const [text, ignores, isThere] = await Promise.all([
    files.read(join(context, image.dockerfile)),
    readIgnore(context, image.dockerfile, files),
    files.look(context),
  ])
  const found =
    isThere?.kind === 'directory'
      ? files.tree(context, (path, kind) => {
          const isFilled = kind === 'directory' && filled.has(basename(path))
          if (!ignores.excludes(path, kind)) return isFilled ? 'prune' : 'keep'
          return kind === 'directory' && (isFilled || !ignores.mayReinclude) ? 'prune' : 'skip'
        })
      : []
  const entries = new Map([...found].map((entry) => [entry.path, entry]))
  // Pruned, and so not among those that were found.
  for (const folder of filled) {
    const there = isThere === undefined || ignores.excludes(folder, 'directory') ? undefined : await files.look(join(context, folder))
    if (there?.kind === 'directory') entries.set(folder, { path: folder, kind: 'directory', mode: there.mode, size: 0 })
  }
  const source = text?.toString() ?? ''
  const dockerfile =
    text === undefined ? undefined : { path: inRoot(image.dockerfile), steps: stepsOf(source, image.target), ...syntaxIn(source, image) }
  const isCopied = (path: string): boolean => copiesOf({ dockerfile }, path).length > 0
  return {
    image,
    isBaked: false,
    dockerfile,
    ignore: { path: inRoot(ignores.file), text: ignores.text },
    entries,
    texts: await readTexts([...entries.values()], { context, inRoot, files, source, isCopied }),
  }
}

/** Which program reads it, where that is not the engine's own. */
function syntaxIn(text: string, { args }: Pick<PlannedBase, 'args'>): { syntax?: string } {
  const syntax = args['BUILDKIT_SYNTAX'] ?? syntaxOf(text)
  return syntax === undefined ? {} : { syntax }
}

const Words = z.array(z.string())

/** The words of `["a", "b"]`; undefined of the form that a shell reads. */
export function execForm(rest: string): string[] | undefined {
  return rest.startsWith('[') ? parseJson(rest, Words) : undefined
}

/** What ENV and ARG say: `A=1 B="2"`, and the form without an equals sign. */
export function pairsOf(rest: string): [name: string, value: string][] {
  const pairs = rest.includes('=') ? rest.matchAll(/(\w+)=("[^"]*"|'[^']*'|\S*)/g) : rest.matchAll(/^(\w+)\s+(\S+)/g)
  return [...pairs].map(([, name = '', value = '']) => [name, value])
}

/** Files without an ending that are never scripts. */
const prose = /^(LICENSE|COPYING|NOTICE|README|CHANGELOG|AUTHORS|Makefile|Procfile|.*Dockerfile.*)$/i

interface Around {
  context: string
  inRoot(this: void, path: string): string
  files: Files
  /** The Dockerfile's. */
  source: string
  isCopied(this: void, path: string): boolean
}

const nearest = (a: FileEntry, b: FileEntry): number => a.path.split('/').length - b.path.split('/').length

async function readTexts(
  entries: readonly FileEntry[],
  { context, inRoot, files, source, isCopied }: Around,
): Promise<Map<string, TextFile>> {
  const wanted = entries
    .filter(({ kind, size }) => kind === 'file' && size <= mostBytes)
    .filter(({ path }) => {
      const name = basename(path)
      if (/\.(sh|bash|ksh|ini)$|gunicorn.*\.py$|^package\.json$|^vite\.config\./i.test(name) || tellsSecret(name)) return true
      return (!name.includes('.') && !prose.test(name)) || source.includes(name)
    })
    .toSorted(nearest)
    .slice(0, mostTexts)
  // Beside them, so that none of them is left out for what may be a file of data.
  const others = entries
    .filter((one) => one.kind === 'file' && one.size <= mostKeyBytes && mayHold(basename(one.path)) && !wanted.includes(one))
    .filter(({ path }) => isCopied(path))
    .toSorted(nearest)
    .slice(0, mostTexts)
  const texts = new Map<string, TextFile>()
  for (const { path, mode } of [...wanted, ...others]) {
    const body = await files.read(join(context, path)).catch(() => undefined)
    if (body !== undefined) texts.set(path, { path: inRoot(path), text: body.toString('latin1'), mode })
  }
  return texts
}

/** The byte order mark as latin1 reads it. */
export const byteOrderMark = '\u00EF\u00BB\u00BF'

export function isScript(path: string, { text }: TextFile): boolean {
  return /\.(sh|bash|ksh)$/i.test(path) || text.startsWith('#!') || text.startsWith(`${byteOrderMark}#!`)
}

/** A script of the repository; undefined where it is none. @param path from the root */
export async function readScript(path: string, root: string, files: Files): Promise<TextFile | undefined> {
  const there = await files.look(join(root, path))
  if (there?.kind !== 'file' || there.size > mostBytes) return undefined
  const body = await files.read(join(root, path)).catch(() => undefined)
  const script = { path, text: body?.toString('latin1') ?? '', mode: there.mode }
  return isScript(path, script) ? script : undefined
}

/** The steps that take a file or folder of the context into the image: `COPY . .`, `ADD src/ /app`. */
export function copiesOf({ dockerfile }: Pick<ImageSource, 'dockerfile'>, path: string): Step[] {
  return (dockerfile?.steps ?? []).filter((step) => sourcesOf(step).some((source) => takes(source, path)))
}

/** What a COPY or ADD takes from the context: not from another stage, an address, or a here-document. */
export function sourcesOf({ word, rest }: Pick<Step, 'word' | 'rest'>): string[] {
  if (word !== 'COPY' && word !== 'ADD') return []
  const plain = rest.replace(/^(--\S+\s+)+/, '')
  const flags = rest.slice(0, rest.length - plain.length)
  if (/--from=/.test(flags) || /^<<|\s<</.test(plain)) return []
  const words = execForm(plain) ?? plain.split(/\s+/)
  return words
    .slice(0, -1)
    .filter((source) => !/^(https?|git|ssh):|\$/.test(source) && !source.startsWith('git@'))
    .map((source) => posix.normalize(source).replace(/^\/+|\/+$/g, '') || '.')
}

/** Whether a source of COPY covers a path: it, a folder around it, or by a pattern of Go's. */
export function takes(source: string, path: string): boolean {
  if (source === '.') return true
  const pattern = source
    .replaceAll(/[.+^${}()|]/g, String.raw`\$&`)
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  try {
    return new RegExp(`^${pattern}(/|$)`).test(path)
  } catch {
    return path === source || path.startsWith(`${source}/`)
  }
}
