import type { Place } from '../core/error.ts'
import type { PlannedBase, PlannedImage } from '../core/planned-image.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import type { PlanSection } from '../core/release.ts'
import { bake, type BakeDefinition } from '../tools/buildx.ts'
import type { BuildWarning } from '../tools/solve-status.ts'
import { failedAtCache, refusedCaches } from './cache.ts'
import { buildFailure, placeOf } from './failure.ts'
import { gather, type Gathered } from './given.ts'
import { isForced } from './keys.ts'
import { lendConfig } from './lent-config.ts'
import { buildLogins } from './logins.ts'
import { bakeDefinition, basesUnder, type Order } from './plan.ts'
import { followSolve, type Told } from './progress.ts'

/** Warnings of one build that are shown, each with its line: GitHub takes ten annotations of a step. */
const shownWarnings = 8

export interface Solve {
  /** What is built. */
  images: readonly PlannedImage[]
  /** What may be built on besides, also images that need no build themselves: only what is needed is built. */
  bases: readonly PlannedBase[]
  keys: ReadonlyMap<string, string>
  /** By the name of the image: what to take in place of images that its Dockerfile names. */
  pins: ReadonlyMap<string, Readonly<Record<string, string>>>
  plan: PlanSection
  driver: string
  /** Written by buildx. */
  metadataFile: string
}

/**
 * Builds the images in one solve, into the engine of this machine.
 * @throws LaunchwayError SECRET_MISSING before anything is built, BUILD_FAILED
 */
export async function solve(of: Solve, ports: Ports): Promise<void> {
  const bases = basesUnder(of.images, of.bases)
  const sources = [...of.images, ...bases]
  const given = await gather(sources, ports)
  try {
    const { containerdStore } = await ports.engine.info()
    const exportsCache = of.driver !== 'docker' || containerdStore
    const definition = (order: Pick<Order, 'exportsCache' | 'cached'>): BakeDefinition =>
      bakeDefinition(of.images, of.keys, of.plan, { bases, given, pins: of.pins, ...order })
    const [asked, cached] = [definition({ exportsCache: true }), definition({ exportsCache })]
    if (entries(asked, 'cache-to').length > entries(cached, 'cache-to').length) {
      ports.log.warning(
        'cache.to is left out: this builder keeps its layers in the store of the engine and cannot write them elsewhere. A builder of its own can: docker buildx create --use (in a workflow docker/setup-buildx-action)',
      )
    }
    const logins = await buildLogins(cached, of.plan, ports)
    let { code, told } = await once(cached, of, { given, logins }, ports)
    const usesCache = entries(cached, 'cache-from').length + entries(cached, 'cache-to').length > 0
    const isAtCache = code !== 0 && usesCache && failedAtCache(told)
    if (!isAtCache) for (const text of refusedCaches(told, cached, logins)) ports.log.warning(text)
    if (isAtCache) {
      ports.log.warning(`the build cache fails, and no build fails with it: built again without.\n${told.text.at(-1) ?? ''}`)
      ;({ code, told } = await once(definition({ cached: false }), of, { given, logins }, ports))
    }
    for (const line of told.text) if (code === 0) ports.log.debug(line)
    await showWarnings(told.warnings, sources, ports)
    if (code !== 0) throw await buildFailure(told, sources, { driver: of.driver, logins }, ports)
  } finally {
    await given.remove()
  }
}

function entries({ target }: BakeDefinition, key: 'cache-from' | 'cache-to'): string[] {
  return Object.values(target).flatMap((one) => one[key] ?? [])
}

interface Opened {
  given: Gathered
  logins: ReadonlyMap<string, Credentials>
}

async function once(definition: BakeDefinition, of: Solve, { given, logins }: Opened, ports: Ports): Promise<{ code: number; told: Told }> {
  const lent = await lendConfig(logins, ports)
  const progress = followSolve(
    of.images.map(({ name }) => name),
    ports.log,
  )
  const { pull = false } = of.plan.build ?? {}
  const call = bake(definition, of.metadataFile, ports.root, { env: { ...given.env, ...lent.env }, noCache: isForced(of.plan), pull })
  let told: Told | undefined
  try {
    const { code } = await ports.exec.run(call, { signal: ports.signal, accept: [0, 1], onLine: progress.onLine })
    return { code, told: (told = progress.end()) }
  } finally {
    if (told === undefined) progress.end()
    await lent.remove()
  }
}

/** What the checks of the Dockerfile frontend have against it: they come with the solve, from BuildKit 0.14 on. */
async function showWarnings(warnings: readonly BuildWarning[], sources: readonly PlannedBase[], ports: Ports): Promise<void> {
  const known = new Map<string, { text: string; place: Place | undefined }>()
  for (const { text, url, file, source, line } of warnings) {
    const at = line === undefined ? undefined : { file, line, text: (source.split('\n')[line - 1] ?? '').trim() }
    const place = at === undefined ? undefined : await placeOf(at, sources, ports)
    const says = `${text.replace(/ \(line \d+\)$/, '')}${url === '' ? '' : ` (${url})`}`
    known.set(`${place?.file ?? file}:${line ?? 0} ${says}`, { text: says, place })
  }
  const all = [...known.values()]
  for (const { text, place } of all.slice(0, shownWarnings)) ports.log.warning(text, place)
  const rest = all
    .slice(shownWarnings)
    .map(({ text, place }) => `${place === undefined ? '' : `${place.file}:${place.line ?? 0}: `}${text}`)
  if (rest.length > 0) ports.log.info([`${rest.length} more warnings of the Dockerfile:`, ...rest].join('\n'))
}
