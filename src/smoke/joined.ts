import { LaunchwayError } from '../core/error.ts'
import type { ComposeProject, ComposeService } from '../tools/compose.ts'
import { allNeeds } from './order.ts'
import { firstContainer } from './own-service.ts'

/**
 * What shares the network, the processes or the files of a container by its name, or links to it, shares those of its
 * service.
 * @throws LaunchwayError CONFIG_INVALID for a circle, which compose does not see where containers are named
 */
export function joined({ name: project = '', services }: ComposeProject): ComposeProject['services'] {
  const entries = Object.entries(services)
  const containers = new Map(entries.map(([name, { container_name: fixed = firstContainer(project, name) }]) => [fixed, name] as const))
  const of = (text: string, prefix: string): string => {
    const [, name = '', mode = ''] = /^container:([^:]+)(:.*)?$/.exec(text) ?? []
    const known = containers.get(name)
    return known === undefined ? text : `${prefix}${known}${mode}`
  }
  const changed = entries.map(([name, service]): [string, ComposeService] => {
    const { network_mode: network, pid, ipc, volumes_from: from, external_links: external, links = [], ...rest } = service
    const linked = (external ?? []).map((link) => {
      const [container = '', alias = container] = link.split(':')
      return `${containers.get(container) ?? container}:${alias}`
    })
    return [
      name,
      {
        ...rest,
        ...(network === undefined ? {} : { network_mode: of(network, 'service:') }),
        ...(pid === undefined ? {} : { pid: of(pid, 'service:') }),
        ...(ipc === undefined ? {} : { ipc: of(ipc, 'service:') }),
        ...(from === undefined ? {} : { volumes_from: from.map((one) => of(one, '')) }),
        ...(links.length + linked.length === 0 ? {} : { links: [...links, ...linked] }),
      },
    ]
  })
  const result = Object.fromEntries(changed)
  const circle = [...allNeeds(result)].flatMap(([name, needs]) => (needs.has(name) ? [name] : []))
  if (circle.length === 0) return result
  throw new LaunchwayError('CONFIG_INVALID', `the services ${circle.join(', ')} need each other's containers`, {
    hint: 'None of them could start first: let one of them have a network, processes and volumes of its own.',
  })
}
