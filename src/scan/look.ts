import { hash } from 'node:crypto'
import { join, relative, resolve } from 'node:path'
import type { Command } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import { isOfRecord } from '../core/local-image.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage, Registry, Release } from '../core/release.ts'
import { registryOf } from '../core/repository.ts'
import { save, unpack } from '../tools/docker.ts'
import { type ImageScan, listPackages, scanImage, troubleIn } from '../tools/trivy.ts'
import { parseHidden, parseReport, type Report } from '../tools/trivy-report.ts'
import { type Database, isStill } from './database.ts'
import { readyJava } from './java.ts'
import { databaseKey, hasReport, keepReport, type ReportKey, readReport, type VersionedTrivy } from './kept.ts'
import { type Layers, lookWith, showJava } from './layers.ts'
import { dockerConfig } from './logins.ts'
import { type Source, sourceOf } from './plan.ts'
import { calledAs, type OfPlatform, partOf } from './platforms.ts'
import { type Layout, manifestsIn, openLayout, writeTogether } from './together.ts'
import { filesInRegistry } from './registry-files.ts'
import { blindOn, cannotJudge, isNewToTrivy } from './systems.ts'
import { imageGone, isDamaged, needsJava, notWritten, scanFailed } from './trivy-errors.ts'

/** What every image is looked through with. */
export interface Glass {
  trivy: VersionedTrivy
  database: Database
  /** What Trivy keeps while this run looks. */
  layers: Layers
  plan: ScanPlan
  /** The list of exceptions: its path, and what of it counts today. */
  exceptions: { path: string; state: string } | undefined
  vex: readonly { path: string; body: Buffer }[]
}

export interface Looked {
  report: Report
  /** As Trivy wrote it. */
  text: string
  /** It was known from an earlier look. */
  isKept: boolean
  /** Trivy does not know this version of the image's system. */
  isUncertain: boolean
  /** Why what it says is no verdict about the image. */
  blind?: LaunchwayError
}

/** More than this is no text for a program in JavaScript. */
export const mostBytes = 150_000_000

/** Has Trivy look at one image; once for the same image, Trivy, database, scanners and exceptions. */
export async function look(subject: Subject, glass: Glass, release: Release, ports: Ports): Promise<Looked> {
  const { image } = subject
  const kept = await readReport(keyOf(subject, glass), glass.trivy, ports)
  const known = kept === undefined ? undefined : parseReport(kept)
  if (kept !== undefined && known !== undefined) return { report: known, text: kept, isKept: true, isUncertain: false }
  const { text, report, size, blind, isUncertain = false } = await scanOnce(subject, glass, release, ports)
  if (report === undefined) {
    throw new LaunchwayError('COMMAND_FAILED', `Trivy wrote no report about ${subject.called} that launchway can read`, {
      hint:
        size > mostBytes
          ? `It has ${Math.round(size / 1e6)} MB. Take a scanner out of scan.scanners, or packages out of the image.`
          : 'Another version of Trivy is in PATH than launchway is tested with; without one there, it fetches its own.',
    })
  }
  // Only what is about the image that was built: the next look trusts it.
  const isBuilt = report.imageId !== undefined && Object.values(image.config).includes(report.imageId)
  if (!(await isStill(glass.database, glass.trivy, ports)))
    ports.log.warning(`${subject.called}: another run replaced the vulnerability database meanwhile, so what Trivy said is not kept`)
  else if (isBuilt && blind === undefined && !isUncertain) await keepReport(keyOf(subject, glass), text, glass.trivy, ports)
  return { report, text, isKept: false, isUncertain, ...(blind === undefined ? {} : { blind }) }
}

/** What the report depends on. What only decides about findings, such as the rules, is asked anew each time. */
function keyOf({ image, source, id }: Subject, { trivy, database, layers, plan, exceptions, vex }: Glass): ReportKey {
  const parts = [
    image.config,
    source.from,
    source.from === 'registry' ? source.digest : id,
    plan.scanners,
    plan.offline,
    plan.javaDatabases,
    layers.java,
  ]
  const documents = vex.map(({ body }) => hash('sha256', body))
  return {
    database: databaseKey(trivy, database),
    image: hash('sha256', JSON.stringify([...parts, exceptions?.path ?? '', exceptions?.state ?? '', ...documents])),
  }
}

