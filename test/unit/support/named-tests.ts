import { parseAst } from 'vitest/node'

interface Node {
  type: string
  [key: string]: unknown
}

/** What keeps a test, or all of a suite, from running; or lets something else than the code decide. */
const keeping = new Set(['skip', 'todo', 'fails', 'skipIf', 'runIf'])

/**
 * The names of the tests of a file that run whenever the file does: what is skipped, only to do, in a suite that is, in a
 * remark, made by a table without a line, or left to a condition shows nothing. What a test skips by itself only a run tells.
 */
export function namedTests(text: string): Set<string> {
  const names = new Set<string>()
  visit(parseAst(text, { lang: 'ts' }), names)
  return names
}

function visit(value: unknown, names: Set<string>): void {
  if (Array.isArray(value)) for (const one of value) visit(one, names)
  if (!isNode(value)) return
  const call = value.type === 'CallExpression' ? called(value) : undefined
  if (call !== undefined) {
    if (!call.runs) return
    if (call.root !== 'describe' && call.name !== undefined) names.add(call.name)
  }
  // A suite or test that a condition makes may not be made.
  const conditions: Readonly<Record<string, string>> = { IfStatement: 'test', ConditionalExpression: 'test', LogicalExpression: 'left' }
  const condition = conditions[value.type]
  const inner = condition === undefined ? Object.values(value) : [value[condition]]
  for (const one of inner) visit(one, names)
}

/** What a call makes of vitest's; undefined for any other call. */
function called({ callee, arguments: given }: Node): { root: string; name: string | undefined; runs: boolean } | undefined {
  const [root, ...words] = chain(callee)
  if (root !== 'it' && root !== 'test' && root !== 'describe') return undefined
  const [name, ...rest] = Array.isArray(given) ? given.filter(isNode) : []
  const hasBody = rest.some(({ type }) => type === 'ArrowFunctionExpression' || type === 'FunctionExpression' || type === 'Identifier')
  const isKept = words.some((word) => keeping.has(word)) || rest.some((one) => keysOf(one).some((key) => keeping.has(key)))
  // `it.each(table)` alone makes none: the call of what it gives back does.
  const isTable = isNode(callee) && callee.type === 'MemberExpression' && ['each', 'for'].includes(words.at(-1) ?? '')
  return { root, name: textOf(name), runs: isTable || (hasBody && !isKept && !isEmpty(callee)) }
}

/** `it`, `skip`, `each` of `it.skip.each(…)`. */
function chain(node: unknown): string[] {
  if (!isNode(node)) return []
  if (node.type === 'Identifier') return [String(node['name'])]
  if (node.type === 'MemberExpression') return [...chain(node['object']), ...chain(node['property'])]
  return node.type === 'CallExpression' ? chain(node['callee']) : node.type === 'TaggedTemplateExpression' ? chain(node['tag']) : []
}

/** A table without a line. */
function isEmpty(callee: unknown): boolean {
  if (!isNode(callee) || callee.type !== 'CallExpression' || !Array.isArray(callee['arguments'])) return false
  const table = callee['arguments'].find(isNode)
  return table?.type === 'ArrayExpression' && Array.isArray(table['elements']) && table['elements'].length === 0
}

function keysOf(node: Node): string[] {
  if (node.type !== 'ObjectExpression' || !Array.isArray(node['properties'])) return []
  return node['properties'].filter(isNode).flatMap(({ key, value }) => (isNode(value) && value['value'] === false ? [] : chain(key)))
}

function textOf(node: Node | undefined): string | undefined {
  return node?.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}
