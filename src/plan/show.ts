import { whereReached } from '../core/addresses.ts'
import { batchesOf, isLed } from '../core/batches.ts'
import type { PlanSection, Release } from '../core/release.ts'
import { projectRows } from '../core/project-words.ts'
import { stageNames } from '../core/stages.ts'
import { showMs } from '../core/units.ts'

/** Rows of one kind that are shown; the record has them all. */
const shownRows = 20
/** Letters of a name or reason. A branch may be called anything. */
const shownLetters = 160

/** The plan as a person reads it in ten seconds: what goes where and why, which tags, and what each stage does. */
export function showPlan({ app, id, outcome, plan }: Release): string {
  const from = `${eventOf(plan)} at ${plan.sha.slice(0, 7)}${plan.dirty === true ? ', with changed files' : ''}`
  if (outcome.state === 'nothing-to-do') return [`${app}: nothing to do`, plain(from), plain(outcome.message ?? '')].join('\n')
  const { images, environment } = plan
  const blocks = [
    block(
      'image',
      images.map(({ name, repositories, platforms }) => [name, `${repositories.join(', ')}${severalOf(platforms)}`]),
    ),
    // What writes nothing moves no tag.
    block('tag', plan.stages.push.run ? tagRows(plan) : []),
    block('label', valueRows(plan, 'labels')),
    block('annotation', valueRows(plan, 'annotations')),
    block(
      'host',
      (environment?.hosts ?? []).map((host) => [
        host,
        environment?.swarm === undefined
          ? (environment?.services ?? []).map(({ name, cron }) => (cron === undefined ? name : `${name} (at ${cron})`)).join(', ')
          : `a manager of the Swarm, for the stack ${environment.swarm.name}`,
      ]),
    ),
    block('batch', batchRows(environment)),
    block('stack', stackRows(environment)),
    block(
      'project',
      (environment === undefined ? [] : projectRows(environment)).map(({ name, image, how }) => [
        name,
        how === '' ? image : `${image}; ${how}`,
      ]),
    ),
    block('merged', mergedRows(plan)),
    block(
      'stage',
      // That every run is planned and reported is no news.
      stageNames.filter((name) => name !== 'plan' && name !== 'report').map((name) => [name, ...stageRow(plan, name)]),
    ),
  ]
  return [`${app} ${plain(plan.version)} ${goal(plan)}`, `${plain(from)}, release ${id}`, '', ...columns(blocks.flat())].join('\n')
}

/** Of one platform nothing is said: every engine builds that. */
function severalOf(platforms: readonly string[]): string {
  return platforms.length < 2 ? '' : `, for ${platforms.join(', ')}: built where the engine has the containerd image store`
}

/** What a pull request would put live. */
function mergedRows({ event, against, proposed, stages }: PlanSection): string[][] {
  if (event !== 'pull_request' || !stages.build.run) return []
  if (proposed === undefined) return [against === undefined ? ['-', 'no environment is known to which its branch leads'] : [against]]
  return [
    [proposed.environment, proposed.at ?? ''],
    ...proposed.containers.map(({ name, image, how }) => [name, how === '' ? image : `${image}; ${how}`]),
  ]
}

/** Which hosts go together, where that is said. */
function batchRows(environment: PlanSection['environment']): string[][] {
  const { batch, hosts = [] } = environment ?? {}
  if (environment === undefined || batch === undefined) return []
  if (hosts.length < 2) return [['-', 'there is one host: batch does nothing']]
  const { sizes, waitMs } = batch
  return batchesOf(hosts, sizes).map((together, index) => {
    const [first = '', ...others] = together
    const isApart = index === 0 && others.length > 0 && isLed(environment)
    const names = isApart ? `${first} (what runs once runs there), then ${namesOf(others)}` : namesOf(together)
    return [String(index + 1), `${names}${index === 0 || waitMs === undefined ? '' : `; ${showMs(waitMs)} later`}`]
  })
}