interface Seen {
  /** Undefined where Trivy wrote none. */
  report: Report | undefined
  text: string
  /** In bytes. */
  size: number
  /** Trivy does not know this version of the system: it may know more of it tomorrow. */
  isUncertain?: boolean
  blind?: LaunchwayError
}

async function scanOnce(subject: Subject, glass: Glass, release: Release, ports: Ports): Promise<Seen> {
  const { trivy, layers, plan, exceptions, vex } = glass
  const { source } = subject
  const output = join(await ports.files.temporary('scan'), 'report.json')
  const way = await wayTo(subject, release, ports)
  // Trivy takes what follows a `@` or a `:` in a path for the name of an image: from its own folder none of ours has one.
  const image = 'archive' in way.image ? { archive: relative(trivy.cwd, way.image.archive) } : way.image
  const asked: ImageScan = {
    ...way,
    image,
    output,
    scanners: plan.scanners,
    offline: plan.offline,
    vex: vex.map(({ path }) => path),
    ...(exceptions === undefined ? {} : { ignoreFile: exceptions.path }),
  }
  const run = async (built: Command): ReturnType<Ports['exec']['run']> => {
    const once = async (): ReturnType<Ports['exec']['run']> => {
      const one = await lookWith(layers, built, ports)
      return one.code === 0 ? one : { ...one, stderr: troubleIn(one.stderr) }
    }
    let ended = await once()
    if (ended.code !== 0 && isDamaged(ended.stderr)) ended = await once()
    if (ended.code !== 0 && needsJava(ended.stderr)) {
      await showJava(layers, await readyJava(subject.called, layers.java, plan, trivy, release, ports), trivy, ports)
      ended = await once()
    }
    if (ended.code !== 0) throw scanFailed(subject.called, { ...plan, reference: source.reference }, ended)
    return ended
  }
  try {
    const { stderr } = await run(scanImage(layers.trivy, asked))
    const seen = await readSeen(output, 'archive' in image ? [image.archive, source.reference] : undefined, ports)
    if (seen.report === undefined) return seen
    // Of a system that does not say which it is Trivy leaves the packages out of its report, without a word.
    if (seen.report.os === undefined && plan.scanners.includes('vuln')) {
      const list = `${output}.packages`
      await run(listPackages(layers.trivy, { ...way, image, output: list }))
      const hidden = parseHidden((await ports.files.read(list))?.toString() ?? '') ?? 0
      if (hidden > 0) return { ...seen, blind: nameless(subject.called, hidden) }
    }
    const filesIn = (paths: readonly string[]): Promise<string[] | undefined> =>
      source.from === 'registry'
        ? filesInRegistry(source, paths, release.plan.registries, ports)
        : ports.engine.filesIn(source.reference, paths, subject.platform)
    const blind = await blindOn(subject.called, { report: seen.report, stderr, filesIn }, plan, layers.trivy, ports)
    return { ...seen, isUncertain: isNewToTrivy(stderr), ...(blind === undefined ? {} : { blind }) }
  } finally {
    await ports.files.remove(output)
    if ('archive' in way.image && subject.layout === undefined) await ports.files.remove(way.image.archive)
  }
}

/** @param renamed what an archive is called in the report: the image's reference instead of a path of this run */
async function readSeen(output: string, renamed: readonly [string, string] | undefined, { files }: Ports): Promise<Seen> {
  const size = (await files.stat(output))?.size ?? 0
  const written = size > mostBytes ? '' : ((await files.read(output))?.toString() ?? '')
  const text = renamed === undefined ? written : written.replaceAll(renamed[0], renamed[1])
  return { size, text, report: parseReport(text) }
}

function nameless(image: string, packages: number): LaunchwayError {
  return cannotJudge(
    image,
    `it has ${packages} packages of a system that does not say which it is`,
    'Its /etc/os-release was removed, so no vulnerability in them can be found. Leave that file in the image.',
  )
}

/** An image, and where it is. */
export interface Subject extends OfPlatform {
  /** In messages. */
  called: string
  source: Source & { reference: string }
  /** What the engine calls it; undefined where it comes from a registry. */
  id: string | undefined
  host: string | undefined
  /** As the engine has it: the lowest layer, and how large all of them are. */
  base?: string | undefined
  size: number
  /** It has been written out already. */
  layout?: Layout
}

