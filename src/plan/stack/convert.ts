import { entriesIn } from '../../core/objects.ts'
import { posix } from 'node:path'
import type { Content, Definition, Stack } from '../../core/stack.ts'
import { isOnce, withoutNull } from './deploy-block.ts'
import type { Mounted } from './mounts.ts'
import { type Note, Notes } from './note.ts'
import { convertService } from './service.ts'
import type { KeptShape, ProjectShape } from './shape.ts'

/** What the conversion needs beside the project. */
export interface Around {
  app: string
  environment: string
  /** Of the stack; the project was rendered under the same name. */
  name: string
  /** Absolute: where the repository is. */
  root: string
  /** What is at the paths below it that are mounted, by absolute path. */
  files: ReadonlyMap<string, Mounted>
  /** By service, the image of the plan that it runs. */
  built: ReadonlyMap<string, string>
}

/**
 * A rendered project as a stack of a Swarm: what `docker stack deploy` takes, which refuses what compose renders, and
 * overlooks what it does not know. Whatever is lost or changed on the way has a note.
 */
export function convert(project: ProjectShape, around: Around): { stack: Stack; notes: readonly Note[] } {
  const notes = new Notes()
  const { services } = project
  const volumes = volumesOf(project, around.name)
  const once = inOrder(
    Object.keys(services).filter((name) => isOnce(name, services[name] ?? {}, services)),
    services,
  )
  const shared = new Set(Object.entries(volumes).flatMap(([name, of]) => ('driver_opts' in of || of['driver'] !== undefined ? [name] : [])))
  const converted = Object.entries(services).map(([name, service]) => {
    const labels = { 'launchway.app': around.app, 'launchway.environment': around.environment, 'launchway.service': name }
    checkName(name, around.name, notes.of(name))
    return [name, convertService(name, service, { ...around, shared, once: once.includes(name), labels }, notes.of(name))] as const
  })
  const configs = keptOf(project.configs, around)
  const secrets = keptOf(project.secrets, around)
  for (const [, one] of converted) for (const [name, content] of one.configs) configs.content[name] = content
  const images: Stack['images'] = {}
  for (const [name, { image }] of Object.entries(services)) {
    const built = around.built.get(name)
    if (built !== undefined) images[name] = { built }
    else if (image !== undefined) images[name] = { pulled: image }
    else notes.of(name).refuse('build', 'nodes build nothing: name it under images of launchway.yml, with the same context and Dockerfile')
  }
  const networks = networksOf(project, around.name, notes)
  const stack: Stack = {
    services: Object.fromEntries(converted.map(([name, { definition }]) => [name, definition])),
    networks: networks.definitions,
    volumes,
    images,
    once,
    configs: configs.content,
    secrets: secrets.content,
    external: { networks: networks.external, configs: configs.external, secrets: secrets.external },
    variables: [],
  }
  const variables = variablesIn(stack)
  for (const [name, { definition }] of converted) tellSecrets(definition, notes.of(name))
  return { stack: { ...stack, variables }, notes: notes.all }
}

/** Swarm's names are those of hosts. */
function checkName(service: string, stack: string, notes: Notes): void {
  const name = `${stack}_${service}`
  if (name.length > 63)
    notes.refuse(`the name ${name} has ${name.length} characters`, 'Swarm takes 63: shorten it, or that of the stack with swarm.project')
  if (!/^[A-Za-z0-9]([-_]*[A-Za-z0-9]+)*$/.test(service)) notes.refuse('its name', 'Swarm takes letters, digits, "-" and "_", and no dot')
}

/** What a service is made of is shown by `docker service inspect` to everybody who may use a manager. */
function tellSecrets(definition: Definition, notes: Notes): void {
  const instead =
    'whoever may use a manager reads it with docker service inspect; what is secret is better handed over with secrets:, as a file'
  for (const [key, value] of Object.entries(definition)) {
    const isEnvironment = key === 'environment'
    const names = isEnvironment
      ? Object.entries(entriesIn(value)).flatMap(([name, one]) => (variablesIn(one).length > 0 ? [name] : []))
      : variablesIn(value)
    const what = isEnvironment ? `${names.join(', ')} in its environment` : `${names.join(', ')} in ${key}`
    if (names.length > 0) notes.warn(`${what} ${names.length === 1 ? 'comes' : 'come'} from the environment of the step`, instead)
  }
}

function keptOf(
  of: Readonly<Record<string, KeptShape | null>> | undefined,
  { root }: Around,
): { content: Record<string, Content>; external: Record<string, string> } {
  const content: Record<string, Content> = {}
  const external: Record<string, string> = {}
  for (const [name, one] of Object.entries(of ?? {})) {
    if (one === null) continue
    if (one.external === true) external[name] = one.name ?? name
    else if (one.environment !== undefined) content[name] = { kind: 'variable', name: one.environment }
    else if (one.content !== undefined) content[name] = { kind: 'text', text: one.content }
    else if (one.file !== undefined) content[name] = { kind: 'file', path: posix.relative(root, one.file) }
  }
  return { content, external }
}

function networksOf(
  { networks = {} }: ProjectShape,
  stack: string,
  notes: Notes,
): { definitions: Record<string, Definition>; external: string[] } {
  const external: string[] = []
  const definitions = Object.entries(networks).map(([key, one]): [string, Definition] => {
    const { name, driver, driver_opts: options, labels, internal, attachable, ipam } = one ?? {}
    if (one?.external === true) {
      external.push(name ?? key)
      return [key, { external: true, name: name ?? key }]
    }
    if (driver !== undefined && driver !== 'overlay' && driver !== 'default')
      notes.warn(`the network ${key} has the driver ${driver}`, 'it gets overlay, the one that spans nodes: leave the key out')
    const subnets = (ipam?.config ?? []).flatMap(({ subnet }) => (subnet === undefined ? [] : [{ subnet }]))
    return [
      key,
      withoutNull({
        driver: 'overlay',
        ...(name === undefined || name === `${stack}_${key}` ? {} : { name }),
        // Those of a bridge mean nothing to an overlay.
        driver_opts: driver === 'overlay' ? options : undefined,
        labels,
        internal,
        attachable,
        ipam: subnets.length === 0 ? undefined : { config: subnets },
      }),
    ]
  })
  return { definitions: Object.fromEntries(definitions), external }
}

function volumesOf({ volumes = {} }: ProjectShape, stack: string): Record<string, Definition> {
  return Object.fromEntries(
    Object.entries(volumes).map(([key, one]): [string, Definition] => {
      const { name, external, driver, driver_opts: options, labels } = one ?? {}
      if (external === true) return [key, { external: true, name: name ?? key }]
      return [key, withoutNull({ name: name === `${stack}_${key}` ? undefined : name, driver, driver_opts: options, labels })]
    }),
  )
}

/** Each after those whose end it waits for. */
function inOrder(names: readonly string[], services: ProjectShape['services']): string[] {
  const done: string[] = []
  const visit = (name: string): void => {
    if (done.includes(name)) return
    for (const needed of Object.keys(services[name]?.depends_on ?? {})) if (names.includes(needed)) visit(needed)
    done.push(name)
  }
  for (const name of names.toSorted()) visit(name)
  return done
}

/** Of the step that deploys, in all texts of a value. `$$` is a dollar sign. */
export function variablesIn(value: unknown): string[] {
  const text = JSON.stringify(value ?? '')
  return [...new Set([...text.matchAll(/\$(?:\$|\{(\w+)\})/g)].flatMap(([, name]) => name ?? []))].toSorted()
}
