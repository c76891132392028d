import { isAbsolute, relative } from 'node:path'
import { type ComposeProject, type ComposeService, keptIn } from '../tools/compose.ts'

/** With these a service runs the image that is here. */
export const staying: ReadonlySet<string | undefined> = new Set([undefined, 'missing', 'if_not_present', 'never'])
/** Drivers of logs that hand them to nobody. */
const quietLogs: ReadonlySet<string | undefined> = new Set([undefined, 'json-file', 'local', 'none'])
/** Mounts whose content is the stack's own, or is looked at. */
const ownMounts: ReadonlySet<string | undefined> = new Set(['bind', 'volume', 'tmpfs'])

/**
 * Keys of a service that reach nothing but the stack, or whose values are looked at below. What is not here may depend on
 * the machine (devices, privileges, runtimes), or is of a compose that this code does not know.
 */
const knownKeys: ReadonlySet<string> = new Set(
  `annotations attach build cap_add cap_drop command configs container_name cpu_count cpu_percent cpu_period cpu_quota cpu_shares cpus cpuset
  depends_on deploy develop dns dns_opt dns_search domainname entrypoint env_file environment expose extends external_links extra_hosts
  group_add healthcheck hostname image init ipc labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit
  network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop profiles pull_policy read_only
  restart scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits user volumes
  volumes_from working_dir`.split(/\s+/),
)
const knownParts: ReadonlySet<string> = new Set(['name', 'version', 'services', 'networks', 'volumes', 'secrets', 'configs'])

/**
 * What a stack may do differently although nothing that is looked at has changed; in words, undefined where there is nothing.
 * @param ours services that run an image of the release, whatever their files say of it
 * @param root the repository, absolute
 */
export function openingIn(project: ComposeProject, ours: ReadonlySet<string>, root: string): string | undefined {
  for (const [name, service] of Object.entries(project.services)) {
    const why = (ours.has(name) ? undefined : openImage(service)) ?? openKey(service) ?? openValue(service, root)
    if (why !== undefined) return `${name} ${why}`
  }
  return openPart(project)
}

/** Whether a path is not in that folder. */
export function outside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way.startsWith('..') || isAbsolute(way)
}

function openImage({ build, pull_policy: policy }: ComposeService): string | undefined {
  if (build !== undefined) return 'is built by compose'
  return staying.has(policy) ? undefined : 'is pulled each time'
}

function openKey(service: ComposeService): string | undefined {
  const key = Object.keys(service).find((one) => !knownKeys.has(one) && !one.startsWith('x-') && isSet(service[one]))
  return key === undefined ? undefined : `has ${key}, which may depend on the machine`
}

/** Compose writes some keys with nothing in them. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0)
}

function openValue(service: ComposeService, root: string): string | undefined {
  const { network_mode: network, pid, ipc, volumes = [], logging, extra_hosts: hosts, security_opt: options, deploy } = service
  const shared = [
    [network, /^(none|service:.*|container:.*)$/],
    [pid, /^(service:.*|container:.*)$/],
    [ipc, /^(none|private|shareable|service:.*|container:.*)$/],
  ] as const
  if (shared.some(([mode, own]) => mode !== undefined && mode !== '' && !own.test(mode))) return 'sees what else runs on the machine'
  for (const { type, source = '' } of volumes) {
    if (!ownMounts.has(type)) return `mounts what is of the type ${type ?? 'that is not named'}`
    if (type === 'bind' && outside(root, source)) return `mounts ${source}, which is not of the repository`
  }
  const host = textsIn(hosts).find((text) => !/[=:]\[?(127\.[\d.]+|::1|0\.0\.0\.0)\]?$/.test(text))
  if (host !== undefined) return `has the extra host ${host}, which is not of the stack`
  const option = textsIn(options).find((text) => !/^no-new-privileges([:=]true)?$/.test(text))
  if (option !== undefined) return `has the security option ${option}, which depends on the machine`
  if (!quietLogs.has(logging?.driver)) return `hands its log to ${logging?.driver}`
  return /"devices":\[[^\]]|"generic_resources"/.test(JSON.stringify(deploy ?? {})) ? 'has devices of the machine' : undefined
}

/** Of a list, or of a mapping as one compose or the other writes it. */
function textsIn(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.map(String)
  return Object.entries(value).flatMap(([name, of]) => [of].flat().map((one) => `${name}=${one}`))
}

function openPart(project: ComposeProject): string | undefined {
  const { networks = {}, volumes = {} } = project
  const part = Object.keys(project).find((one) => !knownParts.has(one) && !one.startsWith('x-'))
  if (part !== undefined) return `the project has ${part}, which may depend on the machine`
  for (const [name, volume] of Object.entries(volumes)) {
    if (volume !== null && 'driver_opts' in volume) return `the volume ${name} is made by a driver's options`
    if (![undefined, '', 'local'].includes(driverOf(volume))) return `the volume ${name} is made by the driver ${driverOf(volume)}`
  }
  for (const [name, network] of Object.entries(networks)) {
    if (![undefined, '', 'bridge', 'default'].includes(driverOf(network)))
      return `the network ${name} is made by the driver ${driverOf(network)}`
  }
  const external = keptIn(project).find(([, one]) => one.external === true)
  return external === undefined ? undefined : `${external[0]} is kept elsewhere`
}

function driverOf(of: Readonly<Record<string, unknown>> | null): string | undefined {
  return typeof of?.['driver'] === 'string' ? of['driver'] : undefined
}
