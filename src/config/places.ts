import { isCollection, isMap, isNode, isPair, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml'
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
  return {
    value: document.errors.length > 0 ? undefined : valueOf(document),
    at(path, onKey) {
      const { line, col } = lines.linePos(offsetOf(document.contents, path, onKey))
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

/** Where the node at a path begins; where the path leaves the document (through an alias, or a missing key), its last node. */
export function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[], onKey = false): number {
  let node: unknown = root
  let offset = root?.range[0] ?? 0
  for (const [depth, part] of path.entries()) {
    if (!isCollection(node)) break
    const last = depth === path.length - 1
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part))
      if (pair === undefined) break
      const target = last && onKey ? pair.key : (pair.value ?? pair.key)
      node = target
    } else {
      node = node.items[Number(part)]
    }
    if (isNode(node)) offset = node.range?.[0] ?? offset
  }
  return offset
}
