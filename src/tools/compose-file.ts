import { parseDocument } from 'yaml'
import { z } from 'zod'
import { lineWords } from './compose-line.ts'
import { asked, filled, mentioned, ofContainer, type Variables, variablesOf } from './compose-variables.ts'

/**
 * A compose file as it is written, read without docker and without its variables having values: what a first look at a
 * repository needs. `docker compose config` says exactly what it means, and asks for all of that (compose.ts).
 * @see https://github.com/compose-spec/compose-spec/blob/main/spec.md
 */

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const words = z.union([scalar, z.array(scalar)])
const listOrMap = z.union([z.array(scalar), z.record(z.string(), scalar.nullable())])
const strings = z.union([scalar.transform((one) => [one]), z.array(scalar)])

const Build = z.union([
  scalar.transform((context) => ({ context, dockerfile: undefined, target: undefined, args: undefined })),
  z.looseObject({ context: scalar.optional(), dockerfile: scalar.optional(), target: scalar.optional(), args: listOrMap.optional() }),
])
const Mount = z.looseObject({
  type: scalar.optional(),
  source: scalar.optional(),
  target: scalar.optional(),
  read_only: z.unknown().optional(),
})
const PortEntry = z.union([scalar, z.looseObject({ target: scalar, published: scalar.optional(), host_ip: scalar.optional() })])

const Service = z.looseObject({
  image: scalar.optional(),
  build: Build.optional(),
  command: words.nullish(),
  entrypoint: words.nullish(),
  environment: listOrMap.nullish(),
  env_file: z.union([scalar, z.array(z.union([scalar, z.looseObject({ path: scalar })]))]).optional(),
  ports: z.array(PortEntry).nullish(),
  expose: z.array(scalar).nullish(),
  container_name: scalar.optional(),
  healthcheck: z.looseObject({ test: z.union([z.string(), z.array(scalar)]).optional(), disable: z.boolean().optional() }).optional(),
  volumes: z.array(z.union([scalar, Mount])).nullish(),
  depends_on: z.union([z.array(scalar), z.record(z.string(), z.looseObject({ condition: scalar.optional() }).nullable())]).nullish(),
  profiles: strings.optional(),
  secrets: z.array(z.union([scalar, z.looseObject({ source: scalar.optional() })])).nullish(),
  stop_signal: scalar.optional(),
  stop_grace_period: scalar.optional(),
  user: scalar.optional(),
})
/** A config or a secret: where its text comes from. */
const Given = z.looseObject({ file: scalar.optional(), environment: scalar.optional() })
const GivenByName = z.record(z.string(), Given.nullable().catch(null)).nullish().catch(undefined)
/** What compose itself refuses here is for compose to tell. */
const Volume = z.looseObject({
  name: scalar.optional(),
  external: z.union([scalar, z.looseObject({ name: scalar.optional() })]).optional(),
})
const File = z.looseObject({
  name: scalar.optional().catch(undefined),
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), Volume.nullable().catch(null)).nullish().catch(undefined),
  secrets: GivenByName,
  configs: GivenByName,
})

/** A service, with the default of every variable filled in; `$NAME` stays where there is none. */
export interface FileService {
  name: string
  image?: string
  build?: { context: string; dockerfile: string; target?: string; args: Record<string, string> }
  /** What has a default has it; of the others `${NAME}` stays. */
  command?: string[]
  entrypoint?: string[]
  /** Variables without a default that compose would write into them, and those that it would write into `health`. */
  asks: string[]
  healthAsks: string[]
  /** A value is undefined where it comes from the environment of whoever calls compose. */
  environment: Map<string, string | undefined>
  envFiles: string[]
  /** `variable` is the one that says what is published; `address` is where alone, such as 127.0.0.1. */
  ports: { published?: number; target: number; variable?: string; address?: string }[]
  expose: number[]
  containerName?: string
  /** What is run in the container, as words. */
  health?: string[]
  volumes: { source?: string; target: string; options?: string }[]
  /** By service: what of it is waited for. */
  needs: Map<string, string>
  profiles: string[]
  secrets: string[]
  stopSignal?: string
  /** As compose writes it: `1m30s`. */
  stopGrace?: string
  user?: string
  /** What its build has beside the fields above, by key. */
  buildOthers: string[]
  /** What it has beside these, as it is written. */
  others: Map<string, unknown>
}

