import type { Release } from '../core/release.ts'
import { showBytes, showMs } from '../core/units.ts'

/** The job summary, in GitHub's Markdown: made from the record alone, so it can be made again at any time. */
export function summary(release: Release): string {
  const { plan, outcome } = release
  const parts = [`## ${title(release)}`, `\`${release.id}\` · ${plan.ref ?? 'no ref'} · ${plan.sha.slice(0, 7)}`]
  if (outcome.state === 'failed') parts.push(`**${outcome.code ?? 'failed'}**: ${outcome.message ?? ''}`)
  parts.push(table(['stage', '', 'why'], stageRows(release)))
  if (release.build !== undefined) parts.push(table(['image', 'how', 'size', 'configuration'], imageRows(release)))
  if (release.push !== undefined)
    parts.push(
      table(
        ['reference', 'digest'],
        release.push.references.map(({ reference, digest }) => [code(reference), code(short(digest))]),
      ),
    )
  if (release.deploy !== undefined) parts.push(table(['host', 'service', 'health', 'time', 'without service'], hostRows(release)))
  return `${parts.join('\n\n')}\n`
}

function title({ app, plan, outcome, deploy }: Release): string {
  if (outcome.state === 'nothing-to-do') return `${app}: nothing to do`
  const where = deploy === undefined ? '' : ` is live in ${deploy.environment}${deploy.url === undefined ? '' : ` (${deploy.url})`}`
  if (outcome.state === 'failed') return `${app} ${plan.version} failed`
  return `${app} ${plan.version}${where}`
}

function stageRows(release: Release): string[][] {
  return Object.entries(release.plan.stages).map(([name, { run, reason }]) => {
    const done = name in release
    return [name, run ? (done ? 'done' : '–') : 'skipped', reason]
  })
}

function imageRows(release: Release): string[][] {
  return (release.build?.images ?? []).map(({ name, how, size, config, ms }) => [
    name,
    `${how} in ${showMs(ms)}`,
    showBytes(size),
    Object.entries(config)
      .map(([platform, digest]) => `${platform} ${code(short(digest))}`)
      .join('<br>'),
  ])
}

function hostRows(release: Release): string[][] {
  return (release.deploy?.hosts ?? []).flatMap(({ host, services, downtimeMs, ms }) =>
    services.map(({ name, health }) => [host, name, health, showMs(ms), downtimeMs === 0 ? 'none' : showMs(downtimeMs)]),
  )
}

function table(head: string[], rows: string[][]): string {
  const row = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12)
}
