import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import { asError } from '../core/outcome.ts'
import type { Notices, Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { unsuppressed } from '../tools/sarif.ts'
import { prose } from './markdown.ts'
import { summaryParts } from './summary.ts'

/** What somebody wants told on GitHub, beside the summary of the run. */
export interface Told {
  /** One comment on the pull request, kept up to date. */
  comment: boolean
  /** One issue for each environment while what it runs is blocked by the rules of the scan. */
  issue: boolean
  /** The results of the scan, for the Security tab. */
  codeScanning: boolean
}

/** By which the issues of a rescan are found among others. */
const issueLabel = 'launchway-scan'

/** GitHub takes 65,536 characters of a comment or an issue; the rest is for the mark and the link. */
const mostChars = 60_000

/** Tells people on GitHub what became of a run. A run does not fail because of it: what GitHub refuses is a warning. */
export async function tell(release: Release, told: Told, ports: Ports): Promise<void> {
  const { notices } = ports
  if (notices === undefined) return
  const page = ports.who.startsWith('https://') ? ports.who : undefined
  if (told.comment) await attempt(ports, () => comment(release, page, notices))
  if (told.issue) await attempt(ports, () => issue(release, page, notices))
  if (told.codeScanning) await attempt(ports, () => upload(release, notices, ports))
}

async function attempt({ log }: Ports, call: () => Promise<void>): Promise<void> {
  try {
    await call()
  } catch (error) {
    // Also that GitHub cannot be reached: the release is what it is.
    const { message, hint } = error instanceof LaunchwayError ? error : { message: `GitHub was not told: ${asError(error).message}` }
    log.warning(hint === undefined ? message : `${message}\n${hint}`)
  }
}

/** The number of the pull request whose change was built; undefined for any other run. */
function pullOf({ event, ref = '' }: Pick<Release['plan'], 'event' | 'ref'>): number | undefined {
  const [, number] = /^refs\/pull\/(\d+)\//.exec(ref) ?? []
  return event !== 'pull_request' || number === undefined ? undefined : Number(number)
}

async function comment(release: Release, page: string | undefined, notices: Notices): Promise<void> {
  const pull = pullOf(release.plan)
  if (pull === undefined) return
  await notices.comment({ pull, mark: `<!-- launchway: ${release.app} -->`, body: bodyOf(release, page) })
}

/** The summary, with the page of the run; of one that is too long what fits, in whole parts. */
export function bodyOf(release: Release, page: string | undefined): string {
  const parts = summaryParts(release)
  let chars = 0
  const kept = parts.filter((part) => {
    if (chars + part.length > mostChars) return false
    chars += part.length + 2
    return true
  })
  const link = page === undefined ? [] : [`[This run](${page})`]
  return [...kept, ...(kept.length < parts.length ? ['… there is more in the summary of the run.'] : []), ...link].join('\n\n')
}

/** Of a rescan (plan/rescan.ts), which looks at what an environment runs: of any other run, the scan stands in the way of its own release alone. */
async function issue(release: Release, page: string | undefined, notices: Notices): Promise<void> {
  const { app, plan, scan } = release
  const environment = plan.scan?.against
  if (plan.event !== 'schedule' || plan.stages['build']?.run || environment === undefined || scan === undefined) return
  const of = { label: issueLabel, mark: `<!-- launchway: ${app} in ${environment} -->` }
  const what = `${app} ${plan.version} in ${environment}`
  const link = page === undefined ? '' : `\n\n[The run that found it](${page})`
  if (scan.verdict === 'passed')
    return notices.closeIssue({
      ...of,
      word: `Nothing blocks any more: ${prose(what)} was scanned with the database of ${prose(scan.database.updated)}.${link}`,
    })
  const names = blocking(release)
  await notices.keepIssue({
    ...of,
    title: `${app} in ${environment}: ${names.length === 0 ? 'the scan failed' : `${names.length} ${names.length === 1 ? 'finding blocks' : 'findings block'}`}`,
    body: `${listOf(names)}\n${bodyOf(release, page)}`,
    news(before) {
      const known = new Set(listIn(before))
      const fresh = names.filter((name) => !known.has(name))
      if (fresh.length === 0) return undefined
      return `New since this was last written: ${fresh.slice(0, 20).map(prose).join('; ')}${fresh.length > 20 ? ` and ${fresh.length - 20} more` : ''}.`
    },
  })
}

function blocking({ scan }: Release): string[] {
  return [...new Set((scan?.rules ?? []).filter(({ action }) => action === 'fail').flatMap(({ findings }) => findings))].toSorted()
}

/** What blocks, for the next run to compare with: a comment of HTML, which nobody sees and in which no word may end it. */
function listOf(names: readonly string[]): string {
  const kept: string[] = []
  let chars = 0
  for (const name of names) if ((chars += name.length + 6) < 4_000) kept.push(name)
  return `<!-- blocks: ${Buffer.from(JSON.stringify(kept)).toString('base64')} -->`
}

function listIn(text: string): string[] {
  const [, encoded = ''] = /<!-- blocks: ([A-Za-z0-9+/=]+) -->/.exec(text) ?? []
  try {
    const list: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString())
    return Array.isArray(list) ? list.filter((name) => typeof name === 'string') : []
  } catch {
    return []
  }
}

/** GitHub knows the commit and the ref of a run that it has set off, but not of one that scans what runs elsewhere. */
async function upload({ plan, scan }: Release, notices: Notices, { files, log, root }: Ports): Promise<void> {
  if (scan === undefined || plan.event === 'schedule' || plan.ref === undefined) return
  const reports = scan.reports.filter(({ kind }) => kind === 'sarif')
  if (reports.length === 0) {
    return log.warning('there are no results for code scanning: in launchway.yml, scan: { reports: [sarif] } makes them')
  }
  for (const { path } of reports) {
    const sarif = await files.read(join(root, path))
    if (sarif === undefined) log.warning(`${path} is not there any more: nothing of it is in code scanning`)
    else await notices.uploadSarif({ sha: plan.sha, ref: plan.ref, sarif: unsuppressed(sarif) })
  }
}