export interface ComposeFile {
  services: FileService[]
  /** Variables that somebody must set, and what for. */
  variables: Variables
  /** Every variable, also those with a default, and those that configs and secrets are taken from. */
  mentioned: string[]
  /** Files from which configs and secrets are taken. */
  givenFiles: string[]
  /** Of the project; absent where it is that of its folder. */
  name?: string
  /** Volumes that are called on the host as somebody has said, by what they are called here; `$NAME` where a variable says it. */
  volumeNames: Map<string, string>
}

/** @returns in words, why it cannot be read */
export function readComposeFile(text: string): ComposeFile | string {
  const document = parseDocument(text, { merge: true, prettyErrors: false })
  const [broken] = document.errors
  if (broken !== undefined) return broken.message
  const value: unknown = document.toJS({ maxAliasCount: 1000 })
  const parsed = File.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it has another form than a compose file'}`
  }
  const services = Object.entries(parsed.data.services).map(([name, service]) => serviceOf(name, service))
  const { volumes, secrets, configs } = parsed.data
  const given = [...Object.values(secrets ?? {}), ...Object.values(configs ?? {})]
  const name = filled(parsed.data.name)
  const project = name === undefined || name === '' || name.includes('$') ? undefined : name
  return {
    services,
    variables: variablesOf(parsed.data.services),
    mentioned: [
      ...new Set([
        ...mentioned([parsed.data.services, secrets, configs]).map((one) => one.name),
        ...given.flatMap((one) => one?.environment ?? []),
      ]),
    ],
    givenFiles: given.flatMap((one) => (one?.file === undefined ? [] : plainPath(filled(one.file)))),
    ...optional('name', project),
    volumeNames: volumeNamesOf(volumes ?? {}),
  }
}

function volumeNamesOf(volumes: Readonly<Record<string, z.infer<typeof Volume> | null>>): Map<string, string> {
  return new Map(
    Object.entries(volumes).flatMap(([key, of]): [string, string][] => {
      const external = of?.external
      const called =
        typeof external === 'object' ? (external.name ?? key) : /^(true|yes|on|y|\$.*)$/i.test(external ?? '') ? key : undefined
      const name = filled(of?.name ?? called)
      return name === undefined || name === '' ? [] : [[key, name]]
    }),
  )
}

function serviceOf(name: string, of: z.infer<typeof Service>): FileService {
  const { build, healthcheck } = of
  const health = healthcheck?.disable === true ? undefined : healthOf(healthcheck?.test)
  return {
    name,
    ...optional('image', filled(of.image)),
    ...(build === undefined
      ? {}
      : {
          build: {
            context: plainPath(filled(build.context) ?? '.'),
            dockerfile: plainPath(filled(build.dockerfile) ?? 'Dockerfile'),
            ...optional('target', filled(build.target)),
            args: Object.fromEntries([...pairs(build.args)].map(([key, value]) => [key, value ?? ''])),
          },
        }),
    ...optional('command', commandOf(of.command)),
    ...optional('entrypoint', commandOf(of.entrypoint)),
    asks: asked([of.command ?? [], of.entrypoint ?? []].flat()),
    healthAsks: asked(health ?? []),
    environment: pairs(of.environment),
    envFiles: [of.env_file ?? []].flat().map((one) => plainPath(filled(typeof one === 'string' ? one : one.path) ?? '')),
    ports: (of.ports ?? []).flatMap((one) => portOf(one)),
    expose: (of.expose ?? []).flatMap((one) => numberIn(one)),
    ...optional('containerName', filled(of.container_name)),
    ...optional('health', health?.map(ofContainer)),
    volumes: (of.volumes ?? []).flatMap((one) => mountOf(one)),
    needs: new Map(
      Array.isArray(of.depends_on)
        ? of.depends_on.map((one) => [one, 'service_started'])
        : Object.entries(of.depends_on ?? {}).map(([one, how]) => [one, how?.condition ?? 'service_started']),
    ),
    profiles: of.profiles ?? [],
    secrets: (of.secrets ?? []).flatMap((one) => (typeof one === 'string' ? one : (one.source ?? []))),
    ...optional('stopSignal', of.stop_signal),
    ...optional('stopGrace', of.stop_grace_period),
    ...optional('user', of.user),
    buildOthers: Object.keys(build ?? {}).filter((key) => !['context', 'dockerfile', 'target', 'args'].includes(key)),
    others: othersOf(of),
  }
}

