import { quote } from '../core/command.ts'
import { durationMs } from '../tools/compose.ts'
import type { BlockIo, Checked, DeployedService, Device } from '../tools/compose-deployed.ts'

/** Keys of compose as options of `docker run`, each one word. Those that have a field of their own are not here. */

type Key = keyof DeployedService

/** The value as it is. */
const plain: Readonly<Partial<Record<Key, string>>> = {
  cgroup: 'cgroupns',
  cgroup_parent: 'cgroup-parent',
  cpu_count: 'cpu-count',
  cpu_percent: 'cpu-percent',
  cpu_period: 'cpu-period',
  cpu_quota: 'cpu-quota',
  cpu_rt_period: 'cpu-rt-period',
  cpu_rt_runtime: 'cpu-rt-runtime',
  cpu_shares: 'cpu-shares',
  cpuset: 'cpuset-cpus',
  domainname: 'domainname',
  hostname: 'hostname',
  ipc: 'ipc',
  isolation: 'isolation',
  mac_address: 'mac-address',
  mem_reservation: 'memory-reservation',
  mem_swappiness: 'memory-swappiness',
  memswap_limit: 'memory-swap',
  oom_score_adj: 'oom-score-adj',
  pid: 'pid',
  pids_limit: 'pids-limit',
  platform: 'platform',
  runtime: 'runtime',
  shm_size: 'shm-size',
  userns_mode: 'userns',
  uts: 'uts',
  working_dir: 'workdir',
}
/** An option for each. */
const lists: Readonly<Partial<Record<Key, string>>> = {
  device_cgroup_rules: 'device-cgroup-rule',
  dns: 'dns',
  dns_opt: 'dns-option',
  dns_search: 'dns-search',
  expose: 'expose',
  external_links: 'link',
  security_opt: 'security-opt',
  tmpfs: 'tmpfs',
}
/** An option for each, as `name=value`. */
const maps: Readonly<Partial<Record<Key, string>>> = { annotations: 'annotation', storage_opt: 'storage-opt', sysctls: 'sysctl' }
/** A switch. */
const switches: Readonly<Partial<Record<Key, string>>> = {
  init: 'init',
  oom_kill_disable: 'oom-kill-disable',
  read_only: 'read-only',
  stdin_open: 'interactive',
  tty: 'tty',
}

/** What of a service has no field of its own in a release. */
export function optionsOf(service: DeployedService): string[] {
  const limits = service.deploy?.resources?.limits
  const reserved = service.deploy?.resources?.reservations
  // Where both ways say it, compose takes that of deploy.
  const merged: DeployedService = {
    ...service,
    ...(limits?.pids === undefined ? {} : { pids_limit: limits.pids }),
    ...(reserved?.memory === undefined ? {} : { mem_reservation: reserved.memory }),
  }
  const of = (table: Readonly<Partial<Record<Key, string>>>, values: (value: unknown) => string[]): string[] =>
    Object.entries(table).flatMap(([key, name]) => values(merged[key]).map((value) => `--${name}${value}`))
  return [
    ...of(plain, (value) => (isSaid(value) ? [`=${value}`] : [])),
    ...of(lists, (value) => (Array.isArray(value) ? value.map((one) => `=${one}`) : [])),
    ...of(maps, (value) => pairs(value).map(([name, one]) => `=${name}=${one}`)),
    ...of(switches, (value) => (typeof value === 'boolean' ? [value ? '' : '=false'] : [])),
    ...hosts(service).map((host) => `--add-host=${host}`),
    ...Object.entries(service.ulimits ?? {}).map(
      ([name, limit]) => `--ulimit=${name}=${typeof limit === 'number' ? limit : `${limit.soft}:${limit.hard}`}`,
    ),
    ...blockIo(service.blkio_config ?? {}),
    ...[...(service.gpus ?? []), ...(reserved?.devices ?? [])].map((device) => `--gpus=${gpus(device)}`),
    ...healthOptions(service.healthcheck ?? undefined),
  ]
}

function isSaid(value: unknown): value is string | number | boolean {
  return typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value !== '')
}

function pairs(value: unknown): [string, string][] {
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).map(([name, one]) => [name, String(one ?? '')])
}

/** Before Docker 25 an address follows a colon. */
function hosts({ extra_hosts: said }: DeployedService): string[] {
  if (said === null || said === undefined) return []
  const each = Array.isArray(said)
    ? said
    : Object.entries(said).flatMap(([name, addresses]) => [addresses].flat().map((one) => `${name}=${one}`))
  return each.map((one) => one.replace('=', ':'))
}

function blockIo(of: BlockIo): string[] {
  const throttles = ['device_read_bps', 'device_read_iops', 'device_write_bps', 'device_write_iops'] as const
  return [
    ...(of.weight === undefined || Number(of.weight) === 0 ? [] : [`--blkio-weight=${of.weight}`]),
    ...(of.weight_device ?? []).map((one) => `--blkio-weight-device=${one.Path ?? one.path}:${one.Weight ?? one.weight}`),
    ...throttles.flatMap((key) =>
      (of[key] ?? []).map((one) => `--${key.replaceAll('_', '-')}=${one.Path ?? one.path}:${one.Rate ?? one.rate}`),
    ),
  ]
}

/** As `docker run --gpus` takes it: fields with commas between, one with a comma in it between quotes. */
function gpus({ driver, count, device_ids: ids, capabilities, options }: Device): string {
  const all = Number(count ?? -1) === -1 ? 'all' : String(count)
  // That it is a GPU goes without saying.
  const others = (capabilities ?? []).filter((one) => one !== 'gpu')
  const more = Object.entries(options ?? {}).map(([name, value]) => `${name}=${value}`)
  const fields = [
    (ids ?? []).length > 0 ? `device=${(ids ?? []).join(',')}` : `count=${all}`,
    ...(driver === undefined || driver === '' ? [] : [`driver=${driver}`]),
    ...(others.length === 0 ? [] : [`capabilities=${others.join(',')}`]),
    ...(more.length === 0 ? [] : [`options=${more.join(',')}`]),
  ]
  return fields.map((field) => (field.includes(',') ? `"${field.replaceAll('"', '""')}"` : field)).join(',')
}

/** A list of words becomes a line of a shell: `docker run` has no other way. */
function healthOptions(check: Checked | undefined): string[] {
  if (check === undefined) return []
  const [kind, ...rest] = check.test ?? []
  if (check.disable === true || kind === 'NONE') return ['--no-healthcheck']
  const line = kind === 'CMD' ? rest.map(quote).join(' ') : kind === 'CMD-SHELL' ? rest.join(' ') : undefined
  return [
    ...(line === undefined ? [] : [`--health-cmd=${line}`]),
    ...(['interval', 'timeout', 'start_period', 'start_interval'] as const).flatMap((key) =>
      check[key] === undefined ? [] : [`--health-${key.replace('_', '-')}=${check[key]}`],
    ),
    ...(check.retries === undefined ? [] : [`--health-retries=${check.retries}`]),
  ]
}

/** The least that anybody waits for a container to be well, in milliseconds. */
const leastMs = 60_000

/** How long a container may take until the engine calls it unhealthy, in milliseconds. */
export function patienceMs(check: Checked | null | undefined): number {
  if (check === null || check === undefined || check.disable === true) return leastMs
  const { start_period = '0s', interval = '30s', timeout = '30s', retries = 3 } = check
  return Math.max(leastMs, durationMs(start_period) + retries * (durationMs(interval) + durationMs(timeout)))
}
