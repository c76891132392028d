import { createHash, scrypt } from 'node:crypto'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { SmokePlan } from '../core/gates.ts'
import type { EngineInfo, FileEntry, Ports } from '../core/ports.ts'
import { candidates } from '../core/names.ts'
import { isSameRepository, parseReference } from '../core/reference.ts'
import type { Release } from '../core/release.ts'
import { registryOf } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import { type ComposeProject, keptIn } from '../tools/compose.ts'
import { noted } from '../tools/noted.ts'
import { version } from '../version.ts'
import { openingIn, outside } from './closed.ts'
import { servicesOf } from './images.ts'
import { variableFiles } from './render.ts'
import { mountedPaths } from './taken.ts'

/** Another number when the way of testing changes within a version. */
const format = 3
/** More than this is not read for the sake of a few seconds. */
const mostFiles = 5_000
const mostBytes = 200e6
/** Kinds of steps and checks that reach nothing but the stack, and what the plan says of them. One that is not here reaches everything. */
const inside: ReadonlySet<string> = new Set(['http', 'tcp', 'exec', 'run', 'log'])

export interface Judged {
  /** As compose renders it, before anything is changed. */
  rendered: ComposeProject
  plan: SmokePlan
  release: Release
  info: EngineInfo
  composeVersion: string
}

/** What decides how a test ends cannot be told in full. */
class Unknown extends Error {}

/** What a test is known by, or in words why it is known by nothing. */
export type Identity = { digest: Buffer } | { why: string }

/**
 * A digest over all that decides how a smoke test ends: two runs of one digest ask the same of the same.
 */
export async function identify(judged: Judged, ports: Ports): Promise<Identity> {
  try {
    const material = await materialOf(judged, ports)
    return { digest: createHash('sha256').update(JSON.stringify(material)).digest() }
  } catch (error) {
    if (error instanceof Unknown) return { why: error.message }
    throw error
  }
}

/**
 * The key of an identity. It may be read by others than the secrets that are in the digest: a slow hash keeps a short one
 * from being found by trying words.
 */
export async function keyOf({ digest }: { digest: Buffer }, ports: Pick<Ports, 'files' | 'tools'>): Promise<string> {
  const slow = promisify<Buffer, string, number, Buffer>(scrypt)
  const ask = async (): Promise<string> => (await slow(digest, 'launchway smoke', 16)).toString('hex')
  // A note of this user's alone, so that the same again is known without the slow part.
  return noted(join(ports.tools.folder, 'smoke-key.json'), digest.toString('hex'), ask, ports)
}

async function materialOf({ rendered, plan, release, info, composeVersion }: Judged, ports: Ports): Promise<unknown> {
  if (plan.remember === false) throw new Unknown('smoke.remember is false')
  refuseUnbounded(plan)
  if (composeVersion === '') throw new Unknown('compose does not say its version')
  const root = resolve(ports.root)
  const { images } = section(release, 'build')
  const built = release.plan.images.flatMap((image) => {
    const found = images.find(({ name }) => name === image.name)
    return found === undefined ? [] : [{ image, reference: candidates(image, found.key)[0] ?? '', config: found.config }]
  })
  const ours = servicesOf(rendered, { plan, candidates: built, root })
  const opening = openingIn(rendered, new Set(ours.keys()), root)
  if (opening !== undefined) throw new Unknown(opening)
  const [others, files] = await Promise.all([
    otherImages(rendered, new Set(ours.keys()), release, ports),
    filesOf(rendered, plan, root, ports),
  ])
  return {
    format,
    version,
    engine: [info.version, info.apiVersion, info.platform, info.containerdStore],
    compose: composeVersion,
    rendered,
    plan,
    images: built.map(({ image: { name }, config }) => [name, config]),
    others,
    files,
    environment: environmentOf(rendered, ports),
  }
}

/** The images of other services, by their digest in the registry, or by their ID where they come from none. */
async function otherImages(
  { services }: ComposeProject,
  ours: ReadonlySet<string>,
  { plan }: Release,
  ports: Ports,
): Promise<[string, string][]> {
  const references = Object.entries(services).flatMap(([name, { image }]) => (ours.has(name) || image === undefined ? [] : [image]))
  const sorted = [...new Set(references)].toSorted()
  return Promise.all(
    sorted.map(async (reference): Promise<[string, string]> => {
      const { repository, tag, digest } = parseReference(reference)
      const here = await ports.engine.image(reference)
      const same = (one: string): boolean => isSameRepository(parseReference(one).repository, repository)
      if (here !== undefined) return [reference, parseReference(here.repoDigests.find(same) ?? '').digest ?? here.id]
      if (digest !== undefined) return [reference, digest]
      try {
        const there = await (await ports.registry.repository(repository, registryOf(repository, plan.registries))).resolve(tag)
        if (there !== undefined) return [reference, there.digest]
      } catch (error) {
        ports.log.debug(String(error))
      }
      throw new Unknown(`${reference} is not on this machine, and its registry does not say what it is`)
    }),
  )
}

