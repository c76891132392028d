import { parseEnv } from 'node:util'

/** The beginning of a text that is longer than so many UTF-16 units, and that there is more; no half of a character. */
export function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}…`
}

/** The first of many, as they are listed for people: `a`, `b`, `3 more`. */
export function firstOf(all: readonly string[], most: number): string[] {
  return [...all.slice(0, most), ...(all.length > most ? [`${all.length - most} more`] : [])]
}

/**
 * What a file of variables says. Docker and compose, too, leave out the byte order mark that editors of Windows write; Node
 * would take it for the beginning of the first name.
 */
export function parseVariables(text: string): NodeJS.Dict<string> {
  return parseEnv(text.replace(/^\uFEFF/, ''))
}
