import type { Release } from '../core/release.ts'
import type { StageName } from '../core/stages.ts'

/** A document that lies beside an image. */
interface Document {
  image: string
  kind: string
  /** Of an image of several platforms: the one that it is about. */
  platform?: string
  digest: string
  release?: string
}

/** What a record says, in a few lines for a terminal, and what lies beside its images. */
export function showRecord(
  { id, app, created, outcome, plan, build, smoke, scan, push, deploy }: Release,
  beside: readonly Document[] = [],
): string {
  const several = (build?.images ?? []).length > 1
  const rows: [string, string][] = [
    ['release', `${app} ${plan.version} (${id}), planned ${created}`],
    [
      'from',
      `${plan.ref ?? 'no ref'} at ${plan.sha.slice(0, 12)}, ${plan.event}${plan.redeploys === undefined ? '' : `, images of ${plan.redeploys}`}`,
    ],
    ...(plan.environment === undefined ? [] : ([['to', plan.environment.name]] as [string, string][])),
    ['outcome', ended(outcome)],
    ...(build?.images ?? []).flatMap(({ name, how, config, registries }): [string, string][] => [
      ['image', `${name}, ${how}`],
      ...Object.entries(config).map(([platform, digest]): [string, string] => ['', `configuration ${platform} ${digest}`]),
      ...Object.entries(registries).map(([repository, { digest }]): [string, string] => ['', `${repository}@${digest}`]),
    ]),
    ['smoke', smoke === undefined ? withoutSection(plan.stages.smoke) : `${smoke.verdict}, ${smoke.checks.length} checks`],
    ['scan', scan === undefined ? withoutSection(plan.stages.scan) : scanned(scan)],
    ...(push?.references ?? []).map(({ reference, digest }): [string, string] => ['tag', `${reference} ${digest}`]),
    ...(deploy?.hosts ?? []).map(({ host, slot }): [string, string] => ['host', `${host}, slot ${slot}`]),
    ...beside.map(({ image, kind, platform, digest, release }): [string, string] => [
      'beside',
      `${several ? `${image}: ` : ''}${kind}${platform === undefined ? '' : ` for ${platform}`}${release === undefined ? '' : ` ${release}`} ${digest}`,
    ]),
  ]
  return rows.map(([name, value]) => `${name.padEnd(8)} ${value}\n`).join('')
}

/** The reason of a stage that runs says why it is to run. */
function withoutSection(stage: Release['plan']['stages'][StageName] | undefined): string {
  return stage === undefined || stage.run ? 'not run' : stage.reason
}

/** A registry has a record as it was when its tags moved: a deploy comes after that. */
function ended({ state, code, stage, message }: Release['outcome']): string {
  if (state === 'running') return 'not told here: it was under way when this was kept; `launchway history` shows what hosts ran'
  return [state, code, stage, message].filter(Boolean).join(' ')
}

function scanned({ verdict, images, tool, database, rules, lists = [] }: NonNullable<Release['scan']>): string {
  const findings = images.reduce((sum, image) => sum + image.findings.filter(({ status }) => status !== 'fixed').length, 0)
  const broken = rules.filter(({ passed }) => !passed).map(({ rule }) => rule)
  const why = broken.length === 0 ? '' : `, broken: ${broken.join('; ')}`
  const asked = lists
    .map(({ path, made = 'no date', entries, digest }) => ` and ${path} (${made}, ${entries} vulnerabilities, ${digest})`)
    .join('')
  return `${verdict}, ${findings === 1 ? '1 finding' : `${findings} findings`} by ${tool.name} ${tool.version} with the database of ${database.updated}${asked}${why}`
}
