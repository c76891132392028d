/**
 * A Dockerfile as text, read as BuildKit reads it: directives, comments, lines that go on, here-documents.
 * @see https://docs.docker.com/reference/dockerfile/
 */

/** A whole instruction, its continued lines joined, and the line that it begins in. */
interface Instruction {
  text: string
  line: number
}

/**
 * Which program reads the file, where it says so: in a comment at the very top, also one of a language that has others, or as JSON.
 * `?` where it does not say it as a Dockerfile would.
 */
export function syntaxOf(dockerfile: string): string | undefined {
  const text = withoutMark(dockerfile).replace(/^#!.*\n/, '')
  return directive(text, 'syntax') ?? /^(?:\/\/.*\n)*\/\/\s*syntax\s*=\s*(\S+)/i.exec(text)?.[1] ?? (/^\s*\{/.test(text) ? '?' : undefined)
}

const directives = ['syntax', 'escape', 'check']

/** What a comment at the very top says to the program that reads the file; the first line that is none of them ends them. */
function directive(dockerfile: string, name: string): string | undefined {
  for (const line of withoutMark(dockerfile).split(/\r?\n/)) {
    const [, key = '', value] = /^#\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? []
    if (!directives.includes(key.toLowerCase())) return undefined
    if (key.toLowerCase() === name) return value
  }
  return undefined
}

/** Whole instructions: without comments, and without the bodies of here-documents. */
export function instructions(text: string): Instruction[] {
  const escape = directive(text, 'escape') === '`' ? '`' : '\\'
  const found: Instruction[] = []
  let joined = ''
  let begun = 0
  let until: Heredoc[] = []
  const end = (): void => {
    if (joined.trim() !== '') found.push({ text: joined.trim(), line: begun })
    until = mayHaveHeredocs(joined) ? heredocsIn(joined) : []
    joined = ''
  }
  for (const [index, line] of withoutMark(text).split(/\r?\n/).entries()) {
    const [heredoc] = until
    if (heredoc !== undefined) {
      if ((heredoc.chomps ? line.replace(/^\t+/, '') : line) === heredoc.name) until = until.slice(1)
      continue
    }
    // An empty line, or a comment, within an instruction does not end it.
    if (/^\s*#/.test(line) || line.trim() === '') continue
    if (joined === '') begun = index + 1
    const kept = withoutEscape(line, escape)
    joined += kept ?? line
    if (kept === undefined) end()
  }
  end()
  return found
}

/** What some editors write before the first line. */
function withoutMark(text: string): string {
  return text.replace(/^\u00EF\u00BB\u00BF|^\uFEFF/, '')
}

/** A line that goes on in the next one, without the sign for that; undefined where it ends here. */
function withoutEscape(line: string, escape: string): string | undefined {
  const trimmed = line.replace(/[ \t]+$/, '')
  // Doubled, it stands for itself.
  return trimmed.endsWith(escape) && !trimmed.endsWith(escape + escape) ? trimmed.slice(0, -1) : undefined
}

interface Heredoc {
  name: string
  /** With `<<-` tabs before its lines are left out. */
  chomps: boolean
}

const words = ['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER'].concat([
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
])
/** Every instruction that there is. */
export const instructionWords: ReadonlySet<string> = new Set(words)

/** Of a word that is none nobody knows what was meant: what follows it may be the body of a here-document. */
function mayHaveHeredocs(text: string): boolean {
  const word = firstWord(text.replace(/^\s*onbuild\s+/i, ''))
  return ['RUN', 'COPY', 'ADD'].includes(word) || !instructionWords.has(word)
}

/** In capitals. */
export function firstWord(text: string): string {
  return (/^\s*(\S+)/.exec(text)?.[1] ?? '').toUpperCase()
}

/** Words of a shell that begin with `<<` and a name: not `<<<`, no shift, and nothing within quotes, which have to end. */
function heredocsIn(text: string): Heredoc[] {
  const word = /(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+/g
  if (text.replaceAll(word, '').trim() !== '') return []
  const found = text.match(word) ?? []
  return found.flatMap((one) => {
    const [, dash = '', quoted = ''] = /^\d*<<(-?)([^<]+)$/.exec(one) ?? []
    return quoted === '' ? [] : [{ name: quoted.replaceAll(/["'\\]/g, ''), chomps: dash === '-' }]
  })
}
