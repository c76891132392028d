import { join } from 'node:path'
import { asError } from '../core/outcome.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { findingParts } from './scan.ts'
import { summaryParts } from './summary.ts'

/** The name of the page in the folder of the evidence. */
const pageName = 'report.html'
const all = Number.POSITIVE_INFINITY

/**
 * One file that says all of a release in any browser: the summary with every finding, and with all that the record has
 * of a failed check. It is made from the record alone, loads nothing, and runs nothing: what others wrote is text in it,
 * and its policy forbids the rest.
 */
export async function page(release: Release): Promise<string> {
  const { Marked } = await import('marked')
  const parts = [...summaryParts(release, all, all), ...(release.scan === undefined ? [] : findingParts(release.scan))]
  const body = new Marked({ gfm: true, async: false }).parse(parts.join('\n\n'), { async: false })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${release.app} ${release.id}</title>
<style>${style}</style>
</head>
<body>
${body}</body>
</html>
`
}

/**
 * Keeps the page beside what else tells of the run. Never fails: a release is what it is, also where the disk is full, or
 * the record lies in a folder that nobody may write to.
 * @returns its path, when it stands there
 */
export async function keepPage(
  release: Release,
  { evidence, files, log }: Pick<Ports, 'evidence' | 'files' | 'log'>,
): Promise<string | undefined> {
  const path = join(evidence, pageName)
  try {
    await files.write(path, await page(release))
    return path
  } catch (error) {
    log.warning(`the report could not be kept as a page, ${path}: ${asError(error).message}\nThe record has all that it says.`)
    return undefined
  }
}

/** Of a run before: beside a new record it would tell of another one. */
export async function forgetPage({ evidence, files }: Pick<Ports, 'evidence' | 'files'>): Promise<void> {
  await files.remove(join(evidence, pageName)).catch(() => undefined)
}

/** Readable in both colour schemes, on paper, and with a table that is wider than the window. */
const style = `
:root { color-scheme: light dark; --line: light-dark(#d0d7de, #3d444d); --soft: light-dark(#f6f8fa, #161b22) }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h2, h3 { line-height: 1.25; border-bottom: 1px solid var(--line); padding-bottom: .3rem }
table { display: block; overflow-x: auto; border-collapse: collapse; margin: 1rem 0 }
th, td { border: 1px solid var(--line); padding: .3rem .7rem; text-align: left; vertical-align: top }
th { background: var(--soft) }
code, pre { font: 13px/1.45 ui-monospace, monospace; background: var(--soft); border-radius: 4px; overflow-wrap: anywhere }
code { padding: .1rem .3rem }
pre { padding: .8rem; overflow-x: auto; white-space: pre-wrap }
pre code { padding: 0 }
summary { cursor: pointer }
@media print { details::details-content { content-visibility: visible; display: block } }
`
