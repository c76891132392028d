/**
 * GitHub's filter patterns, as far as branch and tag names in launchway.yml use them: `*` is any text without a slash,
 * `**` any text; every other character is itself.
 * @see https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#filter-pattern-cheat-sheet
 */
export function matches(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/\*\*|\*|[\s\S]/g, (part) => {
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    return part.replaceAll(/[\\^$.|?+()[\]{}/-]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 's').test(name)
}

/** The pattern that speaks for a name: the exact one, else the first that fits, in the order of the file. */
export function choose(patterns: readonly string[], name: string): string | undefined {
  return patterns.find((pattern) => pattern === name) ?? patterns.find((pattern) => matches(pattern, name))
}
