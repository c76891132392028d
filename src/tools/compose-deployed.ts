import { z } from 'zod'

/**
 * A service of a rendered project with all that a container can be given. What is not named here is not known, and is
 * refused by name. Other than in `compose.ts` nothing is left open: what is translated must be understood.
 */
const scalar = z.union([z.string(), z.number(), z.boolean()])
const number = z.union([z.string(), z.number()])
const texts = z.record(z.string(), z.string().nullable())
const words = z.array(z.string()).nullish()
const list = z.array(z.string()).nullish()
/** An extension of a mapping inside of a service. */
const open = z.looseObject

const Attached = open({
  aliases: z.array(z.string()).nullish(),
  ipv4_address: z.string().optional(),
  ipv6_address: z.string().optional(),
  link_local_ips: list,
  mac_address: z.string().optional(),
  priority: z.number().optional(),
})
export const Mounted = open({
  type: z.string(),
  source: z.string().optional(),
  target: z.string(),
  read_only: z.boolean().optional(),
  bind: open({ propagation: z.string().optional(), selinux: z.string().optional(), create_host_path: z.boolean().optional() }).nullish(),
  volume: open({ nocopy: z.boolean().optional(), subpath: z.string().optional() }).nullish(),
  tmpfs: open({ size: number.optional(), mode: number.optional() }).nullish(),
})
export type Mounted = z.infer<typeof Mounted>
export const Published = open({
  target: z.int(),
  published: z.string().optional(),
  protocol: z.string().optional(),
  host_ip: z.string().optional(),
})
export type Published = z.infer<typeof Published>
/** A config or a secret in a container. */
export const Given = open({
  source: z.string(),
  target: z.string().optional(),
  uid: z.string().optional(),
  gid: z.string().optional(),
  mode: number.optional(),
})
export type Given = z.infer<typeof Given>
export const Checked = open({
  test: z.array(z.string()).nullish(),
  interval: z.string().optional(),
  timeout: z.string().optional(),
  retries: z.number().optional(),
  start_period: z.string().optional(),
  start_interval: z.string().optional(),
  disable: z.boolean().optional(),
})
export type Checked = z.infer<typeof Checked>
const Device = open({
  capabilities: list,
  driver: z.string().optional(),
  count: number.optional(),
  device_ids: list,
  options: z.record(z.string(), z.string()).nullish(),
})
export type Device = z.infer<typeof Device>
const Throttle = open({ Path: z.string().optional(), path: z.string().optional(), Rate: number.optional(), rate: number.optional() })
const Weight = open({ Path: z.string().optional(), path: z.string().optional(), Weight: number.optional(), weight: number.optional() })
export const BlockIo = open({
  weight: number.optional(),
  weight_device: z.array(Weight).nullish(),
  device_read_bps: z.array(Throttle).nullish(),
  device_read_iops: z.array(Throttle).nullish(),
  device_write_bps: z.array(Throttle).nullish(),
  device_write_iops: z.array(Throttle).nullish(),
})
export type BlockIo = z.infer<typeof BlockIo>
const Deploy = open({
  mode: z.string().optional(),
  replicas: z.int().optional(),
  update_config: open({ order: z.string().optional() }).nullish(),
  restart_policy: open({ condition: z.string().optional(), max_attempts: z.int().optional() }).nullish(),
  resources: open({
    limits: open({ cpus: number.optional(), memory: number.optional(), pids: z.int().optional() }).nullish(),
    reservations: open({ memory: number.optional(), devices: z.array(Device).nullish() }).nullish(),
  }).nullish(),
})

