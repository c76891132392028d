import { soughtVersion } from '../core/called.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { isOwnTag, labels, recordType, releaseId } from '../core/names.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { type PlanSection, parseRelease, type Registry, type Release } from '../core/release.ts'
import { documentOf } from '../core/record-document.ts'
import { openRepository } from '../core/repository.ts'
import type { EventName } from '../core/stages.ts'
import { mountedHashes } from './mounted.ts'
import { onlyStages } from './stages.ts'
import type { Trigger } from './trigger.ts'

/** Where to look for the version, and where to put it. */
export interface Redeploy {
  app: string
  environment: Environment
  event: EventName
  /** On a push, what was pushed. */
  pushed?: Pick<Trigger, 'ref' | 'sha'>
  /** The version as somebody names it: a tag of the image, a commit, or `sha256:…`. */
  version: string
  /** Where the images of today's configuration are, the first one's tags being the versions. */
  repositories: readonly [string, ...string[]]
  registries: readonly Registry[]
  /** Its command before the switch is not to be run: that of an old version may not know what a newer one has done to the database. */
  withoutBeforeSwitch?: boolean | undefined
}

/** An image whose record is looked for. Of several records that of this environment comes first. */
export type Sought = Pick<Redeploy, 'version' | 'repositories'> & { environment?: Pick<Environment, 'name'> }

/** Tags that a message names. */
const shownTags = 10

/** Tags whose records are read to find a commit: each costs some questions. */
const searchedTags = 20

const commitPattern = /^[0-9a-f]{7,40}$/

/**
 * The record of a release that puts the images of an earlier one live again, as the configuration has the environment
 * today. The images come from the record that was kept beside them, so nothing is built, scanned or pushed.
 * @throws LaunchwayError VERSION_UNKNOWN
 */
export async function planRedeploy(of: Redeploy, ports: Ports): Promise<Release> {
  const { registries } = of
  const { beforeSwitch, ...bare } = of.environment
  const leavesOut = of.withoutBeforeSwitch === true && beforeSwitch !== undefined
  const environment = leavesOut ? bare : of.environment
  const version = soughtVersion(of.version)
  const earlier = await recordOf(await openRepository(of.repositories[0], registries, ports), of)
  await requireImages(earlier, of, ports)
  const { plan, build, smoke, scan, size } = earlier
  const ref = refOf(of, plan)
  const now = ports.clock.now()
  ports.log.info(`${version} is release ${earlier.id} of ${plan.sha.slice(0, 7)}: its images are put live again`)
  return {
    version: 1,
    id: releaseId(now, plan.sha),
    app: of.app,
    created: now.toISOString(),
    outcome: { state: 'running' },
    plan: {
      event: of.event,
      ...(ref === undefined ? {} : { ref }),
      sha: plan.sha,
      // Who names a digest or a whole commit names it exactly, and not as people call it.
      version: /^(sha256:[0-9a-f]{64}|[0-9a-f]{40})$/.test(version) ? plan.version : version,
      images: plan.images,
      tags: [],
      registries: [...registries],
      environment,
      ...(await mountedHashes(environment, ports, plan.hashes)),
      redeploys: earlier.id,
      stages: onlyStages(
        { deploy: `${version} was asked for, in ${environment.name}${leavesOut ? ', without before-switch' : ''}` },
        `release ${earlier.id} is put live again`,
      ),
    },
    ...(build === undefined
      ? {}
      : {
          build: { ...build, images: build.images.map(({ reason: _then, ...image }) => ({ ...image, how: 'promoted' as const, ms: 0 })) },
        }),
    ...(smoke === undefined ? {} : { smoke }),
    ...(scan === undefined ? {} : { scan }),
    ...(size === undefined ? {} : { size }),
  }
}

/**
 * A commit may have been released for a branch and for a tag: a push that deploys its own commit does so for the ref that
 * was pushed. One that deploys another version does so for no ref: whether its branch has moved on says nothing about it.
 */
function refOf({ event, pushed }: Redeploy, earlier: PlanSection): string | undefined {
  if (event !== 'push') return earlier.ref
  return pushed?.sha === earlier.sha ? pushed.ref : undefined
}

/** What a version may be called: itself, without the v of a git tag, and the tag of a commit as `type=sha` spells it. */
export function tagsFor(version: string): string[] {
  const names = [version]
  if (/^v\d/.test(version)) names.push(version.slice(1))
  const short = version.slice(0, 7)
  if (commitPattern.test(version)) names.push(`sha-${short}`, `sha-${version}`, short)
  return [...new Set(names)]
}

/**
 * The newest record of an image.
 * @throws LaunchwayError VERSION_UNKNOWN
 */
