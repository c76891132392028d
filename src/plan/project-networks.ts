import type { DeployedNetwork, DeployedProject, DeployedService, DeployedVolume } from '../tools/compose-deployed.ts'
import type { Findings } from './project-findings.ts'

/** Where a container is found by others. */
export interface Networking {
  /** By their names on the host, in the order in which they are joined. */
  networks: string[]
  aliases: Record<string, string[]>
  options: string[]
  /** It has an address that no other may have. */
  isFixed: boolean
}

/** @param names further names of the service on each network, beside its own */
export function networkingOf(
  name: string,
  service: DeployedService,
  names: readonly string[],
  project: DeployedProject,
  found: Findings,
): Networking {
  const none: Networking = { networks: [], aliases: {}, options: [], isFixed: false }
  const { network_mode: mode } = service
  const refuse = (key: string, message: string): void => void found.refused.push({ path: ['services', name, key], message })
  if (mode !== undefined && mode !== '') {
    if (mode.startsWith('service:')) {
      refuse('network_mode', `the container of ${mode.slice('service:'.length)} is another after each release: give both a network`)
      return none
    }
    // In the network of the host two versions would listen at one port.
    return { ...none, networks: [mode], isFixed: mode === 'host' }
  }
  const joined = Object.entries(service.networks ?? {}).toSorted(([, one], [, other]) => rank(other) - rank(one) || 0)
  const options: string[] = []
  for (const [index, [key, how]] of joined.entries()) {
    const said = [
      ...(how?.ipv4_address ? [`--ip=${how.ipv4_address}`] : []),
      ...(how?.ipv6_address ? [`--ip6=${how.ipv6_address}`] : []),
      ...(how?.link_local_ips ?? []).map((one) => `--link-local-ip=${one}`),
      ...(how?.mac_address && service.mac_address === undefined ? [`--mac-address=${how.mac_address}`] : []),
    ]
    if (said.length > 0 && index > 0) refuse('networks', `it has a fixed address on more than one network (${key}): docker run gives one`)
    options.push(...said)
  }
  const hostNames = joined.map(([key]) => [key, project.networks?.[key]?.name ?? key] as const)
  const aliases = joined.map(
    ([key, how]) => [hostNames.find(([one]) => one === key)?.[1] ?? key, [...new Set([...names, ...(how?.aliases ?? [])])]] as const,
  )
  return {
    networks: hostNames.map(([, host]) => host),
    aliases: Object.fromEntries(aliases.filter(([, all]) => all.length > 0).map(([network, all]) => [network, [...all]])),
    options,
    isFixed: options.length > 0 || service.mac_address !== undefined,
  }
}

type Joined = NonNullable<DeployedService['networks']>[string]

/** What has a fixed address comes first, since docker run gives one there alone; then as compose has it. */
function rank(how: Joined): number {
  const isFixed = how?.ipv4_address !== undefined || how?.ipv6_address !== undefined || (how?.link_local_ips ?? []).length > 0
  return (isFixed ? 1e9 : 0) + (how?.priority ?? 0)
}

/**
 * Labels by which compose knows networks and volumes as its own: who goes back to `docker compose up` on a host finds them
 * there. Containers have none of them: to compose they would be orphans, which it removes.
 */
const labelOf = {
  project: 'com.docker.compose.project',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
} as const

/** The words after `docker network create`. */
export function networkOptions(key: string, network: DeployedNetwork, project: string): string[] {
  const { driver, driver_opts: opts, ipam, internal, attachable, enable_ipv6: ipv6, labels } = network
  return [
    ...(driver ? [`--driver=${driver}`] : []),
    ...eachPair('opt', opts),
    ...(ipam?.driver ? [`--ipam-driver=${ipam.driver}`] : []),
    ...eachPair('ipam-opt', ipam?.options),
    ...(ipam?.config ?? []).flatMap((one) => [
      ...(one.subnet ? [`--subnet=${one.subnet}`] : []),
      ...(one.ip_range ? [`--ip-range=${one.ip_range}`] : []),
      ...(one.gateway ? [`--gateway=${one.gateway}`] : []),
      ...eachPair('aux-address', one.aux_addresses),
    ]),
    ...(internal === true ? ['--internal'] : []),
    ...(attachable === true ? ['--attachable'] : []),
    ...(ipv6 === true ? ['--ipv6'] : []),
    ...eachPair('label', { ...labels, [labelOf.project]: project, [labelOf.network]: key }),
  ]
}

/** The words after `docker volume create`. */
export function volumeOptions(key: string, { driver, driver_opts: opts, labels }: DeployedVolume, project: string): string[] {
  return [
    ...(driver ? [`--driver=${driver}`] : []),
    ...eachPair('opt', opts),
    ...eachPair('label', { ...labels, [labelOf.project]: project, [labelOf.volume]: key }),
  ]
}

function eachPair(name: string, of: Readonly<Record<string, string | number | boolean>> | null | undefined): string[] {
  return Object.entries(of ?? {}).map(([key, value]) => `--${name}=${key}=${value}`)
}
