import { z } from 'zod'
import { Verification } from './evidence.ts'
import { lifecycle } from './lifecycle.ts'
import { Name } from './names.ts'
import { ofProject, Project } from './project.ts'
import { Swarm } from './stack.ts'

/**
 * What runs where, in full: every default filled in, every short form written out. `config/resolve.ts` makes it from
 * launchway.yml, the record carries it, `deploy/` performs it. Times are milliseconds.
 */

export const Health = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    path: z.string(),
    host: z.string().optional(),
    /** The one status that means healthy; without it any 2xx. */
    status: z.int().optional(),
    intervalMs: z.int(),
    timeoutMs: z.int(),
    settleMs: z.int(),
  }),
  /** The image's HEALTHCHECK if it has one, else that the container stays up for the settle time. */
  z.strictObject({ kind: z.literal('container'), timeoutMs: z.int(), settleMs: z.int() }),
])
export type Health = z.infer<typeof Health>

/** How nginx on the host leads to the service. Paths are as nginx sees them. */
export const Nginx = z.strictObject({
  /** In which nginx runs; without it nginx is a program of the host. The same for all services of an environment. */
  container: z.string().optional(),
  serverNames: z.array(z.string()).min(1),
  /** Absolute paths; without it the server speaks plain HTTP. */
  tls: z.strictObject({ certificate: z.string(), key: z.string() }).optional(),
  /** The certificate is asked for where it is not there; without `server` of Let's Encrypt. */
  acme: z.strictObject({ email: z.string(), server: z.string().optional() }).optional(),
  /** `false`: plain HTTP is answered beside HTTPS, and not sent there. */
  redirect: z.boolean().optional(),
  /** The server block is the user's, and includes the locations of the service: where visitors reach it. */
  existing: z.strictObject({ https: z.boolean(), port: z.int() }).optional(),
  /** What comes below it is the service's: `/api`. Without it everything that no other service takes. */
  path: z.string().optional(),
  stripPrefix: z.boolean().optional(),
  /** By name; an empty value takes away what the application sends. */
  headers: z.record(z.string(), z.string()).optional(),
  /** As nginx reads it: `20m`. */
  bodySize: z.string().optional(),
  timeoutMs: z.int().optional(),
  errors: z.literal('json').optional(),
  /** Absolute path. */
  maintenancePage: z.string().optional(),
})
export type Nginx = z.infer<typeof Nginx>

/** Where the engine keeps what a container writes. */
const Logging = z.strictObject({ driver: z.string().optional(), options: z.record(z.string(), z.string()) })

/** What one that was written before a key was there means by leaving it out. */
const added = {
  /** As `docker run --restart`; it counts from the record of the release on. */
  restart: z.string().default('unless-stopped'),
  logging: Logging.optional(),
  /** Paths; what they say is read where the deploy runs, and its names are then among the secrets. */
  envFiles: z.array(z.string()).default([]),
  ...ofProject,
}

export const Service = z.strictObject({
  name: Name,
  /** An image of the plan, by name; or one of the environment's `pulled`. */
  image: Name,
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  port: z.int().optional(),
  /** `port` or `address:port` on the host that this service alone may hold. */
  publish: z.string().optional(),
  /** How people reach `port` instead, without a gap between two versions. */
  nginx: Nginx.optional(),
  /** Folders of the image whose files visitors may ask for after the next version has taken over, and by which path. */
  assets: z
    .array(z.strictObject({ path: z.string(), folder: z.string() }))
    .min(1)
    .optional(),
  health: Health,
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  volumes: z.array(z.string()),
  networks: z.array(z.string()),
  user: z.string().optional(),
  capAdd: z.array(z.string()),
  capDrop: z.array(z.string()),
  groupAdd: z.array(z.string()),
  privileged: z.boolean(),
  devices: z.array(z.string()),
  memory: z.string().optional(),
  cpus: z.number().optional(),
  stopSignal: z.string().optional(),
  stopTimeoutMs: z.int(),
  labels: z.record(z.string(), z.string()),
  options: z.array(z.string()),
  ...added,
  /** False: never two versions at once, so the old one is stopped first. */
  overlap: z.boolean().default(true),
  /** The five fields of a crontab line, in numbers: the container is made, and started at these times alone. */
  cron: z
    .string()
    .regex(/^[\d*,/-]+( [\d*,/-]+){4}$/)
    .optional(),
})
export type Service = z.infer<typeof Service>

/** What is started once and outlives releases: a database, a cache. */
export const Accessory = z.strictObject({
  name: Name,
  /** A reference as `docker pull` takes it. */
  image: z.string(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  port: z.int().optional(),
  publish: z.string().optional(),
  /** The image's HEALTHCHECK, or a command in the container that ends well. */
  health: z.strictObject({ command: z.array(z.string()).optional(), timeoutMs: z.int(), settleMs: z.int() }),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  volumes: z.array(z.string()),
  networks: z.array(z.string()),
  user: z.string().optional(),
  memory: z.string().optional(),
  cpus: z.number().optional(),
  stopSignal: z.string().optional(),
  stopTimeoutMs: z.int(),
  labels: z.record(z.string(), z.string()),
  options: z.array(z.string()),
  ...added,
})
export type Accessory = z.infer<typeof Accessory>

export const SshSettings = z.strictObject({
  knownHosts: z.string().optional(),
  proxyJump: z.string().optional(),
  /** Name of the environment variable that holds the private key. */
  key: z.string(),
  connectTimeoutMs: z.int(),
})
export type SshSettings = z.infer<typeof SshSettings>

export const Environment = z.strictObject({
  name: Name,
  url: z.string().optional(),
  hosts: z.array(z.string()).min(1),
  ssh: SshSettings,
  stateRoot: z.string(),
  keep: z.int(),
  /** A push whose branch has moved on is deployed all the same; absent: it is not. */
  superseded: z.literal('deploy').optional(),
  /** None where a stack is deployed to a Swarm. */
  services: z.array(Service),
  accessories: z.array(Accessory).default([]),
  /** Whose signature the images must have; absent when none is asked for. */
  verify: Verification.optional(),
  /** What comes of a compose project, beside its services and accessories. */
  project: Project.optional(),
  /** A stack, whose services a Swarm runs: the hosts are its managers. */
  swarm: Swarm.optional(),
  ...lifecycle,
})
export type Environment = z.infer<typeof Environment>
