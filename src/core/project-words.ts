import type { Accessory, Environment, Service } from './deployment.ts'
import { parseReference } from './reference.ts'

/** A container of a compose project, for people. */
export interface ProjectRow {
  name: string
  /** What a release does with it. */
  kind: 'service' | 'once' | 'accessory'
  image: string
  /** When it starts, how it is reached, and what stops first. */
  how: string
}

/** What comes of a compose project, in the order in which it is started as far as that can be told; nothing without a project. */
export function projectRows(environment: Environment): ProjectRow[] {
  return environment.project === undefined ? [] : containerRows(environment)
}

/** The same of any environment. */
export function containerRows({ project, services, accessories }: Environment): ProjectRow[] {
  return [
    ...accessories.map((one): ProjectRow => ({
      name: one.name,
      kind: 'accessory',
      image: shortImage(one.image),
      how: ['keeps its data, and releases leave it alone', ...orderOf(one), ...holdsOf(one)].join('; '),
    })),
    ...services.map((one): ProjectRow => {
      const pulled = project !== undefined && Object.hasOwn(project.pulled, one.image) ? project.pulled[one.image] : undefined
      return {
        name: one.name,
        kind: one.once === true ? 'once' : 'service',
        image: pulled === undefined ? `${one.image} (built here)` : shortImage(pulled),
        how: [...whatOf(one), ...orderOf(one), ...wayIn(one), ...holdsOf(one), ...gapOf(one)].join('; '),
      }
    }),
  ]
}

function whatOf({ once, cron }: Service): string[] {
  if (once === true) return ['once for each release']
  return cron === undefined ? [] : [`started at ${cron}`]
}

const words = { started: '', healthy: ' is healthy', completed: ' has ended well' } as const

function orderOf({ after = [] }: Pick<Service, 'after'>): string[] {
  return after.length === 0 ? [] : [`after ${after.map(({ name, until }) => `${name}${words[until]}`).join(', ')}`]
}

function wayIn({ nginx, port, behind }: Service): string[] {
  if (behind !== undefined) return [`behind ${behind}`]
  return nginx === undefined ? [] : [`nginx leads ${nginx.serverNames.join(', ')}${nginx.path ?? ''} to its port ${port}`]
}

function holdsOf({ publish, port, ports = [] }: Service | Accessory): string[] {
  const all = [...(publish === undefined ? [] : [`${publish}:${port}`]), ...ports]
  return all.length === 0 ? [] : [`publishes ${all.join(', ')}`]
}

/** Why there is a moment without it. */
function gapOf({ publish, ports = [], overlap, once, cron }: Service): string[] {
  if (once === true || cron !== undefined) return []
  if (!overlap) return ['when it is replaced the old one stops first: two must not overlap']
  return publish === undefined && ports.length === 0 ? [] : ['when it is replaced the old one stops first: a port has one holder']
}

/** `postgres:15@sha256:1a2b3c4d5e6f` */
function shortImage(reference: string): string {
  const { repository, tag, digest } = parseReference(reference)
  return digest === undefined ? reference : `${repository}:${tag}@${digest.slice(0, 'sha256:'.length + 12)}`
}
