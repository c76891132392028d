import { whereReached } from '../core/addresses.ts'
import { called } from '../core/called.ts'
import type { Environment } from '../core/deployment.ts'
import { projectRows } from '../core/project-words.ts'
import type { DeploySection, Release } from '../core/release.ts'
import { stageOfStep } from '../core/stages.ts'
import { showBytes, showMs } from '../core/units.ts'
import { evidenceParts } from './evidence.ts'
import { code, folded, prose, short, table } from './markdown.ts'
import { changeParts, listed, scanParts } from './scan.ts'
import { sizeParts } from './size.ts'
import { smokeParts } from './smoke.ts'

/** The job summary, in GitHub's Markdown: made from the record alone, so it can be made again at any time. */
export function summary(release: Release): string {
  return `${summaryParts(release).join('\n\n')}\n`
}

/**
 * The same in parts, each of which stands for itself, and the most telling first.
 * @param most rows of a table of findings
 * @param mostChars of what a failed check showed
 */
export function summaryParts(release: Release, most = listed, mostChars?: number): string[] {
  const { plan, outcome } = release
  const parts = [
    `## ${title(release)}`,
    `${code(release.id)} · ${plan.ref === undefined ? 'no ref' : code(plan.ref)} · ${code(plan.sha.slice(0, 7))}`,
  ]
  if (outcome.state === 'failed') parts.push(...why(outcome))
  if (release.scan !== undefined) parts.push(...changeParts(release.scan, most))
  parts.push(table(['stage', '', 'why'], stageRows(release)))
  if (release.build !== undefined) parts.push(table(['image', 'how', 'size', 'configuration'], imageRows(release)))
  parts.push(...projectTable(release), ...proposedTable(release))
  if (release.size !== undefined) parts.push(...sizeParts(release.size))
  if (release.smoke !== undefined) parts.push(...smokeParts(release.smoke, mostChars))
  if (release.scan !== undefined) parts.push(...scanParts(release.scan, most))
  if (release.push !== undefined)
    parts.push(
      table(
        ['reference', 'digest'],
        release.push.references.map(({ reference, digest }) => [code(reference), code(short(digest))]),
      ),
    )
  if (release.evidence !== undefined) parts.push(...evidenceParts(release.evidence))
  if (release.deploy !== undefined) parts.push(hostTable(release.deploy), ...waitParts(release.deploy))
  return parts
}

/** The summary of a return to a version that the hosts have kept. */
export function rollbackSummary(app: string, version: string, section: DeploySection, environment?: Environment): string {
  const reached = section.url ?? whereReached(environment)
  const at = reached === undefined ? '' : ` (${code(reached)})`
  return `${[`## ${prose(`${app} is back at ${version} in ${section.environment}`)}${at}`, hostTable(section)].join('\n\n')}\n`
}

/** The summary of a confirmation. */
export function confirmSummary(
  app: string,
  { environment, version, hosts }: { environment: string; version: string; hosts: readonly string[] },
): string {
  const where =
    hosts.length === 0 ? 'Nothing waited: it had been confirmed before.' : `It no longer waits on ${hosts.map(code).join(', ')}.`
  return `## ${prose(`${app} ${version} is confirmed in ${environment}`)}\n\n${where}\n`
}

/** The summary of a move between versions that was only asked about. */
export function proposalSummary(title: string, hosts: readonly { host: string; runs?: string; notes: readonly string[] }[]): string {
  const rows = hosts.map(({ host, runs, notes }) => [
    code(host),
    runs === undefined ? 'nothing' : prose(runs),
    notes.map(prose).join('<br>'),
  ])
  return `${[`## ${prose(title)}`, table(['host', 'runs', ''], rows), 'A dry run: nothing was changed.'].join('\n\n')}\n`
}

/** The summary of what failed before there was a record. @param what such as `launchway plan` */
export function failureSummary(what: string, failure: Failure): string {
  return `${[`## ${prose(what)} failed`, ...why(failure)].join('\n\n')}\n`
}

type Failure = Pick<Release['outcome'], 'code' | 'message' | 'stage' | 'evidence'>

function why({ code: of, message = '', stage, evidence = '' }: Failure): string[] {
  const where = stage === undefined ? '' : ` in ${prose(stage)}`
  const said = `**${of === undefined ? 'failed' : code(of)}**${where}: ${prose(message)}`
  return evidence === '' ? [said] : [said, folded('Evidence, and what to do', evidence)]
}

