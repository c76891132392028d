import { isCollection, isMap, isNode, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument, type Scalar, type YAMLMap } from 'yaml'
import type { Place } from '../core/error.ts'

/** A file of YAML, and where in it something stands. */
export interface Placed {
  /** What the file says; undefined where it cannot be read. */
  value: unknown
  /** Of the value at a path, or with `onKey` of its key; of the nearest that there is, where there is none. */
  at(this: void, path: readonly PropertyKey[], onKey?: boolean): Place
}

/** @param file the name to show */
export function placed(text: string, file: string): Placed {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, logLevel: 'silent' })
  const offsetOf = offsets(document.contents)
  return {
    value: document.errors.length > 0 ? undefined : valueOf(document),
    at(path, onKey) {
      const { line, col } = lines.linePos(offsetOf(path, onKey))
      return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
    },
  }
}

/** A file of a few lines can stand for millions of nodes by aliases of aliases. */
function valueOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 1000 })
    return value
  } catch {
    return undefined
  }
}

/**
 * Where the node at a path begins; where the path leaves the document (through an alias, or a missing key), its last node.
 */
export function offsets(root: ParsedNode | null): (path: readonly PropertyKey[], onKey?: boolean) => number {
  const indexOf = indexed()
  return (path, onKey = false) => {
    let node: unknown = root
    let offset = root?.range[0] ?? 0
    for (const [depth, part] of path.entries()) {
      if (!isCollection(node)) break
      const last = depth === path.length - 1
      if (isMap(node)) {
        const pair = indexOf(node).get(String(part))
        if (pair === undefined) break
        node = last && onKey ? pair.key : (pair.value ?? pair.key)
      } else {
        node = node.items[Number(part)]
      }
      if (isNode(node)) offset = node.range?.[0] ?? offset
    }
    return offset
  }
}

/** Of a text that stands in the file line by line, where one of them is; of any other the text. */
export function lineOf(node: unknown, place: Place, line: number, text: string): Place {
  if (!isScalar(node) || node.type !== 'BLOCK_LITERAL') return place
  const at = (place.line ?? 1) + 1 + line
  return { ...place, line: at, column: (text.split('\n')[at - 1] ?? '').search(/\S|$/) + 1 }
}

/** The node at a path; undefined where the path leaves the document. */
export function nodes(root: ParsedNode | null): (path: readonly PropertyKey[]) => unknown {
  const indexOf = indexed()
  return (path) => {
    let node: unknown = root
    for (const part of path)
      node = isMap(node) ? indexOf(node).get(String(part))?.value : isSeq(node) ? node.items[Number(part)] : undefined
    return node
  }
}

/** The entries of a mapping by the name of their key; each mapping is gone through once. */
function indexed(): (map: YAMLMap) => Map<string, { key: unknown; value: unknown }> {
  const indexes = new WeakMap<YAMLMap, Map<string, { key: unknown; value: unknown }>>()
  return (map) => {
    const known = indexes.get(map)
    if (known !== undefined) return known
    const index = new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[nameOf(pair.key), pair] as const] : [])))
    indexes.set(map, index)
    return index
  }
}

/** A key is text, also where YAML sees a number: 1.10 is not 1.1. */
function nameOf({ value, source }: Scalar): string {
  return typeof value === 'number' || typeof value === 'boolean' ? (source ?? String(value)) : String(value)
}
