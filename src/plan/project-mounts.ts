import { relative } from 'node:path'
import type { Service } from '../core/deployment.ts'
import type { DeployedProject, DeployedService, Given, Kept, Mounted } from '../tools/compose-deployed.ts'
import { isBelow, isOfHost } from '../tools/mounts.ts'
import type { Findings } from './project-findings.ts'
import { composed, placeholderFor } from './project-placeholders.ts'

/** What a path of the repository is here, and whether git has it. */
export interface Seen {
  kind: 'file' | 'folder' | undefined
  isTracked: boolean
}

export interface Mounts {
  volumes: string[]
  options: string[]
  files: NonNullable<Service['files']>
  texts: NonNullable<Service['texts']>
  /** Folders and files of the host that must be there. */
  paths: string[]
  /** It may write where something stays. */
  keepsData: boolean
}

export interface Around {
  project: DeployedProject
  root: string
  /** By its absolute path. */
  seen(this: void, path: string): Seen
  found: Findings
}

/** Where a container has its files from: volumes, folders of the host, files of the repository, configs and secrets. */
export function mountsOf(name: string, service: DeployedService, around: Around): Mounts {
  const mounts: Mounts = { volumes: [], options: [], files: [], texts: [], paths: [], keepsData: false }
  for (const mount of service.volumes ?? []) {
    if (mount.type === 'bind') bind(name, mount, mounts, around)
    else if (mount.type === 'volume') volume(name, mount, mounts, around)
    else if (mount.type === 'tmpfs') mounts.options.push(tmpfsOption(mount))
    else refuse(around, name, 'volumes', `no option of docker run mounts a ${mount.type} (${mount.target})`)
  }
  for (const given of service.configs ?? []) give(name, 'configs', given, mounts, around)
  for (const given of service.secrets ?? []) give(name, 'secrets', given, mounts, around)
  return mounts
}

function refuse({ found }: Around, service: string, key: string, message: string): void {
  found.refused.push({ path: ['services', service, key], message })
}

function bind(name: string, mount: Mounted, mounts: Mounts, around: Around): void {
  const { source = '', target, read_only: readOnly = false, bind: how } = mount
  if (isBelow(around.root, source)) return ofRepository(name, mount, mounts, around)
  mounts.paths.push(source)
  if (!readOnly && !isOfHost(source)) mounts.keepsData = true
  const words = [...(readOnly ? ['ro'] : []), ...(how?.propagation ? [how.propagation] : []), ...(how?.selinux ? [how.selinux] : [])]
  add(mounts, source, target, words, `type=bind`)
}

function volume(name: string, mount: Mounted, mounts: Mounts, around: Around): void {
  const { source, target, read_only: readOnly = false, volume: how } = mount
  // A name of one letter is a drive to compose.
  if (!target.startsWith('/'))
    return refuse(around, name, 'volumes', `${target} is no path of a container: compose takes a name of one letter for a drive`)
  if (source === undefined || source === '') {
    mounts.volumes.push(target)
    return
  }
  if (how?.subpath !== undefined && how.subpath !== '')
    return refuse(around, name, 'volumes', `hosts before Docker 26 know no subpath of a volume (${target})`)
  if (!readOnly) mounts.keepsData = true
  const words = [...(readOnly ? ['ro'] : []), ...(how?.nocopy === true ? ['nocopy'] : [])]
  add(mounts, around.project.volumes?.[source]?.name ?? source, target, words, `type=volume`)
}

/** A colon in a path would end it. */
function add({ volumes, options }: Mounts, source: string, target: string, words: readonly string[], type: string): void {
  if (!source.includes(':') && !target.includes(':')) {
    volumes.push([source, target, ...(words.length === 0 ? [] : [words.join(',')])].join(':'))
    return
  }
  const fields = [
    type,
    `source=${source}`,
    `target=${target}`,
    ...words.map((word) => (word === 'ro' ? 'readonly' : word === 'nocopy' ? 'volume-nocopy' : `bind-propagation=${word}`)),
  ]
  options.push(`--mount=${fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}`)
}

function tmpfsOption({ target, tmpfs }: Mounted): string {
  const fields = [
    'type=tmpfs',
    `target=${target}`,
    ...(tmpfs?.size === undefined || Number(tmpfs.size) === 0 ? [] : [`tmpfs-size=${tmpfs.size}`]),
    ...(tmpfs?.mode === undefined || Number(tmpfs.mode) === 0 ? [] : [`tmpfs-mode=${Number(tmpfs.mode).toString(8)}`]),
  ]
  return `--mount=${fields.join(',')}`
}

/** What the repository has travels with each release; so nothing that a container writes there would stay. */
function ofRepository(name: string, { source = '', target, read_only: readOnly = false }: Mounted, mounts: Mounts, around: Around): void {
  const shown = relative(around.root, source)
  const { kind, isTracked } = around.seen(source)
  if (shown === '') {
    return refuse(
      around,
      name,
      'volumes',
      `it mounts the whole repository at ${target}, for developers: what is released is in the image. Leave it out with "volumes: !override […]" in a compose file for hosts`,
    )
  }
  if (!isTracked && !readOnly) {
    const what = kind === undefined ? 'is not there' : 'is not in git'
    return refuse(
      around,
      name,
      'volumes',
      `./${shown} ${what}, so ${target} would be empty on the hosts, and another with each release: data needs a named volume or an absolute path of the host; with :ro it is a file that a step before the deploy makes`,
    )
  }
  if (!readOnly && kind === 'folder') {
    const message = `what the container writes into ${target} (./${shown} of the repository) is left behind by the next release: say :ro, or take a named volume`
    around.found.warned.push({ path: ['services', name, 'volumes'], message })
  }
  mounts.files.push({ source: shown, target, readOnly })
}

/** A config or a secret. As compose has it, one of a file is that file, and the rest is written. */
function give(name: string, kind: 'configs' | 'secrets', given: Given, mounts: Mounts, around: Around): void {
  const { source, uid, gid, mode } = given
  const kept = around.project[kind]?.[source] ?? {}
  const folder = kind === 'secrets' ? '/run/secrets/' : '/'
  const target =
    given.target === undefined || given.target === ''
      ? `${folder}${source}`
      : given.target.startsWith('/')
        ? given.target
        : `${folder}${given.target}`
  if (kept.external === true) {
    return refuse(around, name, kind, `${source} is external: only a Swarm keeps ${kind}. Say file, environment or content`)
  }
  if (kept.file !== undefined) return fileOf(kept.file, target, mounts, around)
  const text = textOf(kept)
  if (text === undefined) return refuse(around, name, kind, `${source} says neither file nor environment nor content`)
  mounts.texts.push({
    target,
    text,
    mode: (mode === undefined ? 0o444 : Number(mode)).toString(8).padStart(4, '0'),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  })
}

function fileOf(file: string, target: string, mounts: Mounts, { root }: Around): void {
  if (isBelow(root, file)) {
    mounts.files.push({ source: relative(root, file), target, readOnly: true })
    return
  }
  mounts.paths.push(file)
  add(mounts, file, target, ['ro'], 'type=bind')
}

function textOf({ environment, content }: Kept): string | undefined {
  if (environment !== undefined) return composed(placeholderFor(environment))
  return content === undefined ? undefined : composed(content)
}