function title({ app, plan, outcome, deploy }: Release): string {
  if (outcome.state === 'nothing-to-do') return prose(`${app}: nothing to do`)
  const what = `${app} ${called(plan.version, plan.sha)}`
  if (outcome.state === 'failed') return prose(`${what} failed`)
  if (deploy === undefined) return prose(what)
  const at = deploy.url ?? whereReached(plan.environment)
  return `${prose(`${what} is live in ${deploy.environment}`)}${at === undefined ? '' : ` (${code(at)})`}`
}

function stageRows(release: Release): string[][] {
  const { outcome, plan } = release
  const isFailed = outcome.state === 'failed'
  const [broken, step] = [outcome.stage === undefined ? undefined : stageOfStep(outcome.stage), outcome.stage]
  return Object.entries(plan.stages).map(([name, { run, reason }]) => {
    if (!run) return [name, 'skipped', prose(reason)]
    const verdict = name === 'smoke' || name === 'scan' ? release[name]?.verdict : undefined
    if ((isFailed && broken === name) || verdict === 'failed')
      return [
        name,
        'failed',
        step === undefined || step === name || broken !== name ? prose(reason) : `in ${prose(step)}; ${prose(reason)}`,
      ]
    // This page is the report.
    if (name === 'report' || name in release) return [name, 'done', prose(reason)]
    // Why it was to run is no reason any more: it was stopped, or did not begin.
    return isFailed
      ? [name, 'not done', step === undefined ? 'the run ended first' : `${prose(step)} failed first`]
      : [name, '–', prose(reason)]
  })
}

/** What a compose project is on the hosts. */
function projectTable({ plan: { environment } }: Release): string[] {
  const rows = environment === undefined ? [] : projectRows(environment)
  if (rows.length === 0) return []
  return [
    table(
      ['of the project', '', 'image', 'how'],
      rows.map(({ name, kind, image, how }) => [code(name), kind, code(image), prose(how)]),
    ),
  ]
}

/** What a pull request would put live, once it is merged. */
function proposedTable({ plan: { proposed } }: Release): string[] {
  if (proposed === undefined) return []
  const { environment, at, containers } = proposed
  const rows = containers.map(({ name, kind, image, how }) => [code(name), kind, code(image), prose(how)])
  const says = `Once this is merged, it goes to ${prose(environment)}${at === undefined ? '' : ` (${code(at)})`}:`
  return rows.length === 0 ? [] : [says, table(['container', '', 'image', 'how'], rows)]
}

function imageRows(release: Release): string[][] {
  return (release.build?.images ?? []).map(({ name, how, reason, size, compressed, config, ms }) => [
    prose(name),
    `${how} in ${showMs(ms)}${reason === undefined ? '' : `: ${prose(reason)}`}`,
    `${showBytes(size)}${compressed === true ? ' compressed' : ''}`,
    Object.entries(config)
      .map(([platform, digest]) => `${prose(platform)} ${code(short(digest))}`)
      .join('<br>'),
  ])
}

/** How to end the wait of a version for somebody's word, for who reads this on GitHub. */
function waitParts({ environment, hosts }: DeploySection): string[] {
  const waits = hosts.find((host) => host.waits !== undefined)?.waits
  if (waits === undefined) return []
  const until = waits.until === undefined ? '' : ` until ${prose(waits.until)}, when it counts as confirmed`
  const verb = (name: string): string => code(`launchway ${name} -e ${environment}`)
  return [
    `**It waits for a confirmation**${until}. It stays by ${verb('confirm')}, and the version before comes back by ${verb('abort')}; on GitHub, with the workflow "versions" of \`launchway init\`, by Actions, versions, "Run workflow" (\`confirm\`, \`abort\`).`,
  ]
}

function hostTable({ hosts }: DeploySection): string {
  const rows = hosts.flatMap(({ host, services, downtimeMs, ms }) =>
    services.map(({ name, health }) => [code(host), prose(name), code(health), showMs(ms), downtimeMs === 0 ? 'none' : showMs(downtimeMs)]),
  )
  return table(['host', 'service', 'health', 'time', 'without service'], rows)
}
