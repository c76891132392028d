import type { FileService } from '../tools/compose-file.ts'
import { dataFolderOf, isKeptIn } from '../tools/data-folders.ts'

/** What would run on a host, as far as the repository says it: before anybody was asked. */
export interface Stack {
  images: DraftImage[]
  services: DraftService[]
  accessories: DraftAccessory[]
  beforeSwitch?: string[]
  /** The compose file itself is deployed; services then have what it cannot say. */
  project?: DraftProject
  smoke: DraftSmoke
  /** What somebody should know who reads the result. */
  notes: string[]
}

export interface DraftImage {
  name: string
  context: string
  dockerfile: string
  target?: string
  args: Record<string, string>
  /** Where the compose file says that it is pushed. */
  repository?: string
}

export interface DraftService {
  name: string
  /** Name of its image. */
  image: string
  /** Visitors reach it. At most one does. */
  isPublic: boolean
  port?: number
  published?: number
  healthPath?: string
  keys: Record<string, unknown>
  volumes: DraftVolume[]
  isNamed: boolean
}

export interface DraftAccessory {
  name: string
  keys: Record<string, unknown>
  volumes: DraftVolume[]
}

/** The smoke test; in words, why there is none. */
type DraftSmoke = string | { file?: string; service?: string; env: Record<string, string>; envFiles?: string[] }

export interface DraftProject {
  file: string
  /** What would be lost if its services were written down one by one. */
  why: string
  envFiles?: string[]
  /** Variables of the file that are secret. */
  secrets: string[]
  /** The variable that says which port of the host visitors come to. */
  publishedBy?: string
}

/** Of a Compose name what launchway takes as one. */
export function plainName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '-')
    .replace(/^[-_]+/, '')
  return plain === '' ? 'app' : plain.slice(0, 40)
}

/** What a container keeps outside of itself. */
export interface DraftVolume {
  /** Its name, or a path of the host. */
  source: string
  /** Path in the container, and options. */
  at: string
  /** The host calls it so; of any other the name of the application comes first. */
  isWhole: boolean
  /** The compose file has none there: its data is not in a volume yet. */
  isNew?: true
}

interface Beside {
  /** Of volumes, by what the compose file calls them. */
  names: ReadonlyMap<string, string>
  /** Files and folders that git has. */
  has(this: void, path: string): boolean
  /** Folders beside the compose file hold data, which nothing but a volume keeps. */
  isAccessory: boolean
}

/** Named volumes stay; files of the repository do not travel with a container. */
export function volumesOf(
  { name, image = '', volumes, environment }: FileService,
  { names, has, isAccessory }: Beside,
  says: string[],
): DraftVolume[] {
  const folder = dataFolderOf(image)
  let count = 0
  const drafts = volumes.flatMap(({ source, target, options }): DraftVolume[] => {
    const end = options === undefined ? '' : `:${options}`
    if (source === undefined || source === '') return []
    if (/^[A-Za-z0-9]/.test(source) && !source.includes('/')) {
      const called = names.get(source)
      if (called?.includes('$') === true)
        says.push(`the volume ${source} of ${name} is called ${called} on the host: write that name into launchway.yml`)
      const isWhole = called !== undefined && !called.includes('$')
      return [{ source: isWhole ? called : source, at: `${target}${end}`, isWhole }]
    }
    if (source.startsWith('/')) return [{ source, at: `${target}${end}`, isWhole: true }]
    const isRead = /(^|,)ro(,|$)/.test(options ?? '')
    const isData = folder !== undefined && isKeptIn(folder, target)
    if (isAccessory && (isData || (!isRead && !has(source) && !/\.\w+$/.test(source)))) {
      count += 1
      const volume = `${plainName(name)}-data${count === 1 ? '' : count}`
      says.push(
        `${name} keeps data in ${source}, beside the compose file, where no release reaches it: launchway.yml has the volume ${volume} for it, which is empty at the first deploy. ${carryOver(source, image)}, and for NAME the name of the volume in launchway.yml`,
      )
      return [{ source: volume, at: target, isWhole: false, isNew: true }]
    }
    if (!says.some((one) => one.startsWith(`${name} mounts `)))
      says.push(
        has(source)
          ? `${name} mounts ${source} at ${target}: files of the repository do not go to the host, so they must be in the image`
          : `${name} mounts ${source} at ${target}, which git does not have: give what it keeps there a volume, such as volumes: ["${name}-data:${target}"]`,
      )
    return []
  })
  if (
    !isAccessory ||
    folder === undefined ||
    environment.has('PGDATA') ||
    drafts.some(({ at }) => isKeptIn(folder, at.replace(/:.*$/, '')))
  )
    return drafts
  says.push(
    `${name} has no volume of a name for ${folder} in the compose file, so its data would end with its container: launchway.yml has ${plainName(name)}-data for it`,
  )
  return [...drafts, { source: `${plainName(name)}-data`, at: folder, isWhole: false, isNew: true }]
}

/** How what is in a folder gets into a volume, with the owners and modes that the database wants. */
export function carryOver(source: string, image: string): string {
  return `To carry the data over, on the server, with the stack stopped: docker run --rm --volume "$PWD/${source.replace(/^\.\//, '')}:/from:ro" --volume NAME:/to --entrypoint cp ${image} -a /from/. /to/`
}
