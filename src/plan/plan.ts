import { type Flavor, flavorOfDefaults, flavorOfRules, withFlavor } from '../config/flavor.ts'
import { defaultTagRules, parseTagRule, type TagRule } from '../config/image-tags.ts'
import { resolveEvidence } from '../config/evidence.ts'
import { type Found, resolveSmoke } from '../config/gates.ts'
import { resolveEnvironment, resolveRegistries } from '../config/resolve.ts'
import { resolveBases, resolveImages } from '../config/resolve-image.ts'
import { resolveScan } from '../config/scan.ts'
import type { Config } from '../config/schema.ts'
import { tagEntries } from '../config/tag-entry.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan, SmokePlan } from '../core/gates.ts'
import { isOwnTag } from '../core/names.ts'
import { nearest } from '../core/nearest.ts'
import type { PlanSection } from '../core/release.ts'
import { ruleName } from '../core/scan-rule.ts'
import { isProposal, isRescan } from '../core/stages.ts'
import { choose } from './glob.ts'
import { ociLabels, withValues } from './labels.ts'
import { noStages } from './stages.ts'
import { imageTags } from './tags.ts'
import { branchOf, type Facts, shortSha, tagOf, type Trigger } from './trigger.ts'

interface Tagging {
  rules: readonly TagRule[]
  flavor: Flavor
}

/** What stands in for what the configuration leaves out. */
export interface Beside extends Found {
  knownHosts?: string
  facts?: Facts
}

/** What a branch or tag does, by the configuration. */
interface Route {
  environment: string | undefined
  tagging: Tagging
  /** For people: why. */
  because: string
}

/**
 * Decides what a run will do, and why. Nothing is asked of anyone.
 * @param found the files and facts of the repository that stand in for what the configuration leaves out
 * @throws LaunchwayError USAGE for an environment that the configuration does not have, and for a tag that is launchway's own
 */
export function plan(config: Config, trigger: Trigger, found: Beside = {}): PlanSection {
  const route = routeOf(config, trigger)
  const facts = found.facts ?? {}
  const { tags, immutable, outcomes } =
    typeof route === 'string'
      ? { tags: [], immutable: [], outcomes: [] }
      : imageTags(route.tagging.rules, route.tagging.flavor, trigger, facts)
  if (!isProposal(trigger)) refuseOwnTags(tags)
  const environment =
    typeof route === 'string' || route.environment === undefined ? undefined : required(config, route.environment, found.knownHosts)
  const smoke = resolveSmoke(config, found)
  const scan = resolveScan(config, found)
  const bases = resolveBases(config).map((base) => withValues(base, trigger, facts))
  const evidence = resolveEvidence(config)
  const against = environment?.name ?? proposedFor(config, trigger)
  const version = tags[0] ?? shortSha(trigger)
  const images = resolveImages(config).map((image) => withValues(image, trigger, facts))
  return {
    event: trigger.event,
    ...(trigger.ref === undefined ? {} : { ref: trigger.ref }),
    sha: trigger.sha,
    ...(trigger.source === undefined ? {} : { source: trigger.source }),
    ...(trigger.dirty === true ? { dirty: true } : {}),
    version,
    images,
    ...(bases.length === 0 ? {} : { bases }),
    tags,
    ...(outcomes.length === 0 ? {} : { tagRules: outcomes }),
    ...(typeof route === 'string' ? {} : { labels: ociLabels(version, trigger, facts, images.length) }),
    ...(immutable.length === 0 ? {} : { immutable }),
    registries: resolveRegistries(config),
    ...(trigger.rebuild === true ? { rebuild: true } : {}),
    ...(environment === undefined ? {} : { environment }),
    ...(typeof smoke === 'string' ? {} : { smoke }),
    ...(typeof scan === 'string' ? {} : { scan: { ...scan, ...(against === undefined ? {} : { against }) } }),
    ...(against === undefined ? {} : { against }),
    ...(evidence === undefined ? {} : { evidence }),
    stages: stagesOf(route, trigger, { environment, smoke, scan }),
  }
}

