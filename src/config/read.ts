import type { Document, ParsedNode } from 'yaml'
import { isAlias, isMap, isNode, isScalar, isSeq, Lexer, LineCounter, parseDocument, type Scalar, type YAMLMap } from 'yaml'
import type { Place } from '../core/error.ts'
import { withoutQuotes } from './quotes.ts'

/** One thing that is wrong, and where. */
export interface Problem {
  place: Place
  message: string
}

/** A number or a truth value, and how the file spells it: where text is meant, 3.10 is not 3.1, and 0x1F is not 31. */
export class Written {
  readonly value: unknown
  readonly text: string

  constructor(value: unknown, text: string) {
    this.value = value
    this.text = text
  }
}

/** How the file spells the number or truth value at a path. */
export function writtenIn(value: unknown, path: readonly PropertyKey[]): string | undefined {
  const at = valueAt(value, path)
  return at instanceof Written ? at.text : undefined
}

/** What stands at a path; undefined where there is no such place. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value
  for (const part of path) at = typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? Reflect.get(at, part) : undefined
  return at
}

/** A document, or what is wrong with it as YAML. Its numbers and truth values are each a `Written`. */
export type Read = { problems: Problem[] } | Yaml

interface Yaml {
  root: ParsedNode | null
  value: unknown
  /** The nodes that an alias or a merge takes up elsewhere. */
  shared: ReadonlySet<unknown>
  placeAt(this: void, offset: number): Place
  /** Keys that stand there twice; of each the last is in `value`. */
  again: readonly Problem[]
}

/** Larger than any real configuration, and small enough to be parsed at once. */
const maxCharacters = 1_000_000
/** Deeper than any real configuration, and shallow enough for whoever walks through it. */
const maxDepth = 100
/** Values that a file may stand for once its aliases are followed. */
const maxValues = 200_000

/** Reads YAML in time and memory that grow with the text, whatever the text is. @param file the name to show */
export function readYaml(text: string, file: string): Read {
  const lines = new LineCounter()
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    // Before anything is parsed, no line is known.
    return line === 0 ? placeIn(text, offset, file) : { file, line, column: col }
  }
  const at = (offset: number, message: string): { problems: Problem[] } => ({ problems: [{ place: placeIn(text, offset, file), message }] })
  if (text.length > maxCharacters) return at(0, `the file has ${text.length} characters; more than ${maxCharacters} are not read`)
  const letter = forbidden(text)
  if (letter !== undefined) return at(letter.offset, letter.message)
  const deep = tooDeep(text)
  if (deep !== undefined) return at(deep, `this is nested more than ${maxDepth} times`)

  // Keys that stand twice are found below: the parser compares each with each.
  const document = parseDocument(text, { lineCounter: lines, merge: true, uniqueKeys: false, prettyErrors: false })
  if (document.errors.length > 0) {
    const found = document.errors.map(({ pos, code, message }) => ({ place: placeAt(pos[0]), message: inWords(code, message) }))
    return { problems: withoutQuotes(found, text) }
  }
  const walk = new Walk(placeAt)
  const problems = walk.problemsOf(document)
  const said = withoutQuotes(problems, text)
  if (problems.length > walk.again) return { problems: said }
  return { root: document.contents, value: document.toJS({ maxAliasCount: -1 }), shared: walk.shared, placeAt, again: said }
}

function inWords(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: the configuration is one'
  if (message.startsWith('Maximum call stack')) return 'this is nested too deeply'
  return message.replace(/^./, (first) => first.toLowerCase())
}

