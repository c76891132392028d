/** The beginning of a text that is longer than so many UTF-16 units, and that there is more; no half of a character. */
export function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}…`
}
