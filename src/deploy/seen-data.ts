import { z } from 'zod'
import { Accessory } from '../core/deployment.ts'
import { parseJson } from '../core/json.ts'
import type { SeenAccessory } from './observation.ts'

/** What a host has that a release must not spoil, and what it has room for. */
export interface SeenData {
  /** Containers that are not of this environment and have a volume that the release would write to. */
  holders: readonly Holder[]
  /** The digests of the images that the release would pull and that are there. */
  images: ReadonlySet<string>
  /** Where the state is; undefined where `df` could not tell. */
  stateBytes: number | undefined
  /** The engine keeps all that containers say, unless they are made otherwise. */
  keepsAllLogs: boolean
}

export interface Holder {
  container: string
  /** `running`, `exited`, … as docker says it. */
  state: string
  /** Empty for one that launchway did not make, as is the environment; `exec --new` says both in `command` alone. */
  app: string
  environment: string
  command: string
  /** The names of those that it may write to. */
  volumes: readonly string[]
}

const Mounts = z.array(z.object({ Type: z.string(), Name: z.string().default(''), Destination: z.string(), RW: z.boolean().default(true) }))

export function accessoriesOf(facts: readonly string[][]): SeenAccessory[] {
  const mounts = facts.flatMap(([key, name = '', ...text]) => (key === 'mounts' ? [{ name, text: text.join('\t') }] : []))
  return facts.flatMap(([key, container, name, state = '', status = '', ...text]) => {
    if (key !== 'accessory' || container === undefined || name === undefined) return []
    const mounted = parseJson(mounts.find((one) => one.name === `/${container}`)?.text ?? '', Mounts) ?? []
    const volumes = mounted.flatMap(({ Type, Name, Destination }) => (Type === 'volume' ? [{ name: Name, path: Destination }] : []))
    const [, , contents] = facts.find(([key, whose]) => key === 'contents' && whose === `/${container}`) ?? []
    const own = contents === undefined ? {} : { contents }
    return [
      {
        container,
        name,
        state,
        status,
        configuration: parseJson(text.join('\t'), Accessory),
        ...own,
        ...policyIn(facts, container),
        volumes,
      },
    ]
  })
}

/** The restart policy that the engine has of a container. */
export function policyIn(facts: readonly string[][], container: string): { restart?: string } {
  const [, , restart] = facts.find(([key, of]) => key === 'policy' && of === `/${container}`) ?? []
  return restart === undefined ? {} : { restart }
}

/** What observe.sh prints of the volumes that docker itself has named: of those alone in which something has been written. */
export function unnamedIn(facts: readonly string[][], container: string): { unnamed?: SeenAccessory['volumes'] } {
  const unnamed = facts.flatMap(([key, of, name, path]) =>
    key === 'unnamed' && of === container && name !== undefined && path !== undefined ? [{ name, path }] : [],
  )
  return unnamed.length === 0 ? {} : { unnamed }
}

/** Undefined where nothing of it was looked for. */
export function dataOf(facts: readonly string[][]): { data?: SeenData } {
  const free = facts.find(([key]) => key === 'free.state')?.[1]
  if (free === undefined) return {}
  const holders = facts.flatMap(([key, name = '', state = '', app = '', environment = '', command = '', ...text]) => {
    if (key !== 'holder') return []
    const mounted = parseJson(text.join('\t'), Mounts) ?? []
    const volumes = mounted.flatMap(({ Type, Name, RW }) => (Type === 'volume' && RW ? [Name] : []))
    return [{ container: name.replace(/^\//, ''), state, app, environment, command, volumes }]
  })
  const images = facts.flatMap(([key, reference = '']) => (key === 'image' ? [digestIn(reference)] : []))
  const keepsAllLogs = facts.some(([key]) => key === 'logs')
  return { data: { holders, images: new Set(images), stateBytes: free === '' ? undefined : Number(free) * 1024, keepsAllLogs } }
}

/** That of `repository@sha256:…`. Under whatever name a host has an image, it need not be brought. */
export function digestIn(reference: string): string {
  return reference.slice(reference.indexOf('@') + 1)
}
