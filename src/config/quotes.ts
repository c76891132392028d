import type { Problem } from './read.ts'
import { githubExpression } from './template.ts'

/** What needs quotes in YAML and seldom has them, by the line it stands in; and what to write. */
const unquoted: readonly [RegExp, (found: RegExpExecArray) => string][] = [
  [/\$\{\{/, () => githubExpression],
  [/\bcron:\s*[*@]/, () => 'YAML reads what begins with * or @ as something else: cron needs quotes, as in cron: "*/5 * * * *"'],
  [
    /^([^"'#]*)\{\{/,
    ([, before = '']) => {
      const [what, example] =
        /^\s*[\w.-]+:\s+$/.test(before) && !/image-tags/.test(before) ? ['value', '{{sha}}'] : ['entry', 'type=semver,pattern={{version}}']
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
      return found === null ? [] : [say(found)]
    })
    if (message === undefined) return [problem]
    if (seen.has(line)) return []
    seen.add(line)
    return [{ ...problem, message }]
  })
}