/**
 * What a schedule looks at that builds nothing. What runs was released by a push: it means what the branch or the input leads to.
 * @param decided what its plan says @returns undefined of a run that does something else, or nothing
 */
export function sectionToRescan(config: Config, trigger: Trigger, decided: PlanSection, found: Beside): PlanSection | undefined {
  if (!isRescan(decided) || trigger.idle !== undefined) return undefined
  return { ...plan(config, { ...trigger, event: 'push' }, found), event: trigger.event }
}

/** The route of this trigger, or in words why there is none. */
function routeOf(config: Config, trigger: Trigger): Route | string {
  const tagging = taggingOf(config, config['image-tags'])
  if (trigger.idle !== undefined) return trigger.idle
  if (isProposal(trigger)) {
    const what = trigger.event === 'merge_group' ? 'an entry of the merge queue' : 'a pull request'
    return { environment: undefined, tagging, because: `${what} is built; nothing is written` }
  }
  const route = trigger.event === 'schedule' ? scheduled(config, trigger, tagging) : refRoute(config, trigger, tagging)
  const { environment } = trigger
  if (environment === undefined || trigger.event === 'schedule') return route
  // Who asks for an environment says where it goes, not what it is called.
  return { environment, tagging: typeof route === 'string' ? tagging : route.tagging, because: `${environment} was asked for` }
}

/**
 * A nightly build is for those who have a tag for it. Where an environment is named, it is the daily look at what runs
 * there, whatever image-tags say: the clock changes nothing on a host.
 */
function scheduled(config: Config, trigger: Trigger, general: Tagging): Route | string {
  const { environment } = trigger
  if (environment !== undefined) return `a schedule that names an environment only looks at what ${environment} runs`
  const route = refRoute(config, trigger, general)
  const tagging = typeof route === 'string' ? general : route.tagging
  if (!tagging.rules.some(({ type }) => type === 'schedule'))
    return 'a schedule builds where image-tags has type=schedule, and here it has not'
  return { environment: undefined, tagging, because: 'a schedule builds and pushes; nothing is deployed' }
}

/** What the configuration says of this branch or tag. */
function refRoute(config: Config, trigger: Trigger, general: Tagging): Route | string {
  const tag = tagOf(trigger)
  const name = tag ?? branchOf(trigger)
  if (name === undefined) return 'there is neither a branch nor a tag; name one with --ref, or an environment with --environment'
  const kind = tag === undefined ? 'branch' : 'tag'
  const table = (tag === undefined ? config.branches : config.tags) ?? {}
  const pattern = choose(Object.keys(table), name)
  const target = pattern === undefined ? undefined : table[pattern]
  if (pattern === undefined || target === undefined) {
    const known = Object.keys(table)
    const list = `${tag === undefined ? 'branches' : 'tags'} has ${known.length === 0 ? 'none' : known.join(', ')}`
    const isNamed = trigger.event === 'local' || trigger.supposed === true
    const isTagToo = tag === undefined && isNamed && choose(Object.keys(config.tags ?? {}), name) !== undefined
    const meant = isTagToo || !isNamed ? undefined : nearest(name, known)
    const way = isTagToo ? `; for the tag name --ref refs/tags/${name}` : meant === undefined ? '' : `; did you mean ${meant}?`
    return `no rule for the ${kind} "${name}": ${list}${way}`
  }
  const { environment, 'image-tags': own } = typeof target === 'string' ? { environment: target } : { environment: undefined, ...target }
  const by = pattern === name ? '' : ` (by ${pattern})`
  const because = environment === undefined ? `the ${kind} ${name}${by} is not deployed` : `the ${kind} ${name}${by} goes to ${environment}`
  return { environment, tagging: own === undefined ? general : taggingOf(config, own), because }
}

