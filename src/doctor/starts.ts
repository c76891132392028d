import { basename } from 'node:path'
import { z } from 'zod'
import { placed } from '../config/places.ts'
import { parseJson } from '../core/json.ts'
import type { Service } from '../core/deployment.ts'
import type { Where } from './finding.ts'
import { copiesOf, execForm, type ImageSource, isScript, type TextFile } from './image-source.ts'

/** A command that runs when a container starts, and where it is written. */
export interface StartLine {
  text: string
  where: Where
  /** Of the script that it stands in, by its path in the context. */
  script?: string
}

/** How a container starts. */
export interface Start {
  /** The words of the first process, entry point and command together. */
  words: readonly string[]
  where: Where
  /** All that is started, the lines of scripts among it. */
  lines: readonly StartLine[]
  /** The script that is the first process, by its path in the context. */
  script?: string
}

/** More than scripts that call each other need. */
const deepest = 4

/** @param service what launchway.yml says of it; without one the image alone is started */
export function startOf(source: ImageSource, service?: Pick<Service, 'command' | 'entrypoint'>, own?: Where): Start | undefined {
  const steps = (source.dockerfile?.steps ?? []).filter(({ ships }) => ships)
  const written = (word: string): { words: string[]; where: Where } | undefined => {
    const step = steps.findLast((one) => one.word === word)
    if (step === undefined || source.dockerfile === undefined) return undefined
    return { words: execForm(step.rest) ?? ['sh', '-c', step.rest], where: { file: source.dockerfile.path, line: step.line } }
  }
  const said = (words: readonly string[] | undefined) => (words === undefined || own === undefined ? undefined : { words, where: own })
  const entrypoint = said(service?.entrypoint) ?? written('ENTRYPOINT')
  // An entry point of one's own leaves out the command of the image.
  const command = said(service?.command) ?? (service?.entrypoint === undefined ? written('CMD') : undefined)
  const parts = [entrypoint, command].filter((part) => part !== undefined)
  const [first] = parts
  if (first === undefined) return undefined
  const words = parts.flatMap((part) => part.words)
  const lines = parts.flatMap((part) => [{ text: part.words.join(' '), where: part.where }, ...scriptLines(source, part.words.join(' '))])
  const script = scriptIn(source, words.slice(0, isShell(words[0] ?? '') ? undefined : 1).join(' '))
  return { words, where: first.where, lines, ...(script === undefined ? {} : { script }) }
}

function isShell(word: string): boolean {
  return /^(ba|da|k|z|a)?sh$/.test(basename(word))
}

/** The script of the context that a command names, by the last part of its path. */
function scriptIn(source: ImageSource, text: string): string | undefined {
  return scriptsIn(source, text)[0]
}

function scriptsIn({ texts }: ImageSource, text: string): string[] {
  const names = new Set(text.split(/[\s;&|"'()]+/).flatMap((word) => (word === '' ? [] : [basename(word)])))
  return [...texts].flatMap(([path, file]) => (names.has(basename(path)) && isScript(path, file) ? [path] : []))
}

/** The lines of the scripts that a command runs, those of package.json among them, and of those that they run. */
export function scriptLines(source: ImageSource, text: string, seen: readonly string[] = []): StartLine[] {
  if (seen.length >= deepest) return []
  const inFiles = scriptsIn(source, text).map((path) => {
    const file = source.texts.get(path)
    return { name: path, lines: file === undefined ? [] : codeOf(file, path) }
  })
  return [...inFiles, ...packageScripts(source, text)]
    .filter(({ name }) => !seen.includes(name))
    .flatMap(({ name, lines }) => [...lines, ...lines.flatMap((line) => scriptLines(source, line.text, [...seen, name]))])
}

const Package = z.looseObject({ scripts: z.record(z.string(), z.string()).optional().catch(undefined) })

/** What `npm start` leads to by the package.json of the image, and what npm runs before it. */
function packageScripts(source: ImageSource, text: string): { name: string; lines: StartLine[] }[] {
  // Of another folder, which nobody knows here.
  if (/\s(--prefix|--cwd|--filter|--workspaces?|-C|-w)\b/.test(text)) return []
  const asked = [...text.matchAll(/\b(npm|yarn|pnpm|bun)\s+(run(?:-script)?\s+)?(\w[\w:.-]*)/g)].flatMap(([, by, run, name = '']) =>
    by === 'npm' && run === undefined && name !== 'start' ? [] : [`pre${name}`, name],
  )
  if (asked.length === 0) return []
  const all = [...source.texts].filter(([path]) => basename(path) === 'package.json' && copiesOf(source, path).length > 0)
  const [, file] = all.find(([path]) => path === 'package.json') ?? (all.length === 1 ? all[0] : undefined) ?? []
  if (file === undefined) return []
  const scripts = parseJson(file.text, Package)?.scripts ?? {}
  const { at } = placed(file.text, file.path)
  return asked.flatMap((name) => {
    const line = Object.hasOwn(scripts, name) ? scripts[name] : undefined
    return line === undefined ? [] : [{ name: `npm run ${name}`, lines: [{ text: line, where: at(['scripts', name]) }] }]
  })
}

/** The lines of a script that do something: comments left out, continued lines joined. */
export function codeOf({ path: file, text }: TextFile, path: string): StartLine[] {
  const found: StartLine[] = []
  let joined = ''
  let begun = 0
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim()
    if (joined === '') begun = index + 1
    const isContinued = line.endsWith('\\')
    joined += isContinued ? `${line.slice(0, -1)} ` : line
    if (isContinued) continue
    if (joined.trim() !== '') found.push({ text: joined.trim(), where: { file, line: begun }, script: path })
    joined = ''
  }
  return found
}
