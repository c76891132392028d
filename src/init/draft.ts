import type { FileService } from '../tools/compose-file.ts'

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
}

/** Named volumes stay; files of the repository do not travel with a container. */
export function volumesOf({ name, volumes }: FileService, names: ReadonlyMap<string, string>, says: string[]): DraftVolume[] {
  return volumes.flatMap(({ source, target, options }) => {
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
    if (!says.some((one) => one.startsWith(`${name} mounts `)))
      says.push(`${name} mounts ${source} at ${target}: files of the repository do not go to the host, so they must be in the image`)
    return []
  })
}
