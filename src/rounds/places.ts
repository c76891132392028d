import { dirname, join, resolve, sep } from 'node:path'
import type { SmokePlan } from '../core/gates.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import type { WatchedPlace } from '../core/ports.ts'
import { type ComposeProject, keptIn } from '../tools/compose.ts'
import { readIgnores } from '../tools/dockerignore.ts'

/** What a change there is about. */
type Kind =
  /** launchway.yml, and what the images are planned from: all is planned anew. */
  | 'config'
  /** What compose reads, and what it builds: the project is rendered anew in each round. */
  | 'compose'
  /** What an image of the plan is built from. */
  | 'image'
  /** What services have mounted, or as a secret or config. */
  | 'files'
  /** What the checks use: they are asked again. */
  | 'check'

export interface Place extends WatchedPlace {
  kind: Kind
  /** What of it does not count, where that is more than is pruned. */
  excludes?(this: void, relative: string): boolean
  /** Containers may write there, so that not each change is somebody's who works on it. */
  isOpen?: boolean
}

/** A folder that is sent to a build, and the file that says what is left out. */
export interface Context {
  folder: string
  /** Absolute. */
  dockerfile: string
  /** Text of its .dockerignore. */
  ignores: string
  kind: 'image' | 'compose'
}

/** One stack of the plan. */
export interface Stack {
  plan: SmokePlan
  /** Compose files with those that they include and extend, files of variables, and those that services name; absolute. */
  read: readonly string[]
}

/** All that the next round depends on. @param rendered the stacks as they were rendered last */
export function placesOf(of: {
  root: string
  config: string
  /** What bake reads, from the root. */
  bake: readonly string[]
  contexts: readonly Context[]
  /** Further files and folders that images are built from, absolute. */
  more: readonly string[]
  stacks: readonly Stack[]
  rendered: readonly ComposeProject[]
  /** Folders of which git takes nothing, absolute. */
  ignored: ReadonlySet<string>
}): Place[] {
  const { root, config, bake, contexts, more, stacks, rendered, ignored } = of
  const file = (kind: Kind, path: string): Place => ({ kind, path: resolve(root, path), isTree: false })
  const checks = stacks.flatMap(({ plan }) =>
    plan.checks.flatMap((check) => (check.kind === 'script' ? [check.script] : check.kind === 'http' ? (check.ca ?? []) : [])),
  )
  return [
    ...[config, ...bake].map((path) => file('config', path)),
    ...stacks.flatMap(({ read }) => read.map((path) => file('compose', path))),
    ...contexts.flatMap(contextPlaces),
    ...more.map((path): Place => ({ ...file('image', path), isTree: true, prunes: isHistory })),
    ...rendered.flatMap((project) => mountedPlaces(project, ignored)),
    ...checks.map((path) => file('check', path)),
  ]
}

/** A .dockerignore may leave itself out, and the Dockerfile, which count all the same. */
function contextPlaces({ folder, dockerfile, ignores, kind }: Context): Place[] {
  const said = [dockerfile, `${dockerfile}.dockerignore`, join(folder, '.dockerignore')]
  const prunes = (relative: string): boolean => isHistory(relative) || leftOut(ignores, relative).isWhole
  const excludes = (relative: string): boolean => isHistory(relative) || leftOut(ignores, relative).isOut
  return [...said.map((path): Place => ({ kind, path, isTree: false })), { kind, path: folder, isTree: true, prunes, excludes }]
}

