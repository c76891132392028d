import { LaunchwayError } from './error.ts'

/**
 * Text in which secrets stand by name: `${NAME}` is the value of one, `$$` is a dollar sign, and no dollar sign stands
 * for itself. What a value holds is never read again.
 */

const part = /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\}|)/g

/** Any text, so that it says itself. */
export function escapeText(text: string): string {
  return text.replaceAll('$', () => '$$')
}

/** The place of a secret in such a text. */
export function placeOf(name: string): string {
  return `\${${name}}`
}

/**
 * The secrets of which the text is made, each once, in their order.
 * @throws LaunchwayError RECORD_INVALID for a dollar sign that says nothing
 */
export function namesIn(text: string): string[] {
  const names = new Set<string>()
  replace(text, (name) => {
    names.add(name)
    return ''
  })
  return [...names]
}

/**
 * The text with its secrets filled in.
 * @throws LaunchwayError RECORD_INVALID for a dollar sign that says nothing
 */
export function fill(text: string, valueOf: (name: string) => string): string {
  return replace(text, valueOf)
}

function replace(text: string, valueOf: (name: string) => string): string {
  return text.replaceAll(part, (found, name: string | undefined, at: number) => {
    if (found === '$$') return '$'
    if (name !== undefined) return valueOf(name)
    throw new LaunchwayError('RECORD_INVALID', `a dollar sign that says nothing, after ${at} characters of a text with secrets`, {
      hint: 'A secret is written ${NAME}, a dollar sign $$. Run the plan stage again: it writes the record anew.',
    })
  })
}
