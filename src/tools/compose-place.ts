import { relative } from 'node:path'
import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import type { Place } from '../core/error.ts'
import type { Source } from './compose-sources.ts'

/** Compose says what is wrong with its files, and seldom the line: here it is looked up. */

type Path = readonly (string | number)[]

/** Of what compose refuses, in its own words; the file alone where nothing tells more, undefined where not even that is known. */
export function placeOfRefusal(said: string, sources: readonly Source[], root: string): Place | undefined {
  const [, named] = /^validating ([^\n]+?): /m.exec(said) ?? []
  const own = sources.filter(({ path }) => path === named)
  return (
    (/yaml: /.test(said) ? ofYaml(sources, root) : undefined) ??
    ofPath(pathIn(said), own.length > 0 ? own : sources.toReversed(), root) ??
    ofWord(said, sources, root) ??
    (own[0] === undefined ? undefined : { file: relative(root, own[0].path) })
  )
}

/** Its own count of lines is of another program's, and begins elsewhere. */
function ofYaml(sources: readonly Source[], root: string): Place | undefined {
  for (const { path, text } of sources) {
    const [error] = parseDocument(text, { merge: true, logLevel: 'silent' }).errors
    const [at] = error?.linePos ?? []
    if (at !== undefined) return { file: relative(root, path), line: at.line, column: at.col }
  }
  return undefined
}

const keys = { service: 'depends_on', network: 'networks', volume: 'volumes', config: 'configs', secret: 'secrets' } as const

/** The place in the file that the words are about: `services`, `web`, `ports`. */
function pathIn(said: string): Path {
  const [, path = '', extra] = /^validating [^\n]+?: (\(root\)|[\w.-]+) (?:Additional property (\S+) is not allowed)?/m.exec(said) ?? []
  if (path !== '') return [...(path === '(root)' ? [] : path.split('.')), ...(extra === undefined ? [] : [extra])]
  const [, decoded] = /error decoding '([^']+)'/.exec(said) ?? []
  if (decoded !== undefined) return decoded.split(/[.[\]]+/).filter((part) => part !== '')
  const [, service, kind] =
    /\bservice "([^"]+)"(?: (?:depends on|refers to) undefined (service|network|volume|config|secret)\b)?/.exec(said) ?? []
  if (service === undefined) return []
  const key = Object.entries(keys).find(([name]) => name === kind)?.[1]
  return ['services', service, ...(key === undefined ? [] : [key])]
}

/** In the first of the files that has most of it; none that has less than a service says anything. */
function ofPath(path: Path, sources: readonly Source[], root: string): Place | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    for (const { path: file, text } of sources) {
      const lines = new LineCounter()
      const offset = offsetOf(parseDocument(text, { lineCounter: lines, merge: true, logLevel: 'silent' }).contents, path.slice(0, length))
      if (offset === undefined) continue
      const { line, col } = lines.linePos(offset)
      return { file: relative(root, file), line, column: col }
    }
  }
  return undefined
}

function offsetOf(contents: unknown, path: Path): number | undefined {
  let node = contents
  let offset: number | undefined
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (pair === undefined) return undefined
      offset = isNode(pair.key) ? pair.key.range?.[0] : undefined
      node = pair.value
    } else if (isCollection(node)) {
      node = node.items[Number(part)]
      offset = isNode(node) ? node.range?.[0] : undefined
    } else return undefined
  }
  return offset
}

/** A file that is not there, or a value that is none: the first line that has it. */
function ofWord(said: string, sources: readonly Source[], root: string): Place | undefined {
  const [, file] = /(?:^|\s)(?:open|stat|env file) (\S+?):? (?:no such file|not found)/m.exec(said) ?? []
  const [, value] = /^invalid \w+: (\S+)$/im.exec(said) ?? []
  const word = file?.split('/').at(-1) ?? value
  if (word === undefined || word === '') return undefined
  for (const { path, text } of sources) {
    const line = text.split('\n').findIndex((one) => one.replace(/(^|\s)#.*$/, '').includes(word))
    if (line !== -1) return { file: relative(root, path), line: line + 1 }
  }
  return undefined
}