const DeployedSchema = z.looseObject({
  annotations: texts.nullish(),
  attach: z.unknown().optional(),
  blkio_config: BlockIo.nullish(),
  build: z.looseObject({}).nullish(),
  cap_add: list,
  cap_drop: list,
  cgroup: z.string().optional(),
  cgroup_parent: scalar.optional(),
  command: words,
  configs: z.array(Given).nullish(),
  container_name: z.string().optional(),
  cpu_count: scalar.optional(),
  cpu_percent: scalar.optional(),
  cpu_period: scalar.optional(),
  cpu_quota: scalar.optional(),
  cpu_rt_period: scalar.optional(),
  cpu_rt_runtime: scalar.optional(),
  cpu_shares: scalar.optional(),
  cpus: number.optional(),
  cpuset: scalar.optional(),
  depends_on: z
    .record(z.string(), open({ condition: z.string().optional(), required: z.boolean().optional(), restart: z.boolean().optional() }))
    .nullish(),
  deploy: Deploy.nullish(),
  develop: z.unknown().optional(),
  device_cgroup_rules: list,
  devices: z
    .array(z.union([z.string(), open({ source: z.string(), target: z.string().optional(), permissions: z.string().optional() })]))
    .nullish(),
  dns: list,
  dns_opt: list,
  dns_search: list,
  domainname: z.string().optional(),
  entrypoint: words,
  environment: texts.nullish(),
  expose: z.array(scalar).nullish(),
  external_links: list,
  extra_hosts: z.union([z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]).nullish(),
  gpus: z.array(Device).nullish(),
  group_add: z.array(scalar).nullish(),
  healthcheck: Checked.nullish(),
  hostname: z.string().optional(),
  image: z.string().optional(),
  init: z.boolean().nullish(),
  ipc: z.string().optional(),
  isolation: z.string().optional(),
  labels: z.record(z.string(), z.string()).nullish(),
  links: list,
  logging: open({ driver: z.string().optional(), options: z.record(z.string(), scalar.nullable()).nullish() }).nullish(),
  mac_address: z.string().optional(),
  mem_limit: scalar.optional(),
  mem_reservation: scalar.optional(),
  mem_swappiness: scalar.optional(),
  memswap_limit: scalar.optional(),
  network_mode: z.string().optional(),
  networks: z.record(z.string(), Attached.nullable()).nullish(),
  oom_kill_disable: z.boolean().optional(),
  oom_score_adj: scalar.optional(),
  pid: z.string().optional(),
  pids_limit: scalar.optional(),
  platform: z.string().optional(),
  ports: z.array(Published).nullish(),
  privileged: z.boolean().optional(),
  profiles: z.unknown().optional(),
  pull_policy: z.unknown().optional(),
  read_only: z.boolean().optional(),
  restart: z.string().optional(),
  runtime: z.string().optional(),
  scale: z.int().nullish(),
  secrets: z.array(Given).nullish(),
  security_opt: list,
  shm_size: scalar.optional(),
  stdin_open: z.boolean().optional(),
  stop_grace_period: z.string().optional(),
  stop_signal: z.string().optional(),
  storage_opt: z.record(z.string(), z.string()).nullish(),
  sysctls: z.record(z.string(), scalar).nullish(),
  tmpfs: list,
  tty: z.boolean().optional(),
  ulimits: z.record(z.string(), z.union([z.number(), open({ soft: z.number(), hard: z.number() })])).nullish(),
  user: z.string().optional(),
  userns_mode: z.string().optional(),
  uts: z.string().optional(),
  volumes: z.array(Mounted).nullish(),
  volumes_from: list,
  working_dir: z.string().optional(),
})
export type DeployedService = z.infer<typeof DeployedSchema>
const known = new Set(Object.keys(DeployedSchema.shape))

const Network = z.looseObject({
  name: z.string(),
  external: z.boolean().optional(),
  driver: z.string().optional(),
  driver_opts: z.record(z.string(), scalar).nullish(),
  ipam: open({
    driver: z.string().optional(),
    config: z
      .array(
        open({
          subnet: z.string().optional(),
          gateway: z.string().optional(),
          ip_range: z.string().optional(),
          aux_addresses: z.record(z.string(), z.string()).nullish(),
        }),
      )
      .nullish(),
    options: z.record(z.string(), z.string()).nullish(),
  }).nullish(),
  internal: z.boolean().optional(),
  attachable: z.boolean().optional(),
  enable_ipv6: z.boolean().optional(),
  labels: z.record(z.string(), z.string()).nullish(),
})
export type DeployedNetwork = z.infer<typeof Network>
const Volume = z.looseObject({
  name: z.string(),
  external: z.boolean().optional(),
  driver: z.string().optional(),
  driver_opts: z.record(z.string(), scalar).nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
})
export type DeployedVolume = z.infer<typeof Volume>
const Kept = z.looseObject({
  file: z.string().optional(),
  environment: z.string().optional(),
  content: z.string().optional(),
  external: z.boolean().optional(),
})
export type Kept = z.infer<typeof Kept>

/** Where the override that a plan adds puts the `env_file` of services: interpolated, and read by nobody. */
export const envFilesKey = 'x-launchway-env-files'
const EnvFiles = z.array(z.object({ path: z.string(), required: z.boolean() }))

export const DeployedProject = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), DeployedSchema),
  networks: z.record(z.string(), Network).nullish(),
  volumes: z.record(z.string(), Volume).nullish(),
  secrets: z.record(z.string(), Kept).nullish(),
  configs: z.record(z.string(), Kept).nullish(),
  [envFilesKey]: z.record(z.string(), EnvFiles).optional(),
})
export type DeployedProject = z.infer<typeof DeployedProject>

/** Keys of a service that no launchway of this version understands. */
export function unknownKeys(service: DeployedService): string[] {
  return Object.keys(service).filter((key) => !known.has(key) && !key.startsWith('x-'))
}

/** The same project as it is meant: every dollar sign once. */
export function withoutEscapes(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$$', '$')
  if (Array.isArray(value)) return value.map(withoutEscapes)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutEscapes(inner)]))
}

/** As written: which services have files of variables. */
export const WrittenServices = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      profiles: list,
      env_file: z.array(z.union([z.string(), z.looseObject({ path: z.string(), required: z.boolean().optional() })])).nullish(),
    }),
  ),
})
