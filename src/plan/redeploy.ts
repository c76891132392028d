import { z } from 'zod'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import { Digest, isOwnTag, recordType, releaseId } from '../core/names.ts'
import { byKey } from '../core/objects.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { type PlanSection, parseRelease, type Registry, type Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { type EventName, type StageName, stageNames } from '../core/stages.ts'

/** Where to look for the version, and where to put it. */
export interface Redeploy {
  app: string
  environment: Environment
  event: EventName
  /** The version as somebody names it: a tag of the image, a commit, or `sha256:…`. */
  version: string
  /** Of the first image: where its tags are. */
  repository: string
  registries: readonly Registry[]
}

/** Tags that a message names. */
const shownTags = 10

/**
 * The record of a release that puts the images of an earlier one live again, as the configuration has the environment
 * today. The images come from the record that was kept beside them, so nothing is built, scanned or pushed.
 * @throws LaunchwayError VERSION_UNKNOWN
 */
export async function planRedeploy(of: Redeploy, ports: Ports): Promise<Release> {
  const { repository: name, registries, version, environment } = of
  const repository = await openRepository(name, registries, ports)
  const earlier = await recordOf(repository, of)
  await requireImages(earlier, of, ports)
  const { plan, build, smoke, scan } = earlier
  const now = ports.clock.now()
  const merged = [...registries, ...plan.registries.filter(({ host }) => !registries.some((one) => one.host === host))]
  ports.log.info(`${version} is release ${earlier.id} of ${plan.sha.slice(0, 7)}: its images are put live again`)
  return {
    version: 1,
    id: releaseId(now, plan.sha),
    app: of.app,
    created: now.toISOString(),
    outcome: { state: 'running' },
    plan: {
      event: of.event,
      ...(plan.ref === undefined ? {} : { ref: plan.ref }),
      sha: plan.sha,
      version: version.startsWith('sha256:') ? plan.version : version,
      images: plan.images,
      tags: [],
      registries: merged,
      environment,
      redeploys: earlier.id,
      stages: stagesOf(earlier.id, environment.name, version),
    },
    ...(build === undefined
      ? {}
      : { build: { ...build, images: build.images.map((image) => ({ ...image, how: 'promoted' as const, ms: 0 })) } }),
    ...(smoke === undefined ? {} : { smoke }),
    ...(scan === undefined ? {} : { scan }),
  }
}

function stagesOf(earlier: string, environment: string, version: string): PlanSection['stages'] {
  const done = { run: false, reason: `release ${earlier} is put live again` }
  const runs: Partial<Record<StageName, string>> = {
    plan: 'every run begins with it',
    deploy: `${version} was asked for, in ${environment}`,
    report: 'every run ends with it',
  }
  return byKey(stageNames, (name) => {
    const reason = runs[name]
    return reason === undefined ? done : { run: true, reason }
  })
}

/** What a version may be called: itself, without the v of a git tag, and the tag of a commit. */
export function tagsFor(version: string): string[] {
  const names = [version]
  if (/^v\d/.test(version)) names.push(version.slice(1))
  if (/^[0-9a-f]{7,40}$/.test(version)) names.push(`sha-${version.slice(0, 7)}`)
  return names
}

async function recordOf(repository: Repository, of: Redeploy): Promise<Release> {
  for (const tag of tagsFor(of.version)) {
    const found = await repository.resolve(tag)
    if (found !== undefined) return newestRecord(repository, found.digest, of)
  }
  const known = (await repository.tags()).filter((tag) => !isOwnTag(tag)).toSorted()
  throw new LaunchwayError('VERSION_UNKNOWN', `${of.repository} has no version "${of.version}"`, {
    hint:
      known.length === 0
        ? 'It has no tags at all.'
        : `It has: ${known.slice(-shownTags).join(', ')}${known.length > shownTags ? ', …' : ''}`,
  })
}

/** Several releases may have the same image: the newest one for this environment wins, else the newest. */
async function newestRecord(repository: Repository, digest: string, of: Redeploy): Promise<Release> {
  const kept = (await repository.referrers(digest, recordType)).toSorted((a, b) =>
    created(b.annotations).localeCompare(created(a.annotations)),
  )
  const newest = kept.find(({ annotations }) => annotations['launchway.environment'] === of.environment.name) ?? kept[0]
  const text = newest === undefined ? undefined : await documentOf(repository, newest.digest)
  if (text === undefined) {
    throw new LaunchwayError('VERSION_UNKNOWN', `${of.repository}:${of.version} is there, but no record of its release`, {
      hint: 'It was pushed by something else than launchway, or the registry has thrown the record away. Check its commit out and run launchway there.',
    })
  }
  return parseRelease(text, `the record of ${of.repository}:${of.version}`)
}

function created(annotations: Readonly<Record<string, string>>): string {
  return annotations['org.opencontainers.image.created'] ?? ''
}

const Manifest = z.object({ layers: z.array(z.object({ digest: Digest })) })

/** The only layer of a referrer is the document. */
async function documentOf(repository: Repository, digest: string): Promise<string | undefined> {
  const manifest = await repository.manifest(digest)
  const [layer] = (manifest === undefined ? undefined : parseJson(manifest.body.toString(), Manifest))?.layers ?? []
  return layer === undefined ? undefined : (await repository.blob(layer.digest))?.toString()
}

/** A clean-up of the registry may have removed an image that a tag no longer names. */
async function requireImages({ plan, build }: Release, of: Redeploy, ports: Ports): Promise<void> {
  for (const { name, registries } of build?.images ?? []) {
    const from = plan.images.find((image) => image.name === name)?.repositories[0] ?? ''
    const digest = registries[from]?.digest
    const repository = await openRepository(from, [...of.registries, ...plan.registries], ports)
    if (digest !== undefined && (await repository.resolve(digest)) !== undefined) continue
    throw new LaunchwayError('VERSION_UNKNOWN', `the image ${name} of ${of.version} is no longer in ${from}`, {
      hint: 'Check the commit of that version out and run launchway there: it is built again.',
    })
  }
}
