import { relative } from 'node:path'
import { z } from 'zod'
import { placed } from '../config/places.ts'
import type { Place } from '../core/error.ts'

/** A compose file as it is written, before variables are filled in and other files are laid over it. */
export interface ComposeSource {
  /** From the root of the repository. */
  path: string
  /** By its name it is for developers or for tests alone. */
  isDevelopment: boolean
  /** An environment names it, so it runs on hosts. */
  isDeployed: boolean
  /** Environments that deploy it, also where another file leads to it. */
  environments: readonly string[]
  services: readonly ComposeService[]
  /** Configs and secrets that are files, by relative paths. */
  given: readonly { kind: 'config' | 'secret'; name: string; file: string; at: Place }[]
}

export interface ComposeService {
  name: string
  image: string | undefined
  containerName: string | undefined
  /** Entry point and command together. */
  command: readonly string[]
  /** The same as they are written, without those that are not. */
  starts: { entrypoint?: string[]; command?: string[] }
  environment: readonly { name: string; value: string; at: Place }[]
  /** Files of variables, as they are written. */
  envFiles: readonly string[]
  ports: readonly { text: string; target: number; published: number | undefined; isPublic: boolean; at: Place }[]
  /** Binds of files and folders by relative paths; where they are in the container. */
  binds: readonly { source: string; target: string; at: Place }[]
  /** Volumes with a name, and folders of the host. */
  keeps: readonly string[]
  user: string | undefined
  groupAdd: readonly string[]
  capDrop: readonly string[]
  /** Folder that its image is built from, as it is written. */
  context: string | undefined
  networkMode: string | undefined
  profiles: readonly string[]
  /** Of the update of a service: `start-first` or `stop-first`. */
  order: string | undefined
  /** How many containers it has, where that is said. */
  replicas: number | undefined
  at(this: void, ...path: PropertyKey[]): Place
}

const Words = z.union([z.string(), z.array(z.coerce.string())])
const Pairs = z.union([z.array(z.string()), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).nullable())])
const Port = z.union([
  z.string(),
  z.number(),
  z.looseObject({ target: z.coerce.number(), published: z.coerce.string().optional(), host_ip: z.string().optional() }),
])
const Volume = z.union([
  z.string(),
  z.looseObject({ type: z.string().optional(), source: z.string().optional(), target: z.string().optional() }),
])
const EnvFile = z.union([z.string(), z.looseObject({ path: z.string() })])
/** What cannot be read is for compose itself to say. */
const Service = z.looseObject({
  image: z.string().optional().catch(undefined),
  container_name: z.string().optional().catch(undefined),
  command: Words.nullish().catch(undefined),
  entrypoint: Words.nullish().catch(undefined),
  environment: Pairs.nullish().catch(undefined),
  env_file: z
    .union([EnvFile, z.array(EnvFile)])
    .nullish()
    .catch(undefined),
  ports: z.array(Port).nullish().catch(undefined),
  volumes: z.array(Volume).nullish().catch(undefined),
  user: z.coerce.string().optional().catch(undefined),
  group_add: z.array(z.coerce.string()).optional().catch(undefined),
  cap_drop: z.array(z.string()).optional().catch(undefined),
  build: z
    .union([z.string(), z.looseObject({ context: z.string().optional() })])
    .optional()
    .catch(undefined),
  network_mode: z.string().optional().catch(undefined),
  profiles: z.array(z.string()).optional().catch(undefined),
  scale: z.coerce.number().optional().catch(undefined),
  deploy: z
    .looseObject({
      replicas: z.coerce.number().optional().catch(undefined),
      update_config: z
        .looseObject({ order: z.string().optional().catch(undefined) })
        .nullish()
        .catch(undefined),
    })
    .nullish()
    .catch(undefined),
})
const Given = z.record(z.string(), z.looseObject({ file: z.string().optional().catch(undefined) }).nullable())
const Project = z.looseObject({
  services: z.record(z.string(), Service.nullable()).nullish().catch(undefined),
  configs: Given.nullish().catch(undefined),
  secrets: Given.nullish().catch(undefined),
})

const development = /(^|[-._])(dev(el(opment)?)?|override|local|tests?|testing|ci|smoke)([-._]|$)/i

/** @param path of the file, absolute @param environments that deploy it */
export function parseCompose(text: string, path: string, root: string, environments: readonly string[]): ComposeSource {
  const isDeployed = environments.length > 0
  const file = relative(root, path)
  const { value, at } = placed(text, file)
  const project = Project.safeParse(value).data
  const services = project?.services ?? {}
  const given = (kind: 'config' | 'secret') =>
    Object.entries(project?.[`${kind}s`] ?? {}).flatMap(([name, said]) =>
      said?.file === undefined || /^[/~]|\$/.test(said.file) ? [] : [{ kind, name, file: said.file, at: at([`${kind}s`, name, 'file']) }],
    )
  return {
    path: file,
    // Whatever it is called: what is deployed is not for developers.
    isDevelopment: !isDeployed && development.test(file.split('/').at(-1) ?? ''),
    isDeployed,
    environments,
    services: Object.entries(services).flatMap(([name, service]) => (service === null ? [] : [serviceOf(name, service, at)])),
    given: [...given('config'), ...given('secret')],
  }
}

