import { posix } from 'node:path'
import type { Content, Definition } from '../../core/stack.ts'
import type { Notes } from './note.ts'
import type { MountShape, ServiceShape } from './shape.ts'

/** What is at a path of the repository that a service mounts; undefined where nothing is. */
export type Mounted = { kind: 'file'; content: Content; bytes: number } | { kind: 'folder' | 'binary' } | undefined

/** What Swarm takes as one config or secret. */
export const mostBytes = 500_000

export interface Mounts {
  volumes: Definition[]
  /** Files of the repository, which become configs: by the name of the config. */
  configs: Map<string, { content: Content; target: string }>
  /** It writes to a volume of the node: two versions of it must not do so at once. */
  holdsData: boolean
}

/**
 * @param files what is at the paths below the root that are mounted, by absolute path
 * @param pinned it says itself on which nodes it runs
 */
export function mountsOf(
  service: ServiceShape,
  of: { name: string; root: string; files: ReadonlyMap<string, Mounted>; shared: ReadonlySet<string>; pinned: boolean },
  notes: Notes,
): Mounts {
  const found: Mounts = { volumes: [], configs: new Map(), holdsData: false }
  for (const mount of service.volumes ?? []) addMount(mount, of, found, notes)
  for (const one of service.tmpfs ?? []) {
    const [target = '', options = ''] = one.split(':')
    const size = /(?:^|,)size=(\w+)/.exec(options)?.[1]
    found.volumes.push({ type: 'tmpfs', target, ...(size === undefined ? {} : { tmpfs: { size: bytesOf(size) } }) })
  }
  if (service.shm_size !== undefined) found.volumes.push({ type: 'tmpfs', target: '/dev/shm', tmpfs: { size: bytesOf(service.shm_size) } })
  return found
}

function addMount(mount: MountShape, of: Parameters<typeof mountsOf>[1], found: Mounts, notes: Notes): void {
  const { type, source, target, read_only: readOnly = false } = mount
  const base = { type, ...(source === undefined ? {} : { source }), target, ...(readOnly ? { read_only: true } : {}) }
  if (type === 'tmpfs') {
    const size = mount.tmpfs?.size
    found.volumes.push({ type, target, ...(size === undefined ? {} : { tmpfs: { size: bytesOf(String(size)) } }) })
  } else if (type === 'volume') {
    if (!readOnly && source !== undefined && !of.shared.has(source)) {
      found.holdsData = true
      if (!of.pinned)
        notes.warn(
          `the volume ${source} is of the node on which it runs`,
          'say which one that is with deploy.placement.constraints: [node.labels.… == …], or it may find an empty one elsewhere',
        )
    }
    if (mount.volume?.subpath !== undefined) notes.refuse(`the subpath of the volume ${source ?? target}`, 'give it a volume of its own')
    found.volumes.push({ ...base, ...(mount.volume?.nocopy === true ? { volume: { nocopy: true } } : {}) })
  } else if (type === 'bind' && source !== undefined) addBind(base, source, of, found, notes)
  else notes.refuse(`a mount of the type ${type} at ${target}`, 'Swarm knows volume, bind and tmpfs')
}

function addBind(
  base: Definition & { target: string },
  source: string,
  of: Parameters<typeof mountsOf>[1],
  found: Mounts,
  notes: Notes,
): void {
  const path = posix.relative(of.root, source)
  if (path.startsWith('..')) {
    notes.warn(
      `${source} of the node is mounted`,
      'it must be there on every node on which it may run; deploy.placement.constraints says which those are',
    )
    found.volumes.push(base)
    return
  }
  const what = of.files.get(source)
  if (what?.kind === 'file' && what.bytes <= mostBytes) {
    found.configs.set(`${of.name}-file-${found.configs.size + 1}`, { content: what.content, target: base.target })
    if (base['read_only'] !== true)
      notes.warn(`${path || '.'} is mounted as a config, which nobody can write to`, 'say so with :ro, or have it write elsewhere')
    return
  }
  const why =
    what === undefined
      ? 'is not there'
      : { folder: 'is a folder of the repository', binary: 'is no text', file: `has more than ${mostBytes / 1000} kB` }[what.kind]
  notes.refuse(
    `${path || '.'} is mounted, and ${why}`,
    'nodes have no repository: put it into the image, or mount single files, which travel as configs',
  )
}

/** `64m`, as docker reads it. */
function bytesOf(size: string): number {
  const [, number = '0', unit = ''] = /^(\d+)\s*([kmgt]?)/i.exec(size) ?? []
  const power = ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase())
  return Number(number) * 1024 ** power
}