export async function recordOf(repository: Repository, of: Sought): Promise<Release> {
  const version = soughtVersion(of.version)
  const isCommit = commitPattern.test(version)
  const usual = tagsFor(version)
  let there: string | undefined
  for (const tag of usual) {
    const found = await repository.resolve(tag)
    if (found === undefined) continue
    // A tag of seven digits may be that of another commit by now.
    const release = await newestRecord(repository, tag, found.digest, of, isCommit && tag !== version ? version : undefined)
    if (release !== undefined) return release
    if (!isCommit) throw noRecord(`${of.repositories[0]}:${version}`)
    there ??= tag
  }
  const known = (await repository.tags()).filter((tag) => !isOwnTag(tag)).toSorted()
  for (const tag of isCommit ? likeliest(known, version, usual) : []) {
    const found = await repository.resolve(tag)
    const release = found === undefined ? undefined : await newestRecord(repository, tag, found.digest, of, version)
    if (release !== undefined) return release
  }
  if (there !== undefined) throw noRecord(`${of.repositories[0]}:${there}`, ', or it is of another commit by now')
  throw new LaunchwayError('VERSION_UNKNOWN', `${of.repositories[0]} has no version "${version}"`, {
    hint:
      known.length === 0
        ? 'It has no tags at all.'
        : `It has: ${known.slice(-shownTags).join(', ')}${known.length > shownTags ? ', …' : ''}`,
  })
}

/**
 * Tags that may be of a commit, the likeliest first: those that have it in them, however they are spelled; then those that move with a branch,
 * and the newest versions, for who tags no commit.
 */
function likeliest(known: readonly string[], commit: string, asked: readonly string[]): string[] {
  const rest = known.filter((tag) => !asked.includes(tag)).toReversed()
  const [named, others] = [rest.filter((tag) => tag.includes(commit.slice(0, 7))), rest.filter((tag) => !tag.includes(commit.slice(0, 7)))]
  const newestFirst = others.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  const [moving, versions] = [newestFirst.filter((tag) => !/^v?\d/.test(tag)), newestFirst.filter((tag) => /^v?\d/.test(tag))]
  return [...named, ...moving.slice(0, searchedTags / 2), ...versions].slice(0, searchedTags)
}

function noRecord(reference: string, or = ''): LaunchwayError {
  return new LaunchwayError('VERSION_UNKNOWN', `${reference} is there, but no record of its release`, {
    hint: `It was pushed by something else than launchway, or the registry has thrown the record away${or}. Check its commit out and run launchway there.`,
  })
}

/**
 * Several releases may have the same image: the newest that gave it this tag, in this environment if there is one. A tag
 * that no release gave, such as one set by hand, means any of them, where the release has no other image.
 * @param commit the release is of this one, as it was committed
 */
async function newestRecord(
  repository: Repository,
  tag: string,
  digest: string,
  of: Sought,
  commit: string | undefined,
): Promise<Release | undefined> {
  const kept = (await repository.referrers(digest, recordType)).toSorted(
    (a, b) => here(b, of) - here(a, of) || created(b.annotations).localeCompare(created(a.annotations)),
  )
  const others: Release[] = []
  for (const { digest: document } of kept) {
    const text = await documentOf(repository, document)
    const release = text === undefined ? undefined : parseRelease(text, `the record of ${of.repositories[0]}:${of.version}`)
    if (release === undefined || !holds(release, digest)) continue
    const { plan } = release
    if (commit !== undefined && (!plan.sha.startsWith(commit) || plan.dirty === true)) continue
    if (plan.tags.includes(tag)) return release
    if (plan.images.length === 1 || tag === digest) others.push(release)
  }
  return others[0]
}

function here({ annotations }: { annotations: Readonly<Record<string, string>> }, { environment }: Sought): number {
  return annotations[labels.environment] === environment?.name ? 1 : 0
}

/** Whether the release is one of the image that was asked for. */
function holds({ build }: Release, digest: string): boolean {
  return build?.images.some(({ registries }) => Object.values(registries).some((one) => one.digest === digest)) === true
}

function created(annotations: Readonly<Record<string, string>>): string {
  return annotations['org.opencontainers.image.created'] ?? ''
}

/**
 * A clean-up of the registry may have removed an image that a tag no longer names. What a record says of repositories is
 * not believed: logins go to those of the configuration alone.
 * @param of `whenGone`: what to do about one that is not there any more
 */
export async function requireImages(
  { plan, build }: Release,
  of: Pick<Redeploy, 'version' | 'repositories' | 'registries'> & { whenGone?: string },
  ports: Ports,
): Promise<void> {
  for (const { name, registries } of build?.images ?? []) {
    const from = plan.images.find((image) => image.name === name)?.repositories[0] ?? ''
    if (!of.repositories.includes(from)) {
      throw new LaunchwayError(
        'VERSION_UNKNOWN',
        `the image ${name} of ${of.version} was pushed to ${from}, which launchway.yml does not name`,
        {
          hint: 'If the repository has moved, check the commit of that version out and run launchway there: it is built again.',
        },
      )
    }
    const digest = registries[from]?.digest
    const repository = await openRepository(from, of.registries, ports)
    if (digest !== undefined && (await repository.resolve(digest)) !== undefined) continue
    throw new LaunchwayError('VERSION_UNKNOWN', `the image ${name} of ${of.version} is no longer in ${from}`, {
      hint: of.whenGone ?? 'Check the commit of that version out and run launchway there: it is built again.',
    })
  }
}
