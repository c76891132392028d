import { environmentTag, releaseId } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { findDocument } from '../core/record-document.ts'
import { parseReference } from '../core/reference.ts'
import type { PlanSection, Release } from '../core/release.ts'
import { requireImages } from './redeploy.ts'
import { onlyStages } from './stages.ts'

/** Where to look, and whether anybody shall be asked. */
interface Rescan {
  app: string
  /** What a release from here would be: its environment says where to look. */
  section: PlanSection
  /** Nobody has set it off. What runs only the registry knows: its tag stands for it then, and it is not asked. */
  supposed?: boolean
}

/**
 * The record of a run that looks once more at what an environment runs, with the rules of today's configuration and
 * today's vulnerability database. Nothing is built, written or deployed.
 * @returns in words, why there is nothing to look at
 * @throws LaunchwayError VERSION_UNKNOWN where the images of the record are gone
 */
export async function planRescan({ app, section, supposed = false }: Rescan, ports: Ports): Promise<Release | string> {
  const { environment, scan, registries } = section
  if (environment === undefined)
    return `a schedule scans what an environment runs, and none was named: ${supposed ? '--environment NAME' : 'use the input environment'}`
  if (scan === undefined) return section.stages.scan.reason
  const [repository = '', ...others] = section.images.flatMap(({ repositories }) => repositories)
  const tag = environmentTag({ repository, app, environment: environment.name })
  const how = { app, section, environment: environment.name, scan: { ...scan, against: environment.name } }
  if (supposed) return lookOnly({ ...section, version: tag }, how, ports)
  const running = await findDocument(repository, tag, registries, ports)
  if (running?.build === undefined || running.app !== app)
    return `${repository}:${tag} has no record of what ${environment.name} runs: nothing was deployed there yet`
  const { plan, build } = running
  const whenGone = `${environment.name} goes on running it, nobody can look at it any more, and no other host could fetch it. Release again: it is built anew. What cleans the registry up should keep what runs, as launchway prune --registry does.`
  await requireImages(running, { version: plan.version, repositories: [repository, ...others], registries, whenGone }, ports)
  const pulled = knownOf(running, ports)
  ports.log.info(`${environment.name} runs ${plan.version} (${running.id}): its images are scanned again`)
  return {
    ...lookOnly({ ...plan, others: pulled }, how, ports),
    build: { ...build, images: build.images.map((image) => ({ ...image, how: 'promoted' as const, ms: 0 })) },
  }
}

function lookOnly(
  what: Pick<PlanSection, 'ref' | 'sha' | 'version' | 'images' | 'others'>,
  { app, section, environment, scan }: { app: string; section: PlanSection; environment: string; scan: NonNullable<PlanSection['scan']> },
  ports: Pick<Ports, 'clock'>,
): Release {
  const now = ports.clock.now()
  return {
    version: 1,
    id: releaseId(now, what.sha),
    app,
    created: now.toISOString(),
    outcome: { state: 'running' },
    plan: {
      event: section.event,
      ...(what.ref === undefined ? {} : { ref: what.ref }),
      sha: what.sha,
      version: what.version,
      images: what.images,
      tags: [],
      registries: section.registries,
      ...(what.others === undefined || what.others.length === 0 ? {} : { others: what.others }),
      scan,
      stages: onlyStages(
        { scan: `what ${environment} runs, with today's vulnerability database: ${section.stages.scan.reason}` },
        `what ${environment} runs is only looked at`,
      ),
    },
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