/** Where a change that is not merged would go. */
function proposedFor(config: Config, { base }: Trigger): string | undefined {
  const pattern = base === undefined ? undefined : choose(Object.keys(config.branches ?? {}), base)
  const target = pattern === undefined ? undefined : config.branches?.[pattern]
  return typeof target === 'string' ? target : target?.environment
}

/** Under these names a registry keeps candidates and records: a branch of such a name would replace them. */
function refuseOwnTags(tags: readonly string[]): void {
  const own = tags.find(isOwnTag)
  if (own === undefined) return
  throw new LaunchwayError('USAGE', `the image tag ${own} is kept for launchway itself`, {
    hint: 'Call the branch or tag otherwise, or give its image tag a prefix: image-tags: "type=ref,event=branch,prefix=branch-"',
  })
}

/** config/rules.ts has refused every entry that cannot be read, with its place. */
function taggingOf({ flavor }: Config, entries: string | string[] | undefined): Tagging {
  const rules = entries === undefined ? defaultTagRules : tagEntries(entries).map(({ entry }) => read(entry, parseTagRule(entry)))
  const start = entries === undefined && flavor === undefined ? flavorOfDefaults : flavorOfRules
  return { rules, flavor: tagEntries(flavor ?? []).reduce((before, { entry }) => read(entry, withFlavor(before, entry)), start) }
}

function read<T>(entry: string, found: T | string): T {
  if (typeof found === 'string') throw new TypeError(`${entry}: ${found}`)
  return found
}

function required(config: Config, name: string, knownHosts: string | undefined): Environment {
  const environment = resolveEnvironment(config, name, knownHosts)
  if (environment !== undefined) return environment
  const known = Object.keys(config.environments ?? {})
  const meant = nearest(name, known)
  throw new LaunchwayError('USAGE', `there is no environment "${name}"`, {
    hint: meant === undefined ? `launchway.yml has: ${known.join(', ') || 'none'}` : `Did you mean "${meant}"?`,
  })
}

interface Chosen {
  environment: Environment | undefined
  /** In words, why not. */
  smoke: SmokePlan | string
  scan: ScanPlan | string
}

function stagesOf(route: Route | string, trigger: Trigger, { environment, smoke, scan }: Chosen): PlanSection['stages'] {
  if (typeof route === 'string') return noStages(route)
  return {
    plan: { run: true, reason: 'every run begins with it' },
    build: { run: true, reason: trigger.rebuild === true ? `${route.because}; everything is built anew` : route.because },
    smoke:
      typeof smoke === 'string'
        ? { run: false, reason: smoke }
        : { run: true, reason: `${smoke.compose.join(', ')} must come up and answer` },
    scan: typeof scan === 'string' ? { run: false, reason: scan } : { run: true, reason: whatBlocks(scan) },
    push: isProposal(trigger)
      ? { run: false, reason: `a ${trigger.event} writes nothing to a registry` }
      : { run: true, reason: gatesBefore(smoke, scan) },
    deploy: environment === undefined ? { run: false, reason: route.because } : { run: true, reason: route.because },
    report: { run: true, reason: 'every run ends with it' },
  }
}

function whatBlocks({ rules }: ScanPlan): string {
  const blocking = rules.filter(({ action }) => action === 'fail').map(ruleName)
  return blocking.length === 0 ? 'known vulnerabilities are reported' : `it blocks on ${blocking.join('; ')}`
}

function gatesBefore(smoke: Chosen['smoke'], scan: Chosen['scan']): string {
  const gates = [typeof smoke === 'string' ? [] : 'smoke', typeof scan === 'string' ? [] : 'scan'].flat()
  const has = gates.length === 1 ? 'has' : 'have'
  return gates.length === 0 ? 'the tags move once the image is there' : `the tags move once ${gates.join(' and ')} ${has} passed`
}
