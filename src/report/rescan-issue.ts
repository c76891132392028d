import { hash } from 'node:crypto'
import type { Notices, Ports } from '../core/ports.ts'
import type { Release, ScanSection } from '../core/release.ts'
import { isRescan } from '../core/stages.ts'
import { bodyOf, mostChars, pageOf } from './body.ts'
import { code, prose } from './markdown.ts'

/** What a rescan looks at. */
export interface Look {
  app: string
  environment: string
}

/** Why it came to no verdict. */
export interface NoVerdict {
  code?: string | undefined
  message?: string | undefined
}

/** By which the issues of a rescan are found among others. */
const label = 'launchway-scan'

/** Characters of a finding's print: 36 bits, so that of 5,000 findings a new one is taken for a known one once in ten million times. */
const printChars = 6

/** Prints that are kept: more of them would leave no room for what people read. */
const mostPrints = 6_000

/** New findings that a comment names. */
const named = 20

/** Of the reason why there is no verdict: what it is about stands at the beginning. */
const mostReason = 1_000

/** Begins the text of a rescan that came to no verdict. */
const unsaid = /^<!-- no verdict: (\S+) since (\d{4}-\d\d-\d\d) -->\n/

/** Stands between that and what the last look said. */
const earlier = '\n\n<!-- the last look -->\n'

/** Stands behind the title of what the last look said. */
const outdated = ' (the last rescan failed)'

/**
 * One issue for an environment, open while what it runs is blocked, or nobody knows whether it is. Of a rescan
 * (plan/rescan.ts) alone, which looks at what an environment runs: of any other run, the scan stands in the way of its own
 * release alone.
 */
export async function keepIssue(release: Release, notices: Notices, ports: Ports): Promise<void> {
  const { app, outcome, plan, scan } = release
  const environment = plan.scan?.against
  if (!isRescan(plan) || environment === undefined) return
  const look = { app, environment }
  if (scan !== undefined) return keepVerdict(look, release, scan, notices, pageOf(ports))
  if (outcome.state === 'failed') await keepNoVerdict(look, outcome, notices, ports)
}

async function keepVerdict(look: Look, release: Release, scan: ScanSection, notices: Notices, page?: string): Promise<void> {
  const { app, plan } = release
  const of = issueOf(look)
  const before = await notices.findIssue(of)
  const failed = before !== undefined && unsaid.test(before.body)
  const last = before === undefined ? undefined : lastLook(before.body)
  if (scan.verdict === 'passed') {
    if (before === undefined) return
    const what = prose(`${app} ${plan.version} in ${look.environment}`)
    const link = page === undefined ? '' : `\n\n[The run that found it](${page})`
    const now = last === undefined ? 'nothing blocks' : 'Nothing blocks any more'
    const again = failed ? `The rescan works again${last === undefined ? ', and ' : '. '}` : ''
    await notices.say(before.number, `${again}${now}: ${what} was scanned with the database of ${prose(scan.database.updated)}.${link}`)
    return notices.closeIssue(before.number)
  }
  const names = blocking(scan.rules)
  const title = `${titleOf(look)}${names.length === 0 ? 'the scan failed' : `${names.length} ${names.length === 1 ? 'finding blocks' : 'findings block'}`}`
  const body = bodyFor(names, release, page)
  if (before === undefined) return notices.openIssue({ ...of, title, body })
  // Another run that has found the very same is no news.
  if (withoutLink(before.body) === withoutLink(body)) return undefined
  await notices.changeIssue(before.number, { ...of, title, body })
  // An issue that was opened because nothing was known has named nothing yet.
  const news = newsOf(names, last === undefined ? new Set() : printsIn(last))
  const word = [...(failed ? ['The rescan works again.'] : []), ...(news === undefined ? [] : [news])].join('\n\n')
  // A changed text tells nobody; a comment does.
  if (word !== '') await notices.say(before.number, word)
}

/**
 * That nothing is known of what runs is not that nothing blocks: without this, only whoever last changed the schedule would
 * hear of it. What the last look said stays below.
 */
export async function keepNoVerdict(look: Look, why: NoVerdict, notices: Notices, ports: Ports): Promise<void> {
  // Somebody has ended the run, and knows it.
  if (ports.signal.aborted) return
  const of = issueOf(look)
  const before = await notices.findIssue(of)
  const reason = why.code ?? 'failed'
  const [, known, day] = unsaid.exec(before?.body ?? '') ?? []
  const since = known === reason && day !== undefined ? day : ports.clock.now().toISOString().slice(0, 10)
  const said = `${code(reason)}: ${prose((why.message ?? '').slice(0, mostReason))}`
  const page = pageOf(ports)
  const link = page === undefined ? '' : `\n\n[This run](${page})`
  const last = before === undefined ? undefined : lastLook(before.body)
  const body = [
    `<!-- no verdict: ${reason} since ${since} -->\n`,
    `**The rescan has failed since ${since}**: ${said}\n\n`,
    `Until it works again nobody knows whether something blocks in what ${prose(look.environment)} runs.${link}`,
    ...(last === undefined ? [] : [earlier, last]),
  ].join('')
  if (before === undefined) return notices.openIssue({ ...of, title: `${titleOf(look)}the rescan failed`, body })
  if (withoutLink(before.body) === withoutLink(body)) return undefined
  const isMarked = last === undefined || before.title.endsWith(outdated)
  await notices.changeIssue(before.number, { ...of, title: `${before.title}${isMarked ? '' : outdated}`, body })
  if (known !== reason) await notices.say(before.number, `The rescan failed: ${said}${link}`)
}

function issueOf({ app, environment }: Look): { label: string; mark: string } {
  return { label, mark: `<!-- launchway: ${app} in ${environment} -->` }
}

function titleOf({ app, environment }: Look): string {
  return `${app} in ${environment}: `
}

/** What the last look that came to a verdict said; undefined where the issue is about none. */
function lastLook(body: string): string | undefined {
  if (!unsaid.test(body)) return body
  const at = body.indexOf(earlier)
  return at < 0 ? undefined : body.slice(at + earlier.length)
}

function blocking(rules: ScanSection['rules']): string[] {
  return [...new Set(rules.filter(({ action }) => action === 'fail').flatMap(({ findings }) => findings))].toSorted()
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
  if (prints === undefined) return undefined
  const count = prints.length / printChars
  return new Set(Array.from({ length: count }, (_, nth) => prints.slice(nth * printChars, (nth + 1) * printChars)))
}

function newsOf(names: readonly string[], known: ReadonlySet<string> | undefined): string | undefined {
  const fresh = known === undefined ? [] : names.filter((name) => !known.has(printOf(name)))
  if (fresh.length === 0) return undefined
  const more = fresh.length > named ? ` and ${fresh.length - named} more` : ''
  return `New since this was last written: ${fresh.slice(0, named).map(prose).join('; ')}${more}.`
}

function withoutLink(body: string): string {
  return body.replaceAll(/\n\n\[This run\]\([^\n]*\)$/gm, '')
}
