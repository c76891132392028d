import { resolveProject } from '../../config/resolve-project.ts'
import type { Environment } from '../../core/deployment.ts'
import { loneIn } from '../../tools/schedulers.ts'
import type { ComposeService } from '../compose-source.ts'
import type { Found, Rule, Where } from '../finding.ts'
import type { ImageSource } from '../image-source.ts'
import { imageOf, type Sources, startedIn } from '../sources.ts'
import { type StartLine, startOf } from '../starts.ts'

export const overlapRules: readonly Rule<Sources>[] = [
  {
    id: 'overlap',
    topic: 'configuration',
    severity: 'warning',
    looks:
      'schedulers and workers with a fixed name (celery beat, rq-scheduler, rqworker --name) that a deploy would start beside the old one, also of a compose project and of a stack, and several of them at once',
    why: 'For a while both versions run: jobs are scheduled twice, and a worker of a name that is taken refuses to start.',
    fix: 'Say overlap: false, so that the old one is stopped first; or overlap: true if two may run.',
    find: (sources) => [...ofServices(sources), ...sources.environments.flatMap((environment) => ofProject(environment, sources))],
  },
]

function ofServices(sources: Sources): Found[] {
  return startedIn(sources).flatMap(({ environment, service, start, at }) => {
    const said = sources.config.environments?.[environment.name]
    const own = said?.services?.[service.name] ?? said
    if (own?.overlap !== undefined || service.cron !== undefined || service.publish !== undefined) return []
    const lone = firstLone(start?.lines ?? [])
    return lone === undefined ? [] : [{ where: at(), what: `${service.name} runs ${lone}` }]
  })
}

/** Of a compose project, or of a stack. */
function ofProject({ name: environment, swarm }: Environment, sources: Sources): Found[] {
  const said = sources.config.environments?.[environment]
  const project = said === undefined ? undefined : resolveProject(said)
  const asked = swarm?.profiles ?? project?.profiles ?? []
  return mergedIn(environment, sources).flatMap(({ name, all, image }): Found[] => {
    const own = project?.services[name]
    const profiles = all.flatMap((one) => one.profiles)
    const isLeftOut = profiles.length > 0 && !profiles.some((profile) => asked.includes(profile))
    // What is not built here and keeps data is left alone by releases.
    const isData = own?.data ?? (swarm === undefined && image === undefined && all.some(({ keeps }) => keeps.length > 0))
    if (isLeftOut || isData || own?.overlap !== undefined || own?.cron !== undefined || own?.once === true) return []
    const { where, lines } = startsOf(all, image)
    const lone = firstLone(lines)
    if (lone === undefined) return []
    const count = lastOf(all, ({ replicas }) => replicas) ?? 1
    if (count > 1)
      return [{ where, what: `${name} runs ${lone}, in ${count} containers at once`, fix: 'Have one of it: deploy: { replicas: 1 }' }]
    const order = lastOf(all, (one) => one.order)
    if (swarm !== undefined)
      return order === 'start-first'
        ? [{ where, what: `${name} runs ${lone}`, fix: 'Have the old one stopped first: deploy: { update_config: { order: stop-first } }' }]
        : []
    // There both cannot be at once, and the old one is stopped first.
    const isAlone = all.some(({ networkMode, ports }) => networkMode === 'host' || ports.some(({ published }) => published !== undefined))
    return isAlone || order === 'stop-first' ? [] : [{ where, what: `${name} runs ${lone}`, fix: fixBeside(name, sources.file) }]
  })
}

function fixBeside(name: string, file: string): string {
  return `In ${file}, beside compose: services: { ${name}: { overlap: false } }, so that the old one is stopped first; or overlap: true if two may run.`
}

/** A service as all files of a project have it, the last that says something before the others. */
interface Merged {
  name: string
  all: readonly ComposeService[]
  /** Of the repository, where it is built here. */
  image: ImageSource | undefined
}

function mergedIn(environment: string, { compose, images }: Sources): Merged[] {
  const own = compose
    .filter(({ environments }) => environments.includes(environment))
    .flatMap((source) => source.services.map((service) => ({ service, image: imageOf(service, source, images) })))
  return [...Map.groupBy(own, ({ service }) => service.name)].map(([name, parts]) => ({
    name,
    all: parts.map(({ service }) => service),
    image: lastOf(parts, ({ image }) => image),
  }))
}

/** What it starts, with the lines of the scripts of its image. */
function startsOf(all: readonly ComposeService[], image: ImageSource | undefined): { where: Where; lines: readonly StartLine[] } {
  const entrypoint = lastOf(all, ({ starts }) => starts.entrypoint)
  const command = lastOf(all, ({ starts }) => starts.command)
  const key = command === undefined ? 'entrypoint' : 'command'
  const says = all.findLast(({ starts }) => starts[key] !== undefined) ?? all.at(-1)
  const where = says?.at(...(says.starts[key] === undefined ? [] : [key])) ?? { file: '' }
  if (image === undefined) return { where, lines: [{ text: [...(entrypoint ?? []), ...(command ?? [])].join(' '), where }] }
  const own = { ...(entrypoint === undefined ? {} : { entrypoint }), ...(command === undefined ? {} : { command }) }
  return { where, lines: startOf(image, own, where)?.lines ?? [] }
}

function lastOf<Of, Said>(all: readonly Of[], said: (one: Of) => Said | undefined): Said | undefined {
  return all.map(said).findLast((one) => one !== undefined)
}

function firstLone(lines: readonly StartLine[]): string | undefined {
  return lines.map(({ text }) => loneIn(text.split(/\s+/))?.what).find((what) => what !== undefined)
}
