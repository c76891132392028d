/**
 * GitHub's filter patterns, as far as branch and tag names in launchway.yml use them: `*` is any text without a slash,
 * `**` any text; every other character is itself. In time that grows with pattern times name, whatever both are.
 * @see https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#filter-pattern-cheat-sheet
 */
export function matches(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name
  const parts = pattern.match(/\*\*|[\s\S]/g) ?? []
  // Where in the pattern one may stand after what has been read of the name; a star may be left at once.
  const settle = (places: readonly boolean[]): boolean[] => {
    const settled = [...places]
    for (const [index, part] of parts.entries()) if (settled[index] === true && part.startsWith('*')) settled[index + 1] = true
    return settled
  }
  let places = settle([true])
  for (let at = 0; at < name.length; at += 1) {
    const letter = name[at]
    const next: boolean[] = []
    for (const [index, part] of parts.entries()) {
      if (places[index] !== true) continue
      if (part === '**' || (part === '*' && letter !== '/')) next[index] = true
      else if (part === letter && part !== '*') next[index + 1] = true
    }
    if (next.length === 0) return false
    places = settle(next)
  }
  return places[parts.length] === true
}

/** The pattern that speaks for a name: the exact one, else the first that fits, in the order of the file. */
export function choose(patterns: readonly string[], name: string): string | undefined {
  return patterns.find((pattern) => pattern === name) ?? patterns.find((pattern) => matches(pattern, name))
}
