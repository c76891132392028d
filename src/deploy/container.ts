import { each, option } from '../core/command.ts'
import type { Accessory, Service } from '../core/deployment.ts'
import { accessoryLabels, cronLabel, labels, type Slot } from '../core/names.ts'
import { keysOf } from '../core/objects.ts'
import { volumesOf } from './volumes.ts'

/** Whose container it is. */
export interface Owner {
  app: string
  environment: string
  release: string
  slot: Slot
  /** Where the host keeps what it mounts (volumes.ts). */
  folder?: string
  /** `boundsLogs` of what is wanted. */
  boundsLogs?: boolean | undefined
}

/** Thirty megabytes of a container, the last it has said: a host has few disks that end because of that. */
const bounded = { 'max-size': '10m', 'max-file': '3' }

/**
 * The arguments of `docker create` for a service: what follows the options that the host program sets itself (name,
 * restart policy). Values of secrets are not among them: `--env NAME` takes them from docker's own environment, since
 * `--env-file` loses newlines (kamal#1467).
 * @param slotAddress where nginx finds a service that it leads to
 */
export function containerArgs(service: Service, owner: Owner, image: string, slotAddress?: string): string[] {
  const own = [...ownLabels(service.name, owner), ...(service.cron === undefined ? [] : [`${cronLabel}=${service.cron}`])]
  const { folder, boundsLogs } = owner
  return serviceArgs(service, { image, folder, boundsLogs, publish: service.publish ?? slotAddress, labels: own, isOneOff: false })
}

/**
 * The same for one command in a container beside the service, with all that the service is made with: it publishes
 * nothing, no health check runs in it, and no name on a network leads to it.
 * @param own its labels, none of which makes it the service's
 * @param folder of the release
 */
export function oneOffArgs(service: Service, image: string, own: readonly string[], folder?: string): string[] {
  // Labels of the user's may make the service's container known to others: a proxy, a monitor.
  return serviceArgs({ ...service, labels: {}, ports: [] }, { image, folder, publish: undefined, labels: own, isOneOff: true })
}

/** By which the containers of a release are found. */
export function ownLabels(service: string, owner: Owner): string[] {
  const values = { ...owner, service }
  return keysOf(labels).map((key) => `${labels[key]}=${values[key]}`)
}

/** By its HEALTHCHECK: nobody waits for it, or something else takes its place. */
function isUnasked({ cron, once, health: { kind } }: Service): boolean {
  return cron !== undefined || once === true || kind === 'command' || kind === 'none'
}

function serviceArgs(service: Service, of: Omit<Around, 'rights'>): string[] {
  const rights = [
    // What ends by itself is asked nothing. docker takes no health check together with the word that there is none.
    ...((of.isOneOff || isUnasked(service)) && !service.options.some((word) => word.startsWith('--health-')) ? ['--no-healthcheck'] : []),
    ...each('--cap-add', service.capAdd),
    ...each('--cap-drop', service.capDrop),
    ...each('--group-add', service.groupAdd),
    ...(service.privileged ? ['--privileged'] : []),
    ...each('--device', service.devices),
  ]
  return argsOf(service, { ...of, rights })
}

/** The same for an accessory. @param configuration what it is started as, in JSON */
export function accessoryArgs(
  accessory: Accessory,
  owner: Pick<Owner, 'app' | 'environment' | 'folder' | 'boundsLogs'> & { contents?: string | undefined },
  configuration: string,
): string[] {
  const { name, publish, image } = accessory
  const own = [
    `${labels.app}=${owner.app}`,
    `${labels.environment}=${owner.environment}`,
    `${accessoryLabels.accessory}=${name}`,
    `${accessoryLabels.configuration}=${configuration}`,
    ...(owner.contents === undefined ? [] : [`${accessoryLabels.contents}=${owner.contents}`]),
  ]
  const { folder, boundsLogs } = owner
  return argsOf(accessory, { labels: own, publish, folder, boundsLogs, rights: [], image, isOneOff: false })
}

interface Around {
  labels: readonly string[]
  publish: string | undefined
  rights: readonly string[]
  image: string
  folder: string | undefined
  boundsLogs?: boolean | undefined
  isOneOff: boolean
}

function argsOf(of: Service | Accessory, { labels: own, publish, rights, image, folder, boundsLogs, isOneOff }: Around): string[] {
  const logging: NonNullable<Service['logging']> = of.logging ?? { options: boundsLogs === true ? bounded : {} }
  return [
    ...each('--label', [...Object.entries(of.labels).map(([key, value]) => `${key}=${value}`), ...own]),
    ...each('--env', [...Object.entries(of.env).map(([key, value]) => `${key}=${value}`), ...of.secrets]),
    ...(publish === undefined ? [] : ['--publish', `${publish}:${of.port}`]),
    ...each('--publish', of.ports ?? []),
    ...each('--volume', [...of.volumes, ...volumesOf(of, folder)]),
    ...of.networks
      .slice(0, 1)
      .flatMap((network) => ['--network', network, ...each('--network-alias', isOneOff ? [] : aliasesOn(network, of))]),
    ...option('--user', of.user),
    ...rights,
    ...option('--memory', of.memory),
    ...option('--cpus', of.cpus),
    ...option('--stop-signal', of.stopSignal),
    ...option('--stop-timeout', Math.ceil(of.stopTimeoutMs / 1000)),
    ...option('--log-driver', logging.driver),
    ...each(
      '--log-opt',
      Object.entries(logging.options).map(([key, value]) => `${key}=${value}`),
    ),
    ...(of.entrypoint === undefined ? [] : ['--entrypoint', of.entrypoint[0] ?? '']),
    ...of.options,
    image,
    ...(of.entrypoint ?? []).slice(1),
    ...(of.command ?? []),
  ]
}

/** The names by which others find a container on a network. Those that the engine brings know no names. */
export function aliasesOn(network: string, { name, aliases = {} }: Pick<Service, 'name' | 'aliases'>): string[] {
  if (['bridge', 'host', 'none', 'default'].includes(network) || network.startsWith('container:')) return []
  return [...new Set([name, ...(aliases[network] ?? [])])]
}
