import { hash } from 'node:crypto'
import type { Notices } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { prose } from './markdown.ts'
import { bodyOf, mostChars } from './body.ts'

/** By which the issues of a rescan are found among others. */
const label = 'launchway-scan'

/** Characters of a finding's print: 36 bits, so that of 5,000 findings a new one is taken for a known one once in ten million times. */
const printChars = 6

/** Prints that are kept: more of them would leave no room for what people read. */
const mostPrints = 6_000

/** New findings that a comment names. */
const named = 20

/**
 * One issue for an environment, open while what it runs is blocked. Of a rescan (plan/rescan.ts) alone, which looks at what an
 * environment runs: of any other run, the scan stands in the way of its own release alone.
 */
export async function keepIssue(release: Release, page: string | undefined, notices: Notices): Promise<void> {
  const { app, plan, scan } = release
  const environment = plan.scan?.against
  if (plan.event !== 'schedule' || plan.stages['build']?.run || environment === undefined || scan === undefined) return
  const of = { label, mark: `<!-- launchway: ${app} in ${environment} -->` }
  const before = await notices.findIssue(of)
  if (scan.verdict === 'passed') {
    if (before === undefined) return
    const what = prose(`${app} ${plan.version} in ${environment}`)
    const link = page === undefined ? '' : `\n\n[The run that found it](${page})`
    await notices.say(
      before.number,
      `Nothing blocks any more: ${what} was scanned with the database of ${prose(scan.database.updated)}.${link}`,
    )
    return notices.closeIssue(before.number)
  }
  const names = blocking(release)
  const title = `${app} in ${environment}: ${names.length === 0 ? 'the scan failed' : `${names.length} ${names.length === 1 ? 'finding blocks' : 'findings block'}`}`
  const body = bodyFor(names, release, page)
  if (before === undefined) return notices.openIssue({ ...of, title, body })
  // Another run that has found the very same is no news.
  if (withoutLink(before.body) === withoutLink(body)) return undefined
  await notices.changeIssue(before.number, { ...of, title, body })
  const news = newsOf(names, printsIn(before.body))
  // A changed text tells nobody; a comment does.
  if (news !== undefined) await notices.say(before.number, news)
}

function blocking({ scan }: Release): string[] {
  return [...new Set((scan?.rules ?? []).filter(({ action }) => action === 'fail').flatMap(({ findings }) => findings))].toSorted()
}

function bodyFor(names: readonly string[], release: Release, page: string | undefined): string {
  const isTooMuch = names.length > mostPrints
  const prints = `<!-- blocks: ${isTooMuch ? '?' : names.map(printOf).join('')} -->`
  const head = isTooMuch
    ? `${prints}\n${names.length} findings block: too many to be kept, so the next run cannot tell which are new.\n`
    : prints
  return `${head}\n${bodyOf(release, page, mostChars - head.length)}`
}

/** What a finding is known by to the next run: short, as there may be thousands, and nothing that could end a comment of HTML. */
function printOf(name: string): string {
  return hash('sha256', name, 'base64').slice(0, printChars)
}

/** What blocked when this was written; undefined where that was not kept. */
function printsIn(text: string): ReadonlySet<string> | undefined {
  const [, prints] = /^<!-- blocks: ([A-Za-z0-9+/]*) -->$/m.exec(text) ?? []
  return prints === undefined
    ? undefined
    : new Set(Array.from({ length: prints.length / printChars }, (_, nth) => prints.slice(nth * printChars, (nth + 1) * printChars)))
}

function newsOf(names: readonly string[], known: ReadonlySet<string> | undefined): string | undefined {
  const fresh = known === undefined ? [] : names.filter((name) => !known.has(printOf(name)))
  if (fresh.length === 0) return undefined
  const more = fresh.length > named ? ` and ${fresh.length - named} more` : ''
  return `New since this was last written: ${fresh.slice(0, named).map(prose).join('; ')}${more}.`
}

function withoutLink(body: string): string {
  return body.replace(/\n\n\[This run\]\([^\n]*\)$/, '')
}
