import { entriesIn } from '../../core/objects.ts'
import type { Definition } from '../../core/stack.ts'
import type { Lack } from '../wanted.ts'
import type { SeenManager, Target } from './look.ts'
import type { SwarmNode } from './observation.ts'

/** What the cluster lacks for a stack, or has in its way. */
export function swarmLacks(
  { app, environment, swarm }: Target,
  { cluster }: Pick<SeenManager, 'cluster'>,
  platforms: ReadonlyMap<string, readonly string[]>,
): Lack[] {
  const { stack } = swarm
  if (stack === undefined) return []
  const lacks: Lack[] = []
  const foreign = cluster.services.filter(
    (one) => one.stack === swarm.name && (one.labels['launchway.app'] !== app || one.labels['launchway.environment'] !== environment.name),
  )
  if (foreign.length > 0) {
    const owner = foreign.find(({ labels }) => labels['launchway.app'] !== undefined)?.labels
    const names = foreign.map(({ name }) => name).join(', ')
    lacks.push({
      what:
        owner === undefined
          ? `a stack ${swarm.name} is there already, which launchway did not make: ${names}`
          : `the stack ${swarm.name} is that of ${owner['launchway.app']} in ${owner['launchway.environment'] ?? '?'}: ${names}`,
      hint: `Call this one otherwise with swarm.project. If it is the same one, hand it over, service by service, which starts nothing again: docker service update --label-add launchway.app=${app} --label-add launchway.environment=${environment.name} ${foreign[0]?.name ?? ''}`,
    })
  }
  for (const name of stack.external.networks) {
    const seen = cluster.networks.get(name)
    if (seen === undefined)
      lacks.push({ what: `there is no network ${name}, which is external`, hint: `docker network create --driver overlay ${name}` })
    else if (seen.scope !== 'swarm')
      lacks.push({
        what: `the network ${name} is of the one node ${name === seen.driver ? '' : `(driver ${seen.driver}) `}and not of the Swarm`,
        hint: 'Services need one that spans the nodes: remove it, then docker network create --driver overlay, or name another one.',
      })
  }
  for (const [name, seen] of cluster.networks) {
    if (stack.external.networks.includes(name) || seen === undefined) continue
    if (seen.scope !== 'swarm' || seen.stack !== swarm.name)
      lacks.push({
        what: `a network ${name} is there already, ${seen.scope === 'swarm' ? `of ${seen.stack === '' ? 'somebody else' : `the stack ${seen.stack}`}` : `of the one node (driver ${seen.driver})`}`,
        hint: 'Remove it, or call the stack otherwise with swarm.project.',
      })
  }
  for (const { kind, name } of cluster.lacks)
    lacks.push({ what: `there is no ${kind} ${name}, which is external`, hint: `docker ${kind} create ${name} FILE` })
  return [...lacks, ...portLacks(stack.services, swarm.name, cluster.services), ...platformLacks(stack.services, cluster.nodes, platforms)]
}

/** A port of the mesh is that of one service in the whole cluster. */
function portLacks(services: Readonly<Record<string, Definition>>, stack: string, running: SeenManager['cluster']['services']): Lack[] {
  return Object.entries(services).flatMap(([service, { ports }]) => {
    if (!Array.isArray(ports)) return []
    return ports.flatMap((one: { published?: number; protocol?: string; mode?: string }): Lack[] => {
      const holder = running.find(
        ({ name, stack: of, ports: held }) =>
          !(of === stack && name === `${stack}_${service}`) &&
          held.some(
            ({ port, protocol, mode }) =>
              port === one.published && protocol === (one.protocol ?? 'tcp') && (mode === 'ingress' || one.mode === 'ingress'),
          ),
      )
      // One of the same stack may be about to give it up.
      if (holder === undefined || holder.stack === stack) return []
      return [
        {
          what: `${service}: the port ${one.published} is published by the service ${holder.name}`,
          hint: 'In the mesh a port belongs to one service of the cluster: publish another one, or free that one.',
        },
      ]
    })
  })
}

const arches: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm/v7', armv6l: 'arm/v6', i686: '386' }

function platformOf({ os, arch }: SwarmNode): string {
  return `${os}/${arches[arch] ?? arch}`
}

/** A task is given to any node that its constraints allow, whatever its image is built for. */
function platformLacks(
  services: Readonly<Record<string, Definition>>,
  nodes: readonly SwarmNode[],
  platforms: ReadonlyMap<string, readonly string[]>,
): Lack[] {
  const active = nodes.filter(({ state, availability }) => state === 'ready' && availability === 'active')
  if (active.length === 0)
    return [
      {
        what: 'no node of the Swarm takes tasks',
        hint: 'docker node ls: they are down, drained or paused. docker node update --availability active NODE',
      },
    ]
  return Object.entries(services).flatMap(([service, { deploy }]) => {
    const built = platforms.get(service) ?? []
    const { placement } = entriesIn(deploy)
    const constraints: unknown = entriesIn(placement)['constraints']
    if (built.length === 0 || (Array.isArray(constraints) && constraints.some((one) => String(one).startsWith('node.')))) return []
    const unfit = active.filter((node) => !built.some((one) => one === platformOf(node) || one.startsWith(`${platformOf(node)}/`)))
    if (unfit.length === 0) return []
    return [
      {
        what: `${service}: ${unfit.map((node) => `${node.hostname} is ${platformOf(node)}`).join(', ')}, and the image is for ${built.join(', ')}`,
        hint: 'Build it for both (images.*.platforms), or say where it may run: deploy.placement.constraints: [node.platform.arch == x86_64]',
      },
    ]
  })
}
