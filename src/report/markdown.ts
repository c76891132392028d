import { stripVTControlCharacters } from 'node:util'

/**
 * GitHub's Markdown for text that others wrote: branch names, reasons, what a host said. None of it may become
 * markup, a link or a mention in a page that people trust.
 * @see https://github.github.com/gfm/
 */

/** A table; the cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

/** Cells are cut before anything in them is read: a bar ends one even in code, unless an odd number of backslashes stands before it. */
function cell(markdown: string): string {
  return markdown.replaceAll(/(\\*)\|/g, String.raw`$1$1\|`)
}

/** Text as it is, in the middle of a sentence. */
export function prose(text: string): string {
  return oneLine(text)
    .replaceAll(/[\\`*_~[\]<>&$]/g, String.raw`\$&`)
    .replaceAll(/[@#]|\bwww(?=\.)|:(?=\/\/)/gi, '$&\u200B')
}

/** Text as code: where nothing has a meaning but the backticks that end it, so there are more of those than inside. */
export function code(text: string): string {
  const inside = oneLine(text)
  if (inside === '') return ''
  const ticks = '`'.repeat(1 + Math.max(0, ...(inside.match(/`+/g) ?? []).map((run) => run.length)))
  const space = /^`|`$/.test(inside) ? ' ' : ''
  return `${ticks}${space}${inside}${space}${ticks}`
}

/**
 * Lines that others wrote, folded away, as they are: in a fence that is longer than any run of backticks inside, so
 * that nothing of them ends it. Colours and what cannot be seen, but for line ends and tabs, are left out.
 */
export function folded(title: string, text: string): string {
  const plain = stripVTControlCharacters(text)
    .replaceAll(/\r\n?|[\u2028\u2029]/g, '\n')
    .replaceAll(/[^\P{Cc}\n\t]|\p{Cf}/gu, '')
    .replaceAll(/^\n+|\s+$/g, '')
  const fence = '`'.repeat(Math.max(3, ...(plain.match(/`+/g) ?? []).map((run) => run.length + 1)))
  return `<details>\n<summary>${title}</summary>\n\n${fence}text\n${plain}\n${fence}\n\n</details>`
}

/** Line ends and what cannot be seen, such as marks that turn the direction of writing, become one space. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
}

/** Enough of a digest to tell it from the others of a page. */
export function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12)
}