function placeIn(text: string, offset: number, file: string): Place {
  const before = text.slice(0, offset)
  return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

/** What no editor shows, and YAML allows nowhere, or not there. */
function forbidden(text: string): { offset: number; message: string } | undefined {
  for (let offset = 0; offset < text.length; offset += 1) {
    const code = text.charCodeAt(offset)
    if (code === 0x0d && text[offset + 1] !== '\n')
      return { offset, message: 'a carriage return without a line feed: end lines with both, or the line feed alone' }
    const isControl = (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) || code === 0x7f
    if (isControl || code === 0xfeff)
      return { offset, message: `the character U+${code.toString(16).toUpperCase().padStart(4, '0')} cannot stand here` }
  }
  return text.isWellFormed() ? undefined : { offset: 0, message: 'the text holds half a character' }
}

/** Where brackets, or dashes in one line, go deeper than anybody should follow. */
function tooDeep(text: string): number | undefined {
  let [offset, flow, inLine] = [0, 0, 0]
  for (const token of new Lexer().lex(text)) {
    // The lexer marks with single control characters what is no part of the text.
    if (token.length === 1 && token < ' ' && token !== '\n' && token !== '\t') continue
    if (token === '[' || token === '{') flow += 1
    else if (token === ']' || token === '}') flow -= 1
    else if (token === '-' || token === '?') inLine += 1
    else if (token.includes('\n')) inLine = 0
    if (flow > maxDepth || inLine > maxDepth) return offset
    offset += token.length
  }
  return undefined
}

/** Goes through a document once, in its order, finds what is YAML and no configuration, and keeps how numbers are spelled. */
class Walk {
  readonly #placeAt: (offset: number) => Place
  readonly #problems: Problem[] = []
  /** By anchor, the last node that has it, and how many values it stands for; undefined while it is gone through. */
  readonly #anchors = new Map<string, { node: unknown; values: number | undefined }>()
  #values = 0
  readonly shared = new Set<unknown>()
  /** How many of the problems are keys that stand twice. */
  again = 0

  constructor(placeAt: (offset: number) => Place) {
    this.#placeAt = placeAt
  }

  problemsOf(document: Document.Parsed): Problem[] {
    this.#visit(document.contents)
    return this.#problems
  }

  #wrong(node: unknown, message: string): void {
    this.#problems.push({ place: this.#placeAt(isNode(node) ? (node.range?.[0] ?? 0) : 0), message })
  }

  /** @returns how many values it stands for */
  #visit(node: unknown): number {
    if (isAlias(node)) return this.#alias(node.source, node)
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return 1
    const entry: { node: unknown; values: number | undefined } = { node, values: undefined }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, entry)
    if (node.tag !== undefined && !plainTags.has(node.tag)) this.#wrong(node, `the tag ${shownTag(node.tag)} has no meaning here`)
    let values = 1
    if (isScalar(node) && isSpelled(node)) node.value = new Written(node.value, node.source)
    if (isSeq(node)) for (const item of node.items) values += this.#visit(item)
    if (isMap(node)) values += this.#map(node)
    entry.values = values
    return values
  }

  #map(map: YAMLMap): number {
    const lines = new Map<string, number>()
    let values = 0
    for (const { key, value } of map.items) {
      if (isMergeKey(key)) this.#merge(key, value)
      else if (!isScalar(key)) this.#wrong(key, 'a key is text')
      else {
        // A key is always text.
        if (isSpelled(key)) key.value = key.source
        const name = String(key.value)
        const { line = 0 } = this.#placeAt(key.range?.[0] ?? 0)
        const first = lines.get(name)
        if (first !== undefined) {
          this.again += 1
          this.#wrong(key, `the key ${quoted(name)} stands here again: map keys must be unique (the first is in line ${first})`)
        } else lines.set(name, line)
        if (name === '__proto__') this.#wrong(key, 'no key can be called __proto__')
        if (key.value === null) this.#wrong(key, 'a key is missing before the colon')
        if (key.anchor !== undefined) this.#anchors.set(key.anchor, { node: key, values: 1 })
      }
      values += this.#visit(value)
    }
    return values
  }

  #alias(name: string, node: unknown): number {
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) this.#wrong(node, `there is no anchor &${name} before *${name}`)
    else if (anchor.values === undefined) this.#wrong(node, `*${name} stands inside of what &${name} names: it would hold itself`)
    this.shared.add(anchor?.node)
    const values = anchor?.values ?? 1
    const before = this.#values
    this.#values += values
    if (before <= maxValues && this.#values > maxValues)
      this.#wrong(node, `aliases cannot be resolved: with *${name} the file stands for more than ${maxValues} values`)
    return Math.min(values, maxValues + 1)
  }

  #merge(key: unknown, value: unknown): void {
    const sources = isSeq(value) ? value.items : [value]
    const isMapping = (source: unknown): boolean => isMap(isAlias(source) ? this.#anchors.get(source.source)?.node : source)
    const unknown = sources.some((source) => isAlias(source) && !this.#anchors.has(source.source))
    if (!unknown && !sources.every(isMapping)) this.#wrong(isNode(value) ? value : key, '<< takes a mapping, or a list of them')
  }
}

/** A number or a truth value that stands in the file. */
function isSpelled(node: Scalar): node is Scalar & { source: string } {
  return ['number', 'bigint', 'boolean'].includes(typeof node.value) && node.source !== undefined
}

const plainTags = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`))

function shownTag(tag: string): string {
  return tag.replace(/^tag:yaml\.org,2002:/, '!!')
}

/** Without quotes, it is what the parser makes a symbol of. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'))
}

function quoted(name: string): string {
  return `"${name.length > 60 ? `${name.slice(0, 60)}…` : name}"`
}
