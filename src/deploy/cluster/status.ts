import type { Ports } from '../../core/ports.ts'
import { heldWords } from '../held.ts'
import type { Answer, Target } from '../operate/hosts.ts'
import { type SeenService, type SeenStack, stackOf, throughManager } from './stack.ts'

/** What a stack runs and on which nodes, by the words of the first manager that answers. */
export async function status(target: Target, ports: Ports): Promise<Answer> {
  const { host, seen } = await throughManager(target, undefined, async (remote, found) => ({ host: remote.host, seen: found }), ports)
  return { text: `${showStack(stackOf(target), host, seen).join('\n')}\n`, json: toJson(stackOf(target), host, seen) }
}

function toJson(stack: string, host: string, { nodes, services, releases, held }: SeenStack): unknown {
  const [current, previous] = releases
  return {
    stack,
    by: host,
    ...(current === undefined ? {} : { current: current.release, version: current.version }),
    ...(previous === undefined ? {} : { previous: previous.release }),
    ...(held === undefined ? {} : { held }),
    services: services.map(({ service, mode, running, wanted, image, ports, release, stoppedFrom, update, updateSaid, tasks }) => ({
      ...{ service, mode, running, wanted, image, ports },
      ...(release === undefined ? {} : { release }),
      ...(stoppedFrom === undefined ? {} : { stoppedFrom }),
      ...(update === '' ? {} : { update: { state: update, message: updateSaid } }),
      tasks: tasks.map(({ name, id, node, wanted: meant, state, since, error }) => ({
        name,
        id,
        node,
        wanted: meant,
        state,
        since,
        error,
      })),
    })),
    nodes: nodes.map(toNode),
  }
}

function toNode({ ID, Hostname, Status, Availability, ManagerStatus, EngineVersion }: SeenStack['nodes'][number]): Record<string, string> {
  return {
    ...{ node: ID, hostname: Hostname, state: Status.toLowerCase(), availability: Availability.toLowerCase() },
    ...{ role: ManagerStatus === '' ? 'worker' : 'manager', manager: ManagerStatus.toLowerCase(), engine: EngineVersion },
  }
}

function showStack(stack: string, host: string, seen: SeenStack): string[] {
  const { nodes, services, releases, held } = seen
  const [current, previous] = releases
  const called = ({ release, version }: { release: string; version: string }): string =>
    version === '' ? `release ${release}` : `${version} (release ${release})`
  const runs = services.length === 0 ? 'nothing runs here' : current === undefined ? 'of no release of launchway' : called(current)
  const managers = nodes.filter(({ ManagerStatus }) => ManagerStatus !== '')
  const there = managers.filter(({ ManagerStatus }) => ManagerStatus !== 'Unreachable').length
  return [
    `stack ${stack}: ${runs}${previous === undefined ? '' : `, before ${called(previous)}`} (asked at ${host})`,
    ...(held === undefined ? [] : [`  locked by ${heldWords(held)} (launchway unlock lets deploys through again)`]),
    ...services.flatMap((one) => showService(one, current?.release)),
    `swarm: ${nodes.length} nodes, ${there} of ${managers.length} managers there`,
    ...nodes.map(({ Hostname, Status, Availability, ManagerStatus, EngineVersion }) => {
      const role =
        ManagerStatus === ''
          ? 'worker'
          : ManagerStatus === 'Unreachable'
            ? 'manager, unreachable'
            : `manager, ${ManagerStatus.toLowerCase()}`
      const tasks = services.flatMap((one) => one.tasks).filter(({ node, state }) => node === Hostname && state === 'running').length
      const availability = Availability === 'Active' ? '' : `  ${Availability.toLowerCase()} (launchway activate ${Hostname})`
      return `  ${Hostname.padEnd(12)} ${Status.toLowerCase()}  ${role}  ${tasks} tasks of this stack  Docker ${EngineVersion}${availability}`
    }),
  ]
}

function showService(of: SeenService, current: string | undefined): string[] {
  const { service, running, wanted, image, ports, release, stoppedFrom, update, updateSaid, tasks } = of
  const rest = [
    image,
    ...(release === undefined || release === current ? [] : [`of release ${release}`]),
    ...(ports === '' ? [] : [ports]),
    ...(update === '' || update === 'completed' ? [] : [`${update}${updateSaid === '' ? '' : `: ${updateSaid}`}`]),
    ...(stoppedFrom === undefined ? [] : [`stopped (launchway start ${service}: ${stoppedFrom} again)`]),
  ]
  return [
    `  ${service.padEnd(12)} ${running}/${wanted}  ${rest.join('  ')}`,
    ...(running === wanted ? [] : lastErrors(tasks).map((line) => `    ${line}`)),
  ]
}

/** Why tasks do not run: the last of each place, and where it was. */
export function lastErrors(tasks: SeenService['tasks']): string[] {
  const failed = tasks.filter(({ error }) => error !== '')
  const lasts = failed.filter(({ name }, index) => failed.findIndex((one) => one.name === name) === index)
  return lasts.slice(0, 5).map(({ name, node, since, error }) => `${name}${node === '' ? '' : ` on ${node}`}: ${since}: ${error}`)
}
