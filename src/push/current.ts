import { hash } from 'node:crypto'
import { environmentTag, labels, recordType } from '../core/names.ts'
import type { Ports, Repository } from '../core/ports.ts'
import type { Registry, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import { annotationsOf, documentOf } from './keep.ts'

/** How long a registry may take to note what has happened on the hosts already. */
const patienceMs = 10_000

/**
 * Notes in the registry what an environment runs from now on: the tag of the environment leads to the record of the
 * release. Scans compare with it, also those of pull requests, without a way to the hosts. The hosts have switched: a
 * registry that cannot take the note fails nothing.
 */
export async function markCurrent(release: Release, ports: Ports): Promise<void> {
  const { app, plan, deploy } = release
  const [image] = section(release, 'build').images
  const repository = plan.images.find(({ name }) => name === image?.name)?.repositories[0]
  const uploaded = repository === undefined ? undefined : image?.registries[repository]
  if (deploy === undefined || repository === undefined || uploaded === undefined) return
  await note({ app, environment: deploy.environment, repository, registries: plan.registries }, ports, async (opened) => {
    const kept = (await opened.referrers(uploaded.digest, recordType)).find(({ annotations }) => annotations[labels.release] === release.id)
    if (kept !== undefined) return kept.digest
    const subject = await opened.resolve(uploaded.digest)
    return subject === undefined
      ? undefined
      : (await opened.attach(subject, recordType, documentOf(release), annotationsOf(release))).digest
  })
}

/** Every host of the environment runs the release: some of them alone are not what the environment runs. */
export function isEverywhere({ plan, deploy }: Release): boolean {
  const { hosts = [], swarm } = plan.environment ?? {}
  if (deploy === undefined) return false
  return swarm !== undefined || hosts.every((host) => deploy.hosts.some((one) => one.host === host))
}

interface Where {
  app: string
  environment: string
  repository: string
  registries: readonly Registry[]
}

/**
 * The same after hosts have gone back to a version that they had kept. Its record lies beside its image, whose tag may have
 * moved on since, as a branch's does; every image keeps the tag of its content. Where no record is found, the tag leads to
 * none any more: beside what does not run, what is new would pass for old.
 */
export async function markReturned(where: Where, { release, version }: { release: string; version: string }, ports: Ports): Promise<void> {
  await note(where, ports, async (opened) => (await recordOf(opened, release, version)) ?? (await nothing(opened)))
}

/** The digest of the record of a release. */
async function recordOf(opened: Repository, release: string, version: string): Promise<string | undefined> {
  const seen = new Set<string>()
  for (const tag of [version, ...(await opened.tags()).filter((one) => one !== version && one.startsWith('launchway-'))]) {
    const image = await opened.resolve(tag)
    if (image === undefined || seen.has(image.digest)) continue
    seen.add(image.digest)
    const kept = await opened.referrers(image.digest, recordType)
    const found = kept.find(({ annotations }) => annotations[labels.release] === release)
    if (found !== undefined) return found.digest
  }
  return undefined
}

/** A record that is none: few registries let a tag be removed. */
async function nothing(opened: Repository): Promise<string> {
  const config = await opened.putBlob(Buffer.from('{}'))
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = {
    schemaVersion: 2,
    mediaType: type,
    artifactType: recordType,
    config: { ...config, mediaType: 'application/vnd.oci.empty.v1+json' },
    layers: [],
  }
  const body = Buffer.from(JSON.stringify(manifest))
  return (await opened.putManifest(`sha256:${hash('sha256', body)}`, type, body)).digest
}

/** @param find the digest of the record; undefined where there is none */
async function note(where: Where, ports: Ports, find: (opened: Repository) => Promise<string | undefined>): Promise<void> {
  const { app, environment, repository, registries } = where
  const tag = environmentTag(where)
  const done = new AbortController()
  const late = ports.clock.sleep(patienceMs, AbortSignal.any([ports.signal, done.signal])).then(
    () => 'it took too long',
    () => 'the run was ended',
  )
  const write = async (): Promise<string | undefined> => {
    // The run itself may have been cancelled, with what the hosts run as it is.
    const opened = await openRepository(repository, registries, ports, AbortSignal.any([ports.signal, done.signal]))
    const digest = await find(opened)
    const document = digest === undefined ? undefined : await opened.manifest(digest)
    if (document === undefined) return 'there is no record of it'
    await opened.putManifest(tag, document.descriptor.mediaType, document.body)
    return undefined
  }
  const why = await Promise.race([write().catch((error: unknown) => (error instanceof Error ? error.message : String(error))), late])
  done.abort()
  if (why === undefined) ports.log.info(`${repository}:${tag} leads to the record of what ${environment} runs`)
  else {
    ports.log.warning(
      `${repository}:${tag} does not say yet what ${environment} runs, so the next scan of ${app} compares with what was there before: ${why}`,
    )
  }
}