function mountedPlaces(project: ComposeProject, ignored: ReadonlySet<string>): Place[] {
  // Packages and caches by the ten thousand lie there, and nothing of them would count.
  const isIgnored = (path: string, top: string): boolean => ignored.has(path) || (path.length > top.length && isIgnored(dirname(path), top))
  const prunesOf = (source: string) => (relative: string) => isHistory(relative) || isIgnored(join(source, relative), source)
  const mounted = Object.values(project.services).flatMap(({ volumes = [] }) =>
    volumes.flatMap(({ type, source, ...how }): Place[] =>
      type === 'bind' && source !== undefined && !isOfSystem(source)
        ? how['read_only'] === true
          ? [{ kind: 'files', path: source, isTree: true, prunes: isHistory }]
          : [{ kind: 'files', path: source, isTree: true, isOpen: true, prunes: prunesOf(source) }]
        : [],
    ),
  )
  const kept = keptIn(project).flatMap(([, { file }]) => file ?? [])
  return [...mounted, ...kept.map((path): Place => ({ kind: 'files', path, isTree: false }))]
}

/** What belongs to the machine, such as the engine's socket, changes without anybody's doing. */
function isOfSystem(path: string): boolean {
  return path === '/' || ['/dev', '/proc', '/sys', '/run', '/var/run'].some((top) => path === top || path.startsWith(top + sep))
}

function isHistory(relative: string): boolean {
  return relative === '.git' || relative.startsWith(`.git${sep}`)
}

/** Whether .dockerignore leaves a path out, and for good: nothing in it is brought back. The folders above are asked about first. */
function leftOut(text: string, relative: string): { isOut: boolean; isWhole: boolean } {
  const rules = readIgnores(text)
  const parts = relative.split(sep)
  for (let end = 1; end < parts.length; end += 1) {
    if (rules.excludes(parts.slice(0, end).join('/'), 'directory') && !rules.mayReinclude) return { isOut: true, isWhole: true }
  }
  const isOut = rules.excludes(parts.join('/'), 'file')
  return { isOut, isWhole: isOut && !rules.mayReinclude }
}

/** Names that editors use while they write: what they stand for comes to its own name a moment later. */
const passing = /^(4913|\.#.*|#.*#|.*~|\..*\.sw[a-z]|.*\.tmp\.\d+.*|___jb_(old|tmp)___|.*___jb_(old|tmp)___)$/

/** The places that a change is about. A folder is about all that is in it: it may have gone, or come back. */
export function placesAt(path: string, places: readonly Place[]): Place[] {
  if (passing.test(path.slice(dirname(path).length + 1))) return []
  return places.filter(({ path: own, isTree, prunes, excludes = prunes }) => {
    if (own === path || own.startsWith(path + sep)) return true
    return isTree && path.startsWith(own + sep) && excludes?.(path.slice(own.length + 1)) !== true
  })
}

/** What the next round has to do beside rendering the project and asking the checks. */
export interface Due {
  plan: boolean
  build: boolean
  /** What services have as files, and was written. */
  touched: string[]
}

/** Decides what changes ask for. */
export function dueFor(paths: readonly string[], places: readonly Place[]): Due {
  const found = paths.map((path) => ({ path, kinds: placesAt(path, places).map(({ kind }) => kind) }))
  const isAbout = (kind: Kind): boolean => found.some(({ kinds }) => kinds.includes(kind))
  const plan = isAbout('config')
  return {
    plan,
    build: plan || isAbout('image'),
    touched: found.flatMap(({ path, kinds }) => (kinds.includes('files') ? [path] : [])),
  }
}

/**
 * Whether a container may have written it, also where that folder is sent to a build as well. Not what stands there by its own name:
 * nobody has a container write compose files.
 */
export function isDoubtful(path: string, places: readonly Place[]): boolean {
  const found = placesAt(path, places)
  return found.some(({ isOpen }) => isOpen === true) && !found.some(({ path: own, isTree }) => !isTree && own === path)
}

/** Folders and files of an image that are not its context. */
export function furtherOf({ contexts = {}, secrets = [], ssh = [] }: PlannedBase, root: string): string[] {
  const folders = Object.values(contexts).filter((value) => !/^(target:|[a-zA-Z][a-zA-Z0-9+.-]*:\/\/)/.test(value))
  return [...folders, ...[...secrets, ...ssh].flatMap(({ file }) => file ?? [])].map((path) => resolve(root, path))
}
