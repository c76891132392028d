import { join, normalize, resolve } from 'node:path'
import { configText } from '../config/file.ts'
import { composeFiles, resolveSmoke } from '../config/gates.ts'
import { loadConfig } from '../config/load.ts'
import { type Placed, placed } from '../config/places.ts'
import { resolveApp, resolveEnvironment, resolveRegistries } from '../config/resolve.ts'
import { resolveProject } from '../config/resolve-project.ts'
import { resolveBases, resolveImages, resolveTargets } from '../config/resolve-image.ts'
import type { Config } from '../config/schema.ts'
import type { Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { nearest } from '../core/nearest.ts'
import { repositoryKnownHosts } from '../core/names.ts'
import type { Files, Ports } from '../core/ports.ts'
import { isSameRepository, parseReference } from '../core/reference.ts'
import type { Registry } from '../core/release.ts'
import { sourcesOf } from '../tools/compose-sources.ts'
import { type ComposeService, type ComposeSource, parseCompose } from './compose-source.ts'
import type { Where } from './finding.ts'
import { missingFiles } from './named-files.ts'
import { bakedImage, type ImageSource, readImage, readScript, type TextFile } from './image-source.ts'
import { readEnvFiles, type Variable } from './env-files.ts'
import { type NginxConf, parseConf } from './nginx-conf.ts'
import { readScanFiles, type ScanFiles } from './scan-files.ts'
import { type Start, startOf } from './starts.ts'

/** What the files of the repository say. */
export interface Sources {
  /** The configuration's name. */
  file: string
  config: Config
  app: string
  at: Placed['at']
  /** Those that are looked at. */
  environments: readonly Environment[]
  registries: readonly Registry[]
  /** Those that are pushed, and then those that they are built on. */
  images: readonly ImageSource[]
  compose: readonly ComposeSource[]
  smoke: SmokePlan | undefined
  /** Compose files that launchway.yml names and that are not there. */
  missing: readonly { file: string; where: Where }[]
  /** What the scan would stop at. */
  scan: ScanFiles
  /** What a relative path leads to; undefined where nothing is there. */
  paths: ReadonlyMap<string, { kind: 'file' | 'directory' | 'other'; mode: number } | undefined>
  /** Configurations of nginx that are mounted, by their path. */
  confs: ReadonlyMap<string, NginxConf>
  /** Scripts that are mounted by files that are not for developers alone, by their path. */
  mounted: ReadonlyMap<string, TextFile>
  /** Files of variables that compose files and services of environments name, by their path from the root. */
  envFiles: ReadonlyMap<string, readonly Variable[]>
  knownHosts: string | undefined
  /** GitHub's, by their path; what is only a comment is left out of their lines. */
  workflows: ReadonlyMap<string, string>
  /** Bake files that `docker buildx bake` would find by itself. */
  bakeFiles: readonly string[]
}

/**
 * @param environment the only one that is looked at; all of them without one
 * @throws InvalidConfig, and USAGE for an environment that is not there
 */
export async function readSources(
  file: string,
  environment: string | undefined,
  { files, root }: Pick<Ports, 'files' | 'root'>,
): Promise<Sources> {
  // A byte order mark moves no column.
  const text = (await configText(file, { files, root }))?.replace(/^\uFEFF/, '')
  if (text === undefined) {
    throw new LaunchwayError('CONFIG_INVALID', `there is no ${file} here`, {
      hint: 'See docs/guide/getting-started.md for the least that works.',
      place: { file },
    })
  }
  const config = loadConfig(text, file)
  const { at } = placed(text, file)
  const knownHosts = (await files.look(join(root, repositoryKnownHosts))) === undefined ? undefined : repositoryKnownHosts
  const names = chosen(Object.keys(config.environments ?? {}), environment)
  const environments = names.flatMap((name) => resolveEnvironment(config, name, knownHosts) ?? [])
  const smoke = resolveSmoke(config, await findCompose(files, root))
  const plan = typeof smoke === 'string' ? undefined : smoke
  const [images, compose] = await Promise.all([
    readImages(config, files, root),
    readCompose(plan, deployedFiles(config, environments), files, root),
  ])
  return {
    file,
    config,
    app: resolveApp(config),
    at,
    environments,
    registries: resolveRegistries(config),
    images,
    compose,
    smoke: plan,
    missing: await missingFiles({ config, at, names }, files, root),
    scan: await readScanFiles(config, at, files, root),
    paths: await look(pathsIn(compose), files, root),
    confs: await readConfs(pathsIn(compose), files, root),
    mounted: await readMounted(compose, files, root),
    envFiles: await readEnvFiles(compose, environments, files, root),
    knownHosts,
    workflows: await readWorkflows(files, root),
    bakeFiles: await present(usualBakeFiles, files, root),
  }
}

/** @see https://docs.docker.com/build/bake/reference/#file-lookup */
const usualBakeFiles = ['docker-bake.json', 'docker-bake.hcl', 'docker-bake.override.json', 'docker-bake.override.hcl']

async function present(paths: readonly string[], files: Files, root: string): Promise<string[]> {
  const found = await Promise.all(paths.map(async (path) => ((await files.look(join(root, path)))?.kind === 'file' ? [path] : [])))
  return found.flat()
}

async function readWorkflows(files: Files, root: string): Promise<Map<string, string>> {
  const folder = '.github/workflows'
  if ((await files.look(join(root, folder)))?.kind !== 'directory') return new Map()
  const found = await files.walk(join(root, folder), (path, kind) => (kind === 'file' && /\.ya?ml$/.test(path) ? 'keep' : 'prune'))
  const texts = await Promise.all(found.map(async ({ path }) => (await files.read(join(root, folder, path)))?.toString() ?? ''))
  return new Map(found.map(({ path }, index) => [`${folder}/${path}`, (texts[index] ?? '').replaceAll(/(^|\s)#.*$/gm, '$1')]))
}

function chosen(names: readonly string[], wanted: string | undefined): readonly string[] {
  if (wanted === undefined) return names
  if (names.includes(wanted)) return [wanted]
  const meant = nearest(wanted, names)
  throw new LaunchwayError('USAGE', `there is no environment "${wanted}"`, {
    hint: meant === undefined ? `launchway.yml has: ${names.join(', ') || 'none'}` : `Did you mean "${meant}"?`,
  })
}

function readImages(config: Config, files: Files, root: string): Promise<ImageSource[]> {
  const targets = resolveTargets(config)
  const all = [...resolveImages(config), ...resolveBases(config).map((base) => ({ ...base, repositories: [] }))]
  return Promise.all(all.map(async (image) => (targets.has(image.name) ? bakedImage(image) : readImage(image, root, files))))
}

async function findCompose(files: Files, root: string): Promise<{ compose?: string }> {
  for (const compose of composeFiles) if ((await files.look(join(root, compose))) !== undefined) return { compose }
  return {}
}

/** The stacks that are tested, each once. */
export function stacksOf(smoke: SmokePlan | undefined): SmokePlan[] {
  if (smoke === undefined) return []
  return smoke.variants === undefined ? [smoke] : Object.values(smoke.variants)
}

/** What the smoke test reads and environments deploy, and what would be tested: also where `smoke: false` keeps it from doing so. */
async function readCompose(
  smoke: SmokePlan | undefined,
  deployed: ReadonlyMap<string, readonly string[]>,
  files: Files,
  root: string,
): Promise<ComposeSource[]> {
  const { compose: usual } = await findCompose(files, root)
  const named = stacksOf(smoke).flatMap(({ compose }) => compose)
  const around = { files, root: resolve(root) }
  const all = new Set([...named, ...[...deployed.values()].flat(), ...(usual === undefined ? [] : [usual])])
  const live = await Promise.all(
    [...deployed].map(async ([name, own]) => ({ name, paths: (await sourcesOf(own, around)).map(({ path }) => path) })),
  )
  return (await sourcesOf([...all], around)).map(({ path, text }) => {
    const environments = live.flatMap(({ name, paths }) => (paths.includes(path) ? [name] : []))
    return parseCompose(text, path, around.root, environments)
  })
}

/** Compose files that these environments deploy, as a project or as a stack of a Swarm. */
function deployedFiles({ environments: said = {} }: Config, environments: readonly Environment[]): Map<string, string[]> {
  return new Map(
    environments.flatMap(({ name, swarm }) => {
      const own = said[name]
      const files = swarm?.files ?? (own === undefined ? undefined : resolveProject(own)?.files)
      return files === undefined ? [] : [[name, [...files]]]
    }),
  )
}

/** Where a bind of a compose file leads: compose reads it from the folder of the file. */
export function bindPath(source: ComposeSource, bind: string): string {
  return join(source.path, '..', bind)
}

/** The image of the repository that a service of a compose file runs: what it is built from, or what it names. */
export function imageOf({ context, image: named }: ComposeService, source: ComposeSource, images: readonly ImageSource[]) {
  const folder = context === undefined ? undefined : plainPath(bindPath(source, context))
  const { repository } = parseReference((named ?? '').replace(/:\$.*$/, ''))
  return images.find(({ image }) =>
    folder === undefined
      ? named !== undefined && image.repositories.some((one) => isSameRepository(one, repository))
      : plainPath(image.context) === folder,
  )
}

/** `./app/` is `app`. */
export function plainPath(path: string): string {
  return normalize(path).replace(/(.)\/$/, '$1')
}

function pathsIn(compose: readonly ComposeSource[]): string[] {
  return compose.flatMap((source) => [
    ...source.services.flatMap(({ binds }) => binds.map((bind) => bindPath(source, bind.source))),
    ...source.given.map(({ file }) => bindPath(source, file)),
  ])
}

async function look(paths: readonly string[], files: Files, root: string): Promise<Sources['paths']> {
  const found = await Promise.all([...new Set(paths)].map(async (path) => [path, await files.look(join(root, path))] as const))
  return new Map(found)
}

/** Of folders those alone whose scripts an image runs by itself: another may be the whole repository. */
async function readMounted(compose: readonly ComposeSource[], files: Files, root: string): Promise<Sources['mounted']> {
  const binds = compose
    .filter(({ isDevelopment }) => !isDevelopment)
    .flatMap((source) =>
      source.services.flatMap((service) => service.binds.map((bind) => ({ ...bind, path: bindPath(source, bind.source) }))),
    )
  const found = new Map<string, TextFile>()
  for (const { path, target } of binds) {
    const isFolder = (await files.look(join(root, path)))?.kind === 'directory'
    if (isFolder && !/entrypoint(-initdb)?\.d\/?$/.test(target)) continue
    const inside = isFolder ? await files.walk(join(root, path), (_, kind) => (kind === 'file' ? 'keep' : 'prune')) : []
    for (const one of isFolder ? inside.map((entry) => join(path, entry.path)) : [path]) {
      const script = await readScript(one, root, files)
      if (script !== undefined) found.set(one, script)
    }
  }
  return found
}

async function readConfs(paths: readonly string[], files: Files, root: string): Promise<Sources['confs']> {
  const confs = [...new Set(paths)].filter((path) => path.endsWith('.conf'))
  const found = await Promise.all(
    confs.map(async (path) => {
      const text = await files.read(join(root, path)).catch(() => undefined)
      return text === undefined ? [] : [[path, parseConf(text.toString())] as const]
    }),
  )
  return new Map(found.flat())
}

/** What is pushed and no service starts. How a base would start says nothing: what is built on it has its own way. */
export function unstarted({ images }: Pick<Sources, 'images'>, started: readonly Started[]): ImageSource[] {
  return images.filter((image) => image.image.repositories.length > 0 && !started.some((one) => one.image === image))
}

/** A service of an environment, with the image that it starts and how. */
export interface Started {
  environment: Environment
  service: Service
  image: ImageSource
  start: Start | undefined
  /** Of a key of the service; of the service, or of its environment, where it does not have it. */
  at(this: void, key?: string): Where
}

export function startedIn({ environments, images, config, at }: Sources): Started[] {
  return environments.flatMap((environment) =>
    environment.services.flatMap((service) => {
      const image = images.find((one) => one.image.name === service.image)
      if (image === undefined) return []
      const isInline = config.environments?.[environment.name]?.services === undefined
      const path = ['environments', environment.name, ...(isInline ? [] : ['services', service.name])]
      const place = (key?: string): Where => (key === undefined ? at(path, true) : at([...path, key], true))
      const own = place(service.command === undefined ? 'entrypoint' : 'command')
      return [{ environment, service, image, start: startOf(image, service, own), at: place }]
    }),
  )
}
