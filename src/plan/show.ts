import type { Release } from '../core/release.ts'

/** The plan as a person reads it in ten seconds: what, where, and why of each stage. */
export function showPlan({ app, id, plan }: Release): string {
  const what = `${app} ${plan.version}  (${[plan.event, plan.ref ?? 'no ref', plan.sha.slice(0, 7)].join(', ')})  release ${id}`
  const images = plan.images.map(({ name, repositories }) => [
    'image',
    name,
    repositories.map((repository) => `${repository}:{${plan.tags.join(',')}}`).join(' '),
  ])
  const hosts = (plan.environment?.hosts ?? []).map((host) => [
    'host',
    host,
    (plan.environment?.services ?? []).map(({ name, cron }) => (cron === undefined ? name : `${name} (at ${cron})`)).join(', '),
  ])
  const stages = Object.entries(plan.stages).map(([name, { run, reason }]) => [run ? 'run' : 'skip', name, reason])
  return [what, ...columns([...images, ...hosts, ...stages])].join('\n')
}

function columns(rows: string[][]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
}