function othersOf(of: z.infer<typeof Service>): Map<string, unknown> {
  const others = new Map(Object.entries(of).filter(([key]) => !Object.hasOwn(Service.shape, key)))
  // Written as a volume, and none.
  const inMemory = (of.volumes ?? []).flatMap((one) => (typeof one === 'object' && one.type === 'tmpfs' ? (one.target ?? []) : []))
  return inMemory.length === 0 ? others : others.set('tmpfs', [others.get('tmpfs') ?? [], inMemory].flat())
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key is not seen
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}

function pairs(of: z.infer<typeof listOrMap> | null | undefined): Map<string, string | undefined> {
  if (of === null || of === undefined) return new Map()
  if (!Array.isArray(of)) return new Map(Object.entries(of).map(([name, value]) => [name, filled(value ?? undefined)]))
  return new Map(
    of.map((entry) => {
      const [, name = entry, value] = /^([^=]+)=([\s\S]*)$/.exec(entry) ?? []
      return [name, filled(value)]
    }),
  )
}

function healthOf(test: string | string[] | undefined): string[] | undefined {
  if (typeof test === 'string') return ['sh', '-c', test]
  const [kind, ...rest] = test ?? []
  if (kind === 'CMD') return rest
  return kind === 'CMD-SHELL' && rest[0] !== undefined ? ['sh', '-c', rest[0]] : undefined
}

function portOf(entry: z.infer<typeof PortEntry>): FileService['ports'] {
  if (typeof entry !== 'string') {
    const [target] = numberIn(entry.target)
    const [published] = numberIn(filled(entry.published ?? ''))
    return target === undefined
      ? []
      : [
          {
            target,
            ...optional('published', published),
            ...optional('variable', variableOf(entry.published)),
            ...optional('address', ownAddress(filled(entry.host_ip))),
          },
        ]
  }
  const text = filled(entry)?.replace(/\/(tcp|udp)$/, '') ?? ''
  const [target] = numberIn(/(\d+)(-\d+)?$/.exec(text)?.[1] ?? '')
  const [published] = numberIn(/(?:^|:)(\d+)(?:-\d+)?:[^:]+$/.exec(text)?.[1] ?? '')
  const [, before] = /^(.+):[^:]+$/.exec(entry) ?? []
  const address = ownAddress(/^(\[[\da-f:]+\]|[\d.]+):\d*:\d/i.exec(text)?.[1])
  return target === undefined
    ? []
    : [{ target, ...optional('published', published), ...optional('variable', variableOf(before)), ...optional('address', address) }]
}

/** One of the host's addresses, where not all of them are meant. */
function ownAddress(address: string | undefined): string | undefined {
  return address === undefined || /^(0\.0\.0\.0|\[?::\]?)?$/.test(address) ? undefined : address
}

/** The variable that a text consists of, and nothing else. */
function variableOf(text: string | undefined): string | undefined {
  const [, braced, bare] = /^\$(?:\{(\w+)(?:[:?+-][^}]*)?\}|(\w+))$/.exec(text ?? '') ?? []
  return braced ?? bare
}

function numberIn(text: string): number[] {
  return /^\d+$/.test(text.replace(/\/\w+$/, '')) ? [Number.parseInt(text, 10)] : []
}

function mountOf(entry: string | z.infer<typeof Mount>): FileService['volumes'] {
  if (typeof entry !== 'string') {
    if (entry.target === undefined || entry.type === 'tmpfs') return []
    const options = entry.read_only === true ? { options: 'ro' } : {}
    return [{ target: entry.target, ...optional('source', filled(entry.source)), ...options }]
  }
  const [source = '', target, options] = (filled(entry) ?? '').split(':')
  return [target === undefined ? { target: source } : { source, target, ...optional('options', options) }]
}

function plainPath(path: string): string {
  return path.replace(/^(\.\/)+/, '').replace(/(.)\/+$/, '$1') || '.'
}

function commandOf(words: string | string[] | null | undefined): string[] | undefined {
  return typeof words === 'string' ? lineWords(ofContainer(words)) : words?.map(ofContainer)
}