function serviceOf(
  name: string,
  service: z.infer<typeof Service>,
  place: (path: readonly PropertyKey[], onKey?: boolean) => Place,
): ComposeService {
  const at = (...path: PropertyKey[]): Place => place(['services', name, ...path])
  const { environment, volumes, ports } = service
  const variables = Array.isArray(environment)
    ? environment.map((pair, index) => {
        const cut = pair.indexOf('=')
        const [key, value] = cut === -1 ? [pair, ''] : [pair.slice(0, cut), pair.slice(cut + 1)]
        return { name: key, value, at: at('environment', index) }
      })
    : Object.entries(environment ?? {}).map(([key, value]) => ({ name: key, value: String(value ?? ''), at: at('environment', key) }))
  return {
    name,
    image: service.image,
    containerName: service.container_name,
    command: [service.entrypoint ?? [], service.command ?? []].flat(),
    starts: { ...wordsOf('entrypoint', service.entrypoint), ...wordsOf('command', service.command) },
    environment: variables,
    envFiles: [service.env_file ?? []].flat().map((one) => (typeof one === 'string' ? one : one.path)),
    ports: (ports ?? []).flatMap((port, index) => {
      const read = portOf(port)
      return read === undefined ? [] : [{ ...read, at: at('ports', index) }]
    }),
    binds: (volumes ?? []).flatMap((volume, index) => {
      const [source = '', target = ''] =
        typeof volume === 'string' ? volume.split(':') : volume.type === 'bind' ? [volume.source, volume.target] : []
      return /^\.{1,2}(\/|$)/.test(source) && !source.includes('$') && target !== '' ? [{ source, target, at: at('volumes', index) }] : []
    }),
    keeps: (volumes ?? []).flatMap((volume) => {
      const [source, target] =
        typeof volume === 'string' ? volume.split(':') : volume.type === 'tmpfs' ? [] : [volume.source, volume.target]
      return source !== undefined && source !== '' && target !== undefined ? [target] : []
    }),
    user: service.user,
    groupAdd: service.group_add ?? [],
    capDrop: service.cap_drop ?? [],
    context: typeof service.build === 'string' ? service.build : service.build?.context,
    networkMode: service.network_mode,
    profiles: service.profiles ?? [],
    order: service.deploy?.update_config?.order,
    replicas: service.deploy?.replicas ?? service.scale,
    at,
  }
}

/** A line is what a shell would make of it, but for its quotes. */
function wordsOf(key: string, words: string | string[] | null | undefined): Record<string, string[]> {
  if (words === null || words === undefined || words.length === 0) return {}
  return { [key]: typeof words === 'string' ? words.trim().split(/\s+/) : words }
}

/** `[address:][published:]target[/protocol]`; public where no address of the loopback stands before it. */
function portOf(
  port: z.infer<typeof Port>,
): { text: string; target: number; published: number | undefined; isPublic: boolean } | undefined {
  if (typeof port === 'object') {
    const { target, published, host_ip: address } = port
    const isPublic = !isLoopback(address ?? '')
    return { text: published === undefined ? String(target) : `${published}:${target}`, target, published: numberIn(published), isPublic }
  }
  const text = String(port)
  // Colons also stand in `${PORT:-5432}` and in brackets.
  const parts = text.replace(/\/\w+$/, '').match(/(?:\$\{[^}]*\}|\[[^\]]*\]|[^:[$])+/g) ?? []
  const [target = '', second, third = ''] = parts.toReversed()
  // Between an address and a port may be nothing: `127.0.0.1::5432`.
  const [published, address] = /^\[|\..*\./.test(second ?? '') ? [undefined, second ?? ''] : [second, third]
  const number = /^\d+$/.test(target) ? target : /:-(\d+)\}$/.exec(target)?.[1]
  if (number === undefined) return undefined
  // A number alone is the container's: the engine chooses one of the host's, on all of its addresses.
  return { text, target: Number(number), published: numberIn(published), isPublic: !isLoopback(address) && !address.startsWith('$') }
}

/** Of a port, or of a variable with one as its default. */
function numberIn(text: string | undefined): number | undefined {
  const [, digits] = /^(?:\$\{\w+:?-)?(\d+)\}?$/.exec(text ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

function isLoopback(address: string): boolean {
  return /^(127\.|\[?::1\]?$|localhost$)/.test(address)
}
