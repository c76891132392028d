import { entriesIn } from '../../core/objects.ts'
import { createHmac } from 'node:crypto'
import { Secret } from '../../core/secret.ts'
import type { Definition, Stack } from '../../core/stack.ts'
import { fillStack, type SwarmObject } from './objects.ts'

const releaseLabel = 'launchway.release'

/** By service: `name@sha256:…` or `name:tag@sha256:…`. */
export type Images = ReadonlyMap<string, string>

/** The newest form that the docker of every host we know takes: the oldest is 20.10. */
const version = '3.8'

/**
 * What `docker stack deploy` is given for a stack, but for the values of its variables.
 * @param only these services; all that keep running without
 */
export function stackFile(
  stack: Stack,
  { images, objects, release }: { images: Images; objects: readonly SwarmObject[]; release: string },
  only: readonly string[] = Object.keys(stack.services).filter((name) => !stack.once.includes(name)),
): Record<string, unknown> {
  const services = only.map((name) => [name, serviceOf(stack.services[name] ?? {}, images.get(name) ?? '', release)] as const)
  const used = (kind: 'configs' | 'secrets'): Set<string> => new Set(services.flatMap(([, definition]) => sourcesOf(definition[kind])))
  const kept = (kind: 'config' | 'secret'): Record<string, Definition> => {
    const wanted = used(`${kind}s`)
    const own = objects.filter((one) => one.kind === kind).map(({ key, name }) => [key, name] as const)
    const all = [...own, ...Object.entries(stack.external[`${kind}s`])]
    return Object.fromEntries(all.filter(([key]) => wanted.has(key)).map(([key, name]) => [key, { external: true, name }]))
  }
  return {
    version,
    services: Object.fromEntries(services),
    networks: stack.networks,
    volumes: stack.volumes,
    configs: kept('config'),
    secrets: kept('secret'),
  }
}

/** Its release stands on the service, not on its tasks: those of a service that is as before go on running. */
function serviceOf(definition: Definition, image: string, release: string): Definition {
  const deploy: Record<string, unknown> = entriesIn(definition['deploy'])
  return { ...definition, image, deploy: { ...deploy, labels: { ...entriesIn(deploy['labels']), [releaseLabel]: release } } }
}

function sourcesOf(grants: unknown): string[] {
  return Array.isArray(grants) ? grants.flatMap((one: { source?: unknown }) => (typeof one.source === 'string' ? [one.source] : [])) : []
}

/**
 * The file with the values of its variables, as text. Each service says what it is made of by a keyed hash, from which nobody
 * learns a value: by that the program on the manager sees which ones a release leaves as they are.
 */
export function filledFile(file: Readonly<Record<string, unknown>>, values: ReadonlyMap<string, Secret>, salt: string): Secret {
  const filled: Record<string, unknown> = entriesIn(fillStack(file, values))
  const services = Object.entries(entriesIn(filled['services'])).map(([name, one]) => {
    const definition = entriesIn(one)
    const deploy: Record<string, unknown> = entriesIn(definition['deploy'])
    const labels: Record<string, unknown> = entriesIn(deploy['labels'])
    const { [releaseLabel]: _, ...lasting } = labels
    const text = JSON.stringify({
      ...definition,
      deploy: { ...deploy, labels: lasting },
      objects: [...grants(definition, filled, 'configs'), ...grants(definition, filled, 'secrets')],
    })
    const content = createHmac('sha256', salt).update(text).digest('hex').slice(0, 16)
    return [name, { ...definition, deploy: { ...deploy, labels: { ...labels, 'launchway.content': content } } }] as const
  })
  return new Secret(JSON.stringify({ ...filled, services: Object.fromEntries(services) }))
}

/** With the names of the objects: another content is another service. */
function grants(definition: Definition, file: Readonly<Record<string, unknown>>, kind: 'configs' | 'secrets'): unknown[] {
  const objects: Record<string, unknown> = entriesIn(file[kind])
  return sourcesOf(definition[kind]).map((source) => [source, objects[source]])
}
