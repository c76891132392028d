import { readFileSync, writeFileSync } from 'node:fs'
import { arch, cpus, loadavg, totalmem, type } from 'node:os'
import { join } from 'node:path'
import type { Spread } from './measure.ts'

/** What a bench found, for people and for programs. */
export interface Report {
  /** Markdown that reads well on a terminal too. */
  text: string
  figures: Record<string, unknown>
}

/** What the figures depend on, and nothing that tells whose machine it is. */
export function machine(): { cpu: string; processors: number; memoryGB: number; system: string; node: string; load: number } {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown processor',
    processors: processors.length,
    memoryGB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${arch()}`,
    node: process.version,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  }
}

/** `1.24 (1.20–1.31)`: the median, and from the 10th to the 90th percentile. */
export function range({ median, p10, p90 }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${p10.toFixed(digits)}–${p90.toFixed(digits)})`
}

/** Markdown whose columns also line up on a terminal: words to the left, figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (column === 0 ? (cells[column] ?? '').padEnd(width) : (cells[column] ?? '').padStart(width))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

/** Puts the newest figures between the two comments that carry the name of the bench. */
export function replaceBlock(page: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [page.indexOf(open), page.indexOf(close)]
  if (from < 0 || to < from) throw new Error(`the page has no ${open} … ${close}`)
  return `${page.slice(0, from + open.length)}\n${text.trim()}\n${page.slice(to)}`
}

export function writeToReadme(name: string, text: string): void {
  const path = join(import.meta.dirname, 'README.md')
  writeFileSync(path, replaceBlock(readFileSync(path, 'utf8'), name, text))
}
