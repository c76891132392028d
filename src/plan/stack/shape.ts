import { z } from 'zod'

/** What the conversion reads of a project, in the form that `docker compose config --format json` gives it. */

const Texts = z.record(z.string(), z.string().nullable())

const PortShape = z.looseObject({
  mode: z.string().optional(),
  target: z.int(),
  published: z.string().optional(),
  protocol: z.string().optional(),
  host_ip: z.string().optional(),
})

export const MountShape = z.looseObject({
  type: z.string(),
  source: z.string().optional(),
  target: z.string(),
  read_only: z.boolean().optional(),
  bind: z.looseObject({ propagation: z.string().optional() }).nullish(),
  volume: z.looseObject({ nocopy: z.boolean().optional(), subpath: z.string().optional() }).nullish(),
  tmpfs: z.looseObject({ size: z.union([z.string(), z.number()]).optional(), mode: z.number().optional() }).nullish(),
})
export type MountShape = z.infer<typeof MountShape>

/** A config or a secret in a service. */
const GrantShape = z.looseObject({
  source: z.string(),
  target: z.string().optional(),
  uid: z.string().optional(),
  gid: z.string().optional(),
  mode: z.union([z.number(), z.string()]).optional(),
})

const Resources = z.looseObject({
  cpus: z.union([z.number(), z.string()]).optional(),
  memory: z.string().optional(),
  pids: z.number().optional(),
  devices: z.array(z.unknown()).optional(),
  generic_resources: z.array(z.unknown()).optional(),
})

export const DeployShape = z.looseObject({
  mode: z.string().optional(),
  replicas: z.int().optional(),
  endpoint_mode: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  placement: z.looseObject({ constraints: z.array(z.string()).optional() }).optional(),
  resources: z.looseObject({ limits: Resources.optional(), reservations: Resources.optional() }).optional(),
  restart_policy: z.looseObject({ condition: z.string().optional() }).optional(),
  update_config: z.record(z.string(), z.unknown()).optional(),
  rollback_config: z.record(z.string(), z.unknown()).optional(),
})
export type DeployShape = z.infer<typeof DeployShape>

export const ServiceShape = z.looseObject({
  image: z.string().optional(),
  build: z.unknown().optional(),
  environment: Texts.optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string().optional() })).optional(),
  deploy: DeployShape.optional(),
  restart: z.string().optional(),
  scale: z.int().optional(),
  cpus: z.union([z.number(), z.string()]).optional(),
  mem_limit: z.string().optional(),
  mem_reservation: z.string().optional(),
  pids_limit: z.number().optional(),
  shm_size: z.string().optional(),
  tmpfs: z.array(z.string()).optional(),
  extra_hosts: z.array(z.string()).optional(),
  healthcheck: z.record(z.string(), z.unknown()).optional(),
  networks: z.record(z.string(), z.looseObject({ aliases: z.array(z.string()).optional() }).nullable()).optional(),
  ports: z.array(PortShape).optional(),
  volumes: z.array(MountShape).optional(),
  configs: z.array(GrantShape).optional(),
  secrets: z.array(GrantShape).optional(),
})
export type ServiceShape = z.infer<typeof ServiceShape>

const Resource = z.looseObject({
  name: z.string().optional(),
  external: z.boolean().optional(),
  driver: z.string().optional(),
  driver_opts: z.record(z.string(), z.unknown()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
})
const NetworkShape = Resource.extend({
  internal: z.boolean().optional(),
  attachable: z.boolean().optional(),
  ipam: z
    .looseObject({ driver: z.string().optional(), config: z.array(z.looseObject({ subnet: z.string().optional() })).optional() })
    .optional(),
})
const KeptShape = z.looseObject({
  name: z.string().optional(),
  external: z.boolean().optional(),
  file: z.string().optional(),
  content: z.string().optional(),
  environment: z.string().optional(),
})
export type KeptShape = z.infer<typeof KeptShape>

export const ProjectShape = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), ServiceShape),
  networks: z.record(z.string(), NetworkShape.nullable()).optional(),
  volumes: z.record(z.string(), Resource.nullable()).optional(),
  configs: z.record(z.string(), KeptShape.nullable()).optional(),
  secrets: z.record(z.string(), KeptShape.nullable()).optional(),
})
export type ProjectShape = z.infer<typeof ProjectShape>
