import { each, option } from '../core/command.ts'
import type { Service } from '../core/deployment.ts'
import { labels, type Slot } from '../core/names.ts'
import { keysOf } from '../core/objects.ts'

/** Whose container it is. */
export interface Owner {
  app: string
  environment: string
  release: string
  slot: Slot
}

/**
 * The arguments of `docker run` for a service: what follows the options that the host program sets itself (name,
 * restart policy). Values of secrets are not among them: `--env NAME` takes them from docker's own environment, since
 * `--env-file` loses newlines (kamal#1467).
 * @param slotAddress where nginx finds a service that it leads to
 */
export function containerArgs(service: Service, owner: Owner, image: string, slotAddress?: string): string[] {
  const publish = service.publish ?? slotAddress
  const ownLabels = { ...owner, service: service.name }
  return [
    ...each('--label', [
      ...Object.entries(service.labels).map(([key, value]) => `${key}=${value}`),
      ...keysOf(labels).map((key) => `${labels[key]}=${ownLabels[key]}`),
    ]),
    ...each('--env', [...Object.entries(service.env).map(([key, value]) => `${key}=${value}`), ...service.secrets]),
    ...(publish === undefined ? [] : ['--publish', `${publish}:${service.port}`]),
    ...each('--volume', service.volumes),
    ...each('--network', service.networks.slice(0, 1)),
    ...option('--user', service.user),
    ...each('--cap-add', service.capAdd),
    ...each('--cap-drop', service.capDrop),
    ...each('--group-add', service.groupAdd),
    ...(service.privileged ? ['--privileged'] : []),
    ...each('--device', service.devices),
    ...option('--memory', service.memory),
    ...option('--cpus', service.cpus),
    ...option('--stop-signal', service.stopSignal),
    ...option('--stop-timeout', Math.ceil(service.stopTimeoutMs / 1000)),
    ...(service.entrypoint === undefined ? [] : ['--entrypoint', service.entrypoint[0] ?? '']),
    ...service.options,
    image,
    ...(service.entrypoint ?? []).slice(1),
    ...(service.command ?? []),
  ]
}
