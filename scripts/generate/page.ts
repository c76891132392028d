/** A file that is made from a definition in src/: its path in the repository, and its text. */
export interface GeneratedFile {
  path: string
  text: string
}

const command = '`npm run generate`'

/** The line that every generated file carries. @param sources what to change instead */
export function notice(sources: string): string {
  return `Generated from ${sources}: change it there and run ${command}.`
}

export function isGenerated(text: string): boolean {
  return text.includes(`change it there and run ${command}`)
}

/** A page of Markdown: its title, then its parts with an empty line between them. */
export function page(path: string, title: string, sources: string, parts: readonly string[]): GeneratedFile {
  return { path, text: `${[`<!-- ${notice(sources)} -->`, `# ${title}`, ...parts].join('\n\n')}\n` }
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

/** A cell ends at a bar and at a line's end, also inside of code. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', '<br>')
}

/** Text for people that may hold `code`: what Markdown would take for a tag or an emphasis is written as itself. */
export function prose(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll('<', '&lt;').replaceAll('*', '\\*')))
    .join('`')
}

export function code(text: string): string {
  return `\`${text}\``
}

export function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trim()}\n\`\`\``
}