/** Where all of them are. What has to be looked at and stands on one base is written out together. @param referenceOf their names in the engine */
export async function subjectsOf(
  images: readonly OfPlatform[],
  referenceOf: (image: BuiltImage) => string,
  glass: Glass,
  { plan }: Pick<Release, 'plan'>,
  ports: Ports,
): Promise<Subject[]> {
  const subjects = await Promise.all(
    images.map((one) => locate(one, { reference: referenceOf(one.image), registries: plan.registries }, ports)),
  )
  const known = await Promise.all(subjects.map((one) => hasReport(keyOf(one, glass), glass.trivy, ports)))
  const layouts = await writeTogether(
    subjects.filter((_, index) => known[index] !== true),
    ports,
  )
  return subjects.map((subject) => {
    const layout = layouts.get(configOf(subject.image))
    return layout === undefined ? subject : { ...subject, layout }
  })
}

/** Where the image is. */
export async function locate(
  { image, platform }: OfPlatform,
  { reference, registries }: { reference: string; registries: readonly Registry[] },
  ports: Ports,
): Promise<Subject> {
  const [{ containerdStore }, found, host] = await Promise.all([ports.engine.info(), ports.engine.image(reference), ports.engine.host()])
  // A build of this machine that was never uploaded may have the name of what another one has uploaded since.
  const isOurs = found !== undefined && (isOfRecord(found, image, containerdStore) || Object.keys(image.registries).length === 0)
  // Of several an engine has all that it built itself, and of what was pulled its own alone.
  const isIt = isOurs && (platform === undefined || image.how === 'built' || found.id === configOf(image))
  const called = calledAs(image, platform)
  const source = sourceOf(image, { inEngine: isIt, containerdStore, host })
  const part = platform !== undefined && source?.from === 'registry' ? await partOf(source, configOf(image), registries, ports) : undefined
  if (source === undefined || (platform !== undefined && source.from === 'registry' && part === undefined))
    throw imageGone(called, reference)
  return {
    ...{ image, called, ...(platform === undefined ? {} : { platform }) },
    source: { ...source, ...(part === undefined ? {} : { digest: part }), reference },
    ...{ id: found?.id, host, base: found?.diffIds?.[0], size: found?.size ?? 0 },
  }
}

function configOf({ config }: BuiltImage): string {
  return Object.values(config)[0] ?? ''
}

/** How Trivy gets at it. */
async function wayTo(
  { image, called, source, host, layout }: Subject,
  { plan }: Release,
  ports: Ports,
): Promise<Pick<ImageScan, 'image' | 'env' | 'insecure' | 'ca' | 'platform'>> {
  if (layout !== undefined) return { image: { archive: await openLayout(layout, ports) } }
  if (source.from === 'engine')
    return { image: { reference: source.reference, from: 'docker' }, ...(host === undefined ? {} : { env: { DOCKER_HOST: host } }) }
  if (source.from === 'archive') return { image: { archive: await saved(image, called, source.reference, ports) } }
  const settings = registryOf(source.repository, plan.registries)
  const [platform] = Object.keys(image.config)
  return {
    image: { reference: `${source.repository}@${source.digest}`, from: 'remote' },
    env: await dockerConfig(settings, ports),
    insecure: settings.plainHttp,
    ...(settings.ca === undefined ? {} : { ca: resolve(ports.root, settings.ca) }),
    ...(platform === undefined ? {} : { platform }),
  }
}

/**
 * The image as files. Of an archive Trivy looks at the first layer to learn whether they are compressed, and chokes on one
 * that has both kinds, as a built image on a loaded base has; the OCI layout in it says it for each.
 */
async function saved(image: BuiltImage, called: string, reference: string, ports: Ports): Promise<string> {
  const { exec, files, signal } = ports
  const [archive, layout] = [join(await files.temporary('image'), 'image.tar'), await files.temporary('layout')]
  const { code, stderr } = await exec.run(save(reference, archive), { signal, accept: [0, 1] })
  if (code !== 0) throw notWritten(called, reference, stderr)
  await exec.run(unpack(archive, layout), { signal })
  if ((await files.read(join(layout, 'oci-layout'))) === undefined) return archive
  await files.remove(archive)
  // Of several Trivy takes the first.
  const manifest = (await manifestsIn(layout, ports)).get(configOf(image))
  return manifest === undefined ? layout : openLayout({ folder: layout, manifest }, ports)
}
