import { isAbsolute, join, relative, resolve } from 'node:path'
import type { Ports } from '../core/ports.ts'
import type { Finding, Mend } from './finding.ts'
import { byteOrderMark } from './image-source.ts'

/**
 * Mends what can be mended without asking: line ends, lines of an ignore file, permission bits. The same file once.
 * @returns the findings that are mended, and a line for each file that was changed
 */
export async function mendAll(
  findings: readonly Finding[],
  { files, root }: Pick<Ports, 'files' | 'root'>,
): Promise<{ mended: ReadonlySet<Finding>; changes: string[] }> {
  const mended = new Set<Finding>()
  const changes: string[] = []
  const done = new Map<string, string | undefined>()
  for (const finding of findings) {
    const { mend } = finding
    if (mend === undefined) continue
    const key = JSON.stringify(mend)
    if (!done.has(key)) done.set(key, await apply(mend, files, resolve(root)))
    const change = done.get(key)
    if (change === undefined) continue
    mended.add(finding)
    if (!changes.includes(change)) changes.push(change)
  }
  return { mended, changes }
}

/** What was changed, in words; undefined where it is not to be touched. */
async function apply(mend: Mend, files: Ports['files'], root: string): Promise<string | undefined> {
  const path = join(root, mend.file)
  const found = await files.look(path)
  // A link may lead anywhere.
  if (found !== undefined && isOutside(await realRoot(files, root), found.path)) return undefined
  if (mend.kind === 'ignore') return addLines(mend, found === undefined ? path : found.path, files)
  if (found === undefined) return undefined
  if (mend.kind === 'mode') {
    const mode = found.mode | mend.add
    await files.chmod(found.path, mode)
    return `${mend.file}: mode ${octal(found.mode)} is now ${octal(mode)}`
  }
  // Byte by byte: whatever else the file holds stays as it is.
  const before = (await files.read(found.path))?.toString('latin1') ?? ''
  const isMarked = before.startsWith(byteOrderMark)
  const text = before.slice(isMarked ? byteOrderMark.length : 0).replaceAll(/\r+(\n|$)/g, '$1')
  await files.write(found.path, Buffer.from(text, 'latin1'), found.mode)
  await files.chmod(found.path, found.mode)
  const lines = before.match(/\r(\n|$)/g)?.length ?? 0
  return `${mend.file}: ${[...(lines > 0 ? [`${lines} line ends are LF now`] : []), ...(isMarked ? ['the byte order mark is gone'] : [])].join(', ')}`
}

async function addLines({ file, lines }: Mend & { kind: 'ignore' }, path: string, files: Ports['files']): Promise<string | undefined> {
  const before = (await files.read(path))?.toString() ?? ''
  const own = new Set(before.split(/\r?\n/).map((line) => line.trim()))
  const missing = lines.filter((line) => !own.has(line))
  if (missing.length === 0) return undefined
  const end = before === '' || before.endsWith('\n') ? '' : '\n'
  await files.write(path, `${before}${end}${missing.map((line) => `${line}\n`).join('')}`)
  return `${file}: added ${missing.join(' ')}`
}

async function realRoot(files: Ports['files'], root: string): Promise<string> {
  return (await files.look(root))?.path ?? root
}

function isOutside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way.startsWith('..') || isAbsolute(way)
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, '0')
}
