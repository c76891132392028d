import { z } from 'zod'
import { Batch } from './batches.ts'
import { Verification } from './evidence.ts'
import { lifecycle } from './lifecycle.ts'
import { Name } from './names.ts'
import { plain } from './plain.ts'
import { ofProject, Project } from './project.ts'
import { Swarm } from './stack.ts'

/**
 * What runs where, in full: every default filled in, every short form written out. `config/resolve.ts` makes it from
 * launchway.yml, the record carries it, `deploy/` performs it. Times are milliseconds.
 */

export const Health = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    path: plain.text,
    host: plain.optionalText,
    /** The one status that means healthy; without it any 2xx. */
    status: plain.optionalInt,
    intervalMs: plain.int,
    /** So many probes that fail one after the other are enough; without it the time alone counts. */
    retries: plain.optionalInt,
    timeoutMs: plain.int,
    settleMs: plain.int,
  }),
  /** A command in the container, instead of the image's HEALTHCHECK. */
  z.strictObject({
    kind: z.literal('command'),
    command: plain.someTexts,
    intervalMs: plain.int,
    retries: plain.optionalInt,
    timeoutMs: plain.int,
    settleMs: plain.int,
  }),
  /** The image's HEALTHCHECK if it has one, else that the container stays up: for `bareMs`, or for the settle time where that is not there. */
  z.strictObject({ kind: z.literal('container'), timeoutMs: plain.int, settleMs: plain.int, bareMs: plain.optionalInt }),
  /** No check, and that of the image is not run: the container stays up for the settle time. */
  z.strictObject({ kind: z.literal('none'), timeoutMs: plain.int, settleMs: plain.int }),
])
export type Health = z.infer<typeof Health>

/** How nginx on the host leads to the service. Paths are as nginx sees them. */
export const Nginx = z.strictObject({
  /** In which nginx runs; without it nginx is a program of the host. The same for all services of an environment. */
  container: plain.optionalText,
  serverNames: plain.someTexts,
  /** Absolute paths; without it the server speaks plain HTTP. */
  tls: z.strictObject({ certificate: plain.text, key: plain.text }).optional(),
  /** The certificate is asked for where it is not there; without `server` of Let's Encrypt. */
  acme: z.strictObject({ email: plain.text, server: plain.optionalText }).optional(),
  /** `false`: plain HTTP is answered beside HTTPS, and not sent there. */
  redirect: plain.optionalFlag,
  /** The server block is the user's, and includes the locations of the service: where visitors reach it. */
  existing: z.strictObject({ https: plain.flag, port: plain.int }).optional(),
  /** Somebody else's TLS stands before nginx, which speaks plain HTTP: visitors come by HTTPS all the same. */
  behindTls: plain.optionalFlag,
  /** The port that visitors name in their address, where it is not that of the scheme. */
  urlPort: plain.optionalInt,
  /** What comes below it is the service's: `/api`. Without it everything that no other service takes. */
  path: plain.optionalText,
  stripPrefix: plain.optionalFlag,
  /** By name; an empty value takes away what the application sends. */
  headers: plain.optionalTextByName,
  /** As nginx reads it: `20m`. */
  bodySize: plain.optionalText,
  timeoutMs: plain.optionalInt,
  errors: z.literal('json').optional(),
  /** Absolute path. */
  maintenancePage: plain.optionalText,
})
export type Nginx = z.infer<typeof Nginx>

/** Where the engine keeps what a container writes. */
const Logging = z.strictObject({ driver: plain.optionalText, options: plain.textByName })

/** What one that was written before a key was there means by leaving it out. */
const added = {
  /** As `docker run --restart`; it counts from the record of the release on. */
  restart: z.string().default('unless-stopped'),
  logging: Logging.optional(),
  /** Paths; what they say is read where the deploy runs, and its names are then among the secrets. */
  envFiles: plain.texts.default([]),
  ...ofProject,
}

export const Service = z.strictObject({
  name: Name,
  /** An image of the plan, by name; or one of the environment's `pulled`. */
  image: Name,
  command: plain.optionalTexts,
  entrypoint: plain.optionalTexts,
  port: plain.optionalInt,
  /** `port` or `address:port` on the host that this service alone may hold. */
  publish: plain.optionalText,
  /** How people reach `port` instead, without a gap between two versions. */
  nginx: Nginx.optional(),
  /** Folders of the image whose files visitors may ask for after the next version has taken over, and by which path. */
  assets: z
    .array(z.strictObject({ path: plain.text, folder: plain.text }))
    .min(1)
    .optional(),
  health: Health,
  env: plain.textByName,
  secrets: plain.texts,
  volumes: plain.texts,
  networks: plain.texts,
  user: plain.optionalText,
  capAdd: plain.texts,
  capDrop: plain.texts,
  groupAdd: plain.texts,
  privileged: plain.flag,
  devices: plain.texts,
  memory: plain.optionalText,
  cpus: z.number().optional(),
  stopSignal: plain.optionalText,
  stopTimeoutMs: plain.int,
  labels: plain.textByName,
  options: plain.texts,
  ...added,
  /** False: never two versions at once, so the old one is stopped first. */
  overlap: plain.flag.default(true),
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
  image: plain.text,
  command: plain.optionalTexts,
  entrypoint: plain.optionalTexts,
  port: plain.optionalInt,
  publish: plain.optionalText,
  /** The image's HEALTHCHECK, or a command in the container that ends well. */
  health: z.strictObject({
    command: plain.optionalTexts,
    intervalMs: plain.optionalInt,
    retries: plain.optionalInt,
    timeoutMs: plain.int,
    settleMs: plain.int,
  }),
  env: plain.textByName,
  secrets: plain.texts,
  volumes: plain.texts,
  networks: plain.texts,
  user: plain.optionalText,
  memory: plain.optionalText,
  cpus: z.number().optional(),
  stopSignal: plain.optionalText,
  stopTimeoutMs: plain.int,
  labels: plain.textByName,
  options: plain.texts,
  ...added,
})
export type Accessory = z.infer<typeof Accessory>

export const SshSettings = z.strictObject({
  knownHosts: plain.optionalText,
  proxyJump: plain.optionalText,
  /** Name of the environment variable that holds the private key. */
  key: plain.text,
  connectTimeoutMs: plain.int,
})
export type SshSettings = z.infer<typeof SshSettings>

export const Environment = z.strictObject({
  name: Name,
  url: plain.optionalText,
  hosts: plain.someTexts,
  /** How many of several hosts go at once; absent: one after the other. */
  batch: Batch.optional(),
  ssh: SshSettings,
  stateRoot: plain.text,
  keep: plain.int,
  /** How long to wait while another deploy is at work; absent: it is refused at once. */
  lockWaitMs: plain.int.optional(),
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
  /** Volumes that others may write to as well; absent: none. */
  sharedVolumes: plain.optionalTexts,
  /** Volumes and folders of the host that need not be mounted any more; absent: none. */
  leaveBehind: plain.optionalTexts,
  ...lifecycle,
})
export type Environment = z.infer<typeof Environment>

/** What a merge would put live, as far as the files of the repository tell it: for who reads of a pull request. */
export const Proposed = z.strictObject({
  environment: Name,
  /** Where people would reach it. */
  at: plain.optionalText,
  containers: z.array(z.strictObject({ name: Name, kind: z.enum(['service', 'once', 'accessory']), image: plain.text, how: plain.text })),
})
export type Proposed = z.infer<typeof Proposed>
