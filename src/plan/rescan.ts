import { environmentTag, releaseId } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { findDocument } from '../core/record-document.ts'
import { parseReference } from '../core/reference.ts'
import type { PlanSection, Release } from '../core/release.ts'
import { requireImages } from './redeploy.ts'
import { onlyStages } from './stages.ts'

/**
 * The record of a run that looks once more at what an environment runs, with the rules of today's configuration and
 * today's vulnerability database. Nothing is built, written or deployed.
 * @param section what a release from here would be: its environment says where to look
 * @returns in words, why there is nothing to look at
 * @throws LaunchwayError VERSION_UNKNOWN where the images of the record are gone
 */
export async function planRescan({ app, section }: { app: string; section: PlanSection }, ports: Ports): Promise<Release | string> {
  const { environment, scan, registries } = section
  if (environment === undefined) return 'a schedule scans what an environment runs, and none was named: use the input environment'
  if (scan === undefined) return section.stages.scan.reason
  const [repository = '', ...others] = section.images.flatMap(({ repositories }) => repositories)
  const tag = environmentTag({ repository, app, environment: environment.name })
  const running = await findDocument(repository, tag, registries, ports)
  if (running?.build === undefined || running.app !== app)
    return `${repository}:${tag} has no record of what ${environment.name} runs: nothing was deployed there yet`
  const { plan, build } = running
  const whenGone = `${environment.name} goes on running it, nobody can look at it any more, and no other host could fetch it. Release again: it is built anew. What cleans the registry up should keep what runs, as launchway prune --registry does.`
  await requireImages(running, { version: plan.version, repositories: [repository, ...others], registries, whenGone }, ports)
  const pulled = knownOf(running, ports)
  const now = ports.clock.now()
  ports.log.info(`${environment.name} runs ${plan.version} (${running.id}): its images are scanned again`)
  return {
    version: 1,
    id: releaseId(now, plan.sha),
    app,
    created: now.toISOString(),
    outcome: { state: 'running' },
    plan: {
      event: section.event,
      ...(plan.ref === undefined ? {} : { ref: plan.ref }),
      sha: plan.sha,
      version: plan.version,
      images: plan.images,
      tags: [],
      registries,
      ...(pulled.length === 0 ? {} : { others: pulled }),
      scan: { ...scan, against: environment.name },
      stages: onlyStages(
        { scan: `what ${environment.name} runs, with today's vulnerability database: ${section.stages.scan.reason}` },
        `what ${environment.name} runs is only looked at`,
      ),
    },
    build: { ...build, images: build.images.map((image) => ({ ...image, how: 'promoted' as const, ms: 0 })) },
  }
}

/** What runs beside the images that are built here. Which one it is says its digest alone. */
function knownOf({ plan: { others = [], version } }: Release, { log }: Ports): NonNullable<PlanSection['others']> {
  return others.filter(({ name, reference }) => {
    const isKnown = parseReference(reference).digest !== undefined
    if (!isKnown) {
      log.warning(
        `${name} is not looked at: the record of ${version} names ${reference} without a digest, so nobody knows which one the hosts have\nName it with its digest (${reference}@sha256:…), and it is.`,
      )
    }
    return isKnown
  })
}