/** They stand above in their order. */
function namesOf(hosts: readonly string[]): string {
  const all = hosts.join(', ')
  return all.length < shownLetters / 2 ? all : `${hosts[0] ?? ''} … ${hosts.at(-1) ?? ''} (${hosts.length} hosts)`
}

/** What each service of a stack runs. */
function stackRows(environment: PlanSection['environment']): string[][] {
  const { images = {}, once = [] } = environment?.swarm?.stack ?? {}
  return Object.entries(images).map(([service, image]) => [
    service,
    `${'built' in image ? `the image ${image.built}` : image.pulled}${once.includes(service) ? ', once, before the others' : ''}`,
  ])
}

function goal({ environment, stages }: PlanSection): string {
  const at = whereReached(environment)
  if (stages.deploy.run && environment !== undefined) return `goes to ${environment.name}${at === undefined ? '' : `: ${at}`}`
  if (stages.scan.run && !stages.build.run) return 'is only scanned again'
  return stages.push.run ? 'is built and pushed, not deployed' : 'is built as a check: nothing is written'
}

function eventOf({ event, ref }: PlanSection): string {
  const [, kind, name = ''] = /^refs\/(heads|tags)\/(.*)$/s.exec(ref ?? '') ?? []
  const what = kind === undefined ? (ref ?? 'no branch') : `the ${kind === 'heads' ? 'branch' : 'tag'} ${name}`
  return event === 'local' ? `here, ${what}` : `${event} of ${what}`
}

/** Each tag once, with the rule that gave it; then the rules that gave none and should have. */
function tagRows({ tags, tagRules = [] }: PlanSection): string[][] {
  const given = tags.map((tag) => [tag, tagRules.find((one) => one.tag === tag)?.rule ?? ''])
  const none = tagRules.flatMap(({ rule, reason }) => (reason === undefined ? [] : [['-', `${rule}: ${reason}`]]))
  const rows = [...given, ...none]
  return rows.length === 0 ? [['-', 'no rule of image-tags is for this: only hosts will know the image, by its digest']] : rows
}

/** What expressions come to, of images that are built; what stands there for good is in launchway.yml. */
function valueRows({ images, stages }: PlanSection, kind: 'labels' | 'annotations'): string[][] {
  if (!stages.build.run) return []
  const of = (name: string): string => (images.length > 1 ? ` (${name})` : '')
  return images.flatMap(({ name, written, ...image }) =>
    Object.keys(written?.[kind] ?? {}).map((key) => [key, `${image[kind]?.[key] ?? ''}${of(name)}`]),
  )
}

function stageRow({ stages }: PlanSection, name: (typeof stageNames)[number]): [string, string] {
  const { run, reason } = stages[name] ?? { run: false, reason: '' }
  return [run ? 'run' : 'skip', reason]
}

/** Rows of one kind, which the first of them names. */
function block(kind: string, rows: string[][]): string[][] {
  const left = rows.length - shownRows
  const shown = left > 1 ? [...rows.slice(0, shownRows), [`… and ${left} more`]] : rows
  return shown.map((row, index) => [index === 0 ? kind : '', ...row.map(plain)])
}

/** Every row but those of stages has its reason in the third column; the last cell of a row takes what room it needs. */
function columns(rows: string[][]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => (column < row.length - 1 ? (row[column]?.length ?? 0) : 0))))
  return rows.map((row) => {
    const last = row.length - 1
    return `  ${row.map((cell, column) => (column < last ? cell.padEnd(column === 2 ? 4 : (widths[column] ?? 0)) : cell)).join('  ')}`.trimEnd()
  })
}

/** In one line, without what a terminal would obey or what turns a line around, and not longer than anybody reads. */
function plain(text: string): string {
  const short = text.length > shownLetters ? `${text.slice(0, shownLetters)}…` : text
  return short.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`)
}
