import { labels, recordType } from '../core/names.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import { othersIn } from '../core/others.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, ScannedImage } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { section } from '../core/stages.ts'

/**
 * What anybody may read who may pull the image: nothing of hosts and their environment, of logins, of where the secrets of
 * a build come from, or of what programs said. Of what others make it says what it is: a rescan looks at that too.
 */
function published({ plan, smoke, scan, outcome, deploy: _hosts, ...release }: Release): Release {
  const others = othersIn(plan)
  const { environment: _, evidence: _names, images, bases, ...rest } = plan
  return {
    ...release,
    outcome: { state: outcome.state },
    plan: {
      ...rest,
      ...(others.length === 0 ? {} : { others }),
      images: images.map(withoutSources),
      ...(bases === undefined ? {} : { bases: bases.map(withoutSources) }),
      registries: [],
    },
    ...(smoke === undefined ? {} : { smoke: { ...smoke, checks: smoke.checks.map(({ evidence: _said, ...check }) => check) } }),
    ...(scan === undefined ? {} : { scan: { ...scan, images: scan.images.map(small) } }),
  }
}

function withoutSources<T extends PlannedBase>({ secrets: _names, ssh: _keys, ...image }: T): Omit<T, 'secrets' | 'ssh'> {
  return image
}

/** What the next release is compared with: of hundreds of findings neither what they are called nor what was mended before. */
function small({ findings, seen: _file, platforms, ...image }: ScannedImage): ScannedImage {
  const each = Object.entries(platforms ?? {}).map(([platform, { config }]) => [platform, { config }] as const)
  return {
    ...image,
    ...(platforms === undefined ? {} : { platforms: Object.fromEntries(each) }),
    findings: findings.filter(({ status }) => status !== 'fixed').map(({ title: _title, ...finding }) => finding),
  }
}

export function documentOf(release: Release): Buffer {
  return Buffer.from(`${JSON.stringify(published(release))}\n`)
}

export function annotationsOf({ id, created, plan }: Release): Record<string, string> {
  return {
    'org.opencontainers.image.created': created,
    [labels.release]: id,
    'launchway.version': plan.version,
    ...(plan.environment === undefined ? {} : { [labels.environment]: plan.environment.name }),
  }
}

/**
 * Keeps the release record beside each image, as a referrer of it: whoever has a tag finds what it was made of, and
 * can put it live again. A registry that cannot take it is no reason to hold back a release that has passed.
 */
export async function keepRecord(release: Release, ports: Ports): Promise<void> {
  const { plan } = release
  const [body, annotations] = [documentOf(release), annotationsOf(release)]
  for (const image of section(release, 'build').images) {
    const repository = plan.images.find(({ name }) => name === image.name)?.repositories[0]
    const uploaded = repository === undefined ? undefined : image.registries[repository]
    if (repository === undefined || uploaded === undefined) continue
    try {
      const opened = await openRepository(repository, plan.registries, ports)
      const subject = await opened.resolve(uploaded.digest)
      if (subject === undefined) continue
      const { digest } = await opened.attach(subject, recordType, body, annotations)
      ports.log.info(`${repository}: the record of this release is kept beside the image, ${digest}`)
    } catch (error) {
      ports.signal.throwIfAborted()
      const said = error instanceof Error ? error.message : String(error)
      ports.log.warning(`${repository} did not take the record of this release, so \`redeploy\` will not find it: ${said}`)
    }
  }
}
