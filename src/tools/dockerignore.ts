/**
 * What a .dockerignore file leaves out, as BuildKit reads it. Asked folder by folder, so that nothing of a path has to be
 * matched twice, and nothing of it is kept.
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 */

interface Rule {
  /** It brings back what rules before it left out. */
  isException: boolean
  pattern: RegExp
}

export interface Ignores {
  /** An exception may bring back something below a folder that is left out. */
  mayReinclude: boolean
  /** Paths relative to the context. Of a folder it is asked before it is asked of what is in it. */
  excludes(path: string, kind: string): boolean
}

/** Which rules fit a folder, or one that it is in. */
interface Above {
  /** With a slash at its end. */
  prefix: string
  fits: readonly boolean[]
}

/** The rules of a file. What they remember is the way down to the path that was asked for last. */
export function readIgnores(text: string): Ignores {
  const rules = rulesOf(text)
  const above: Above[] = []
  const none: readonly boolean[] = rules.map(() => false)
  return {
    mayReinclude: rules.some(({ isException }) => isException),
    excludes(path, kind) {
      if (rules.length === 0) return false
      while (above.length > 0 && !path.startsWith(above.at(-1)?.prefix ?? '')) above.pop()
      const inherited = above.at(-1)?.fits ?? none
      const fits = (rule: Rule, index: number): boolean => inherited[index] === true || rule.pattern.test(path)
      if (kind !== 'directory') {
        const last = rules.findLastIndex(fits)
        return last !== -1 && rules[last]?.isException === false
      }
      const own = rules.map(fits)
      above.push({ prefix: `${path}/`, fits: own })
      const last = own.lastIndexOf(true)
      return last !== -1 && rules[last]?.isException === false
    },
  }
}

function rulesOf(text: string): Rule[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => {
      const [, mark = '', written = ''] = /^(!?)\s*(.*)$/s.exec(line.trim()) ?? []
      const pattern = cleaned(written)
      return pattern === '' ? [] : [{ isException: mark === '!', pattern: expression(pattern) }]
    })
}

/** Without empty parts and dots, and without the slashes around: every pattern begins at the root of the context. */
function cleaned(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '..' || !pattern.startsWith('/')) parts.push(part)
  }
  return parts.join('/')
}

/** `*` and `?` stop at a slash, `**` is any number of folders; a set and a backslash mean what they mean in an expression. */
function expression(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*\/?$|\*\*\/?|\*|\?|\\.?|[.+(){}|$]/gs, (found, at: number) => {
    if (found.startsWith('**')) return at + found.length === pattern.length ? '.*' : '(?:.*/)?'
    if (found === '*') return '[^/]*'
    if (found === '?') return '[^/]'
    return found.startsWith('\\') ? escaped(found.slice(1)) : `\\${found}`
  })
  try {
    return new RegExp(`^${source}$`, 's')
  } catch {
    // A set that is not closed fits nothing; BuildKit refuses the file, and says so itself.
    return /$^/
  }
}

function escaped(letter: string): string {
  return letter === '' ? String.raw`\\` : letter.replace(/[^\w\s]/, String.raw`\$&`)
}
