import type { Problem } from './read.ts'
import { githubExpression } from './template.ts'

/** What needs quotes in YAML and seldom has them, by the line it stands in; and what to write. */
const unquoted: readonly [RegExp, (found: RegExpExecArray, above: readonly string[]) => string][] = [
  [/\$\{\{/, () => githubExpression],
  [/\bcron:\s*[*@]/, () => 'YAML reads what begins with * or @ as something else: cron needs quotes, as in cron: "*/5 * * * *"'],
  [
    /^([^"'#]*?)(\{\{(?:(?!\}\}).)*(?:\}\})?)/,
    ([, before = '', expression = ''], above) => {
      const [what, example] = braced(before, expression, above)
      return `YAML reads {{ as the beginning of a mapping: the ${what} needs quotes, as in "${example}"`
    },
  ],
  [
    /(?:^|[{,])\s*(\*[^\s:,{}"']*)\s*:(?=\s|$)\s*([\w-]+|\{\})?/,
    ([, pattern = '', value = '']) =>
      `YAML reads what begins with * as an alias: the pattern needs quotes, as in "${pattern}":${value === '' ? '' : ` ${value}`}`,
  ],
  [/(?:^|[{,])\s*(![^\s:,{}"']+)\s*:(?=\s|$)/, ([, pattern = '']) => `YAML reads what begins with ! as a tag: "${pattern}" needs quotes`],
]

/** One word for all that YAML finds in a line that lacks quotes. */
export function withoutQuotes(problems: readonly Problem[], text: string): Problem[] {
  const lines = text.split('\n')
  const seen = new Set<number>()
  return problems.flatMap((problem) => {
    const { line = 1 } = problem.place
    const said = lines[line - 1] ?? ''
    const [message] = unquoted.flatMap(([pattern, say]) => {
      const found = pattern.exec(said)
      return found === null ? [] : [say(found, lines.slice(0, line - 1))]
    })
    if (message === undefined) return [problem]
    if (seen.has(line)) return []
    seen.add(line)
    return [{ ...problem, message }]
  })
}

/** What an expression is written into, and how: by the keys that it stands below. */
function braced(before: string, expression: string, above: readonly string[]): ['value' | 'entry', string] {
  const path = [...keysAbove(before, above), ...keysIn(before)]
  const last = path.findLast((key) => ['image-tags', 'flavor', 'labels', 'annotations', 'args', 'env'].includes(key))
  if (last === 'image-tags') return ['entry', 'type=semver,pattern={{version}}']
  if (last === 'flavor') return ['entry', 'prefix={{branch}}-']
  const [beginning = ''] = /[^\s,:[\]{}]*$/.exec(before) ?? []
  const written = `${beginning}${expression}`
  if (beginning.includes('=')) return ['entry', written]
  const isListed = /(?:^|\[|,)\s*(?:-\s+)?$/.test(before.slice(0, before.length - beginning.length))
  return isListed && (last === 'labels' || last === 'annotations') ? ['entry', `org.example.key=${written}`] : ['value', written]
}

/** The keys of blocks that a line stands in, by what is written further left above it. */
function keysAbove(line: string, above: readonly string[]): string[] {
  const keys: string[] = []
  // A list may stand as far to the left as its key.
  let [left, isItem] = [indentOf(line), /^\s*-\s/.test(line)]
  for (const one of above.toReversed()) {
    const [, key] = /^\s*(?:-\s+)?["']?([\w.-]+)["']?:(?:\s|$)/.exec(one) ?? []
    if (key === undefined || (isItem && /^\s*-\s/.test(one)) || !(indentOf(one) < left || (isItem && indentOf(one) === left))) continue
    keys.unshift(key)
    ;[left, isItem] = [indentOf(one), /^\s*-\s/.test(one)]
  }
  return keys
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}

/** The keys of the line itself whose braces are still open, and the last one: what follows a comma may be the rest of a rule. */
function keysIn(before: string): string[] {
  const open: (string | undefined)[] = [undefined]
  for (const [sign, key] of before.matchAll(/([\w.-]+):(?=\s|$)|[[\]{}]/g)) {
    if (key !== undefined) open[open.length - 1] = key
    else if (sign === '{' || sign === '[') open.push(undefined)
    else open.pop()
  }
  return open.filter((key) => key !== undefined)
}