/** Everything in files that reaches the stack or its checks: mounts, secrets and configs, and what the plan names. */
async function filesOf(project: ComposeProject, plan: SmokePlan, root: string, ports: Ports): Promise<unknown> {
  const mounted = Object.values(project.services).flatMap(mountedPaths)
  const kept = keptIn(project).flatMap(([, { file }]) => file ?? [])
  const budget = { files: mostFiles, bytes: mostBytes }
  const found: [string, unknown][] = []
  for (const path of [...new Set([...mounted, ...kept])].toSorted()) found.push([path, await contentOf(path, budget, ports)])
  // A word of a command that happens to be the name of a file does no harm.
  const named = [...wordsIn([plan.prepare, plan.checks])].map((word) => resolve(root, word))
  // Of what stands in these compose renders what services have, and not what secrets and configs take.
  for (const path of variableFiles(plan, root)) found.push([path, await contentOf(path, budget, ports)])
  for (const path of [...new Set(named)].filter((one) => !outside(root, one)).toSorted()) {
    const at = await ports.files.look(path).catch(() => undefined)
    if (at?.kind === 'file') found.push([path, await contentOf(path, budget, ports)])
  }
  return found
}

function* wordsIn(value: unknown): Generator<string> {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) yield value
  else if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) yield* wordsIn(inner)
}

interface Budget {
  files: number
  bytes: number
}

/** What a container sees there: kind and permissions of the place itself, and the bytes. */
async function contentOf(path: string, budget: Budget, { files }: Ports): Promise<unknown> {
  const at = await files.look(path).catch(() => unreadable(path))
  if (at === undefined) return 'nothing'
  if (at.kind === 'other') throw new Unknown(`${path} is neither a file nor a folder`)
  const { kind, mode } = at
  if (kind === 'directory') return [kind, mode, await entriesOf(path, budget, files)]
  spend(budget, at.size, path)
  return [kind, mode, await files.hash(at.path).catch(() => unreadable(path))]
}

async function entriesOf(path: string, budget: Budget, files: Ports['files']): Promise<unknown[]> {
  const entries = await walked(path, budget, files)
  spend(
    budget,
    entries.reduce((sum, { size }) => sum + size, 0),
    path,
  )
  const content: unknown[] = []
  for (const { path: name, kind, mode, size } of entries) {
    // What is no file, such as a pipe, has no size and would be read for ever.
    const isEmpty = kind === 'directory' || size === 0
    content.push([name, kind, mode, isEmpty ? '' : await files.hash(`${path}/${name}`).catch(() => unreadable(`${path}/${name}`))])
  }
  return content
}

async function walked(path: string, budget: Budget, files: Ports['files']): Promise<FileEntry[]> {
  try {
    return await files.walk(path, () => {
      budget.files -= 1
      if (budget.files < 0) throw new Unknown(`${path} has too many files to look through`)
      return 'keep'
    })
  } catch (error) {
    if (error instanceof Unknown) throw error
    return unreadable(path)
  }
}

function spend(budget: Budget, bytes: number, path: string): void {
  budget.bytes -= bytes
  if (budget.bytes < 0) throw new Unknown(`${path} holds too much to look through`)
}

function unreadable(path: string): never {
  throw new Unknown(`${path} cannot be read`)
}

/** A script has the environment of the step, every file, and this machine: nobody can say what it depends on. */
function refuseUnbounded({ prepare, checks }: SmokePlan): void {
  const open = [...prepare, ...checks].find(({ kind }) => !inside.has(kind))
  if (open !== undefined) throw new Unknown(`"${open.name}" may use anything of this machine`)
}

/** What compose takes from the environment without rendering it. */
function environmentOf(project: ComposeProject, ports: Ports): [string, string][] {
  const names = keptIn(project).flatMap(([, { environment }]) => environment ?? [])
  return [...new Set(names)].toSorted().map((name) => [name, ports.secret(name)?.reveal() ?? ''])
}
