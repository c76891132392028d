import { z } from 'zod'
import { Name } from '../core/names.ts'
import { Duration } from '../core/units.ts'

/**
 * The language of launchway.yml. This one definition gives the types, the messages, the JSON Schema for editors and
 * the reference page. It has no transforms, so that all of those say the same; `resolve.ts` turns what a user wrote
 * into what a release needs.
 */

const oneOrMany = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1)])
const port = z.int().min(1).max(65535)
const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
const scalar = z.union([z.string(), z.number(), z.boolean()])
const env = z.record(envName, scalar)

export const Repository = z
  .string()
  .regex(
    /^([a-zA-Z0-9.-]+(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
    'must be an image repository without a tag, such as ghcr.io/team/app',
  )

export const ImageConfig = z.strictObject({
  context: z.string().optional().describe('Build context, a folder of the repository. Default: "."'),
  dockerfile: z.string().optional().describe('Path of the Dockerfile inside the context. Default: "Dockerfile"'),
  target: z.string().optional().describe('Stage of the Dockerfile to build. Default: the last one.'),
  platforms: z.array(z.string()).min(1).optional().describe('Platforms such as linux/amd64. Default: that of the builder.'),
  args: z.record(z.string(), scalar).optional().describe('Build arguments. They stay readable in the image: no secrets.'),
  repositories: z.array(Repository).min(1).optional().describe('Where the image is pushed, the first being where hosts pull from.'),
})

export const RegistryConfig = z.strictObject({
  username: z.string().optional().describe('Account name. Default: $REGISTRY_USERNAME, or the actor on ghcr.io.'),
  password: envName
    .optional()
    .describe(
      'Name of the environment variable that holds the password or token. Default: REGISTRY_PASSWORD, or the GitHub token on ghcr.io.',
    ),
  ca: z.string().optional().describe('Path of a PEM file with the certificate authority of a private registry.'),
  'plain-http': z.boolean().optional().describe('Speak HTTP without TLS. Always allowed on the loopback.'),
})

const HttpHealth = z.strictObject({
  path: z.string().startsWith('/').describe('Path to ask for.'),
  host: z.string().optional().describe('Host header to send.'),
  status: z.int().min(100).max(599).optional().describe('Status that means healthy. Default: any from 200 to 299.'),
  interval: Duration.optional().describe('Time between two probes. Default: 500ms'),
  timeout: Duration.optional().describe('Time until the service must be healthy. Default: 60s'),
  settle: Duration.optional().describe('Time the service must stay healthy and up before it counts. Default: 1s'),
})

export const ServiceConfig = z.strictObject({
  image: z.string().optional().describe('Name of an image of this file. Default: the only one.'),
  command: z.array(z.string()).optional().describe("Replaces the image's command."),
  entrypoint: z.array(z.string()).min(1).optional().describe("Replaces the image's entry point."),
  port: port.optional().describe('Port on which the service listens inside its container.'),
  publish: z
    .union([port, z.string().regex(/^[\d.]+:\d+$|^\[[0-9a-f:]+\]:\d+$/, 'must be a port, or address:port')])
    .optional()
    .describe(
      'Fixed public port (or address:port) of a service without a proxy. Two versions cannot share it: the old one is stopped first.',
    ),
  health: z
    .union([z.string().startsWith('/'), HttpHealth])
    .optional()
    .describe("HTTP path that answers 2xx when the service is well. Default: the image's HEALTHCHECK, else that it stays up."),
  env: env.optional().describe('Environment variables that are not secret.'),
  secrets: z.array(envName).optional().describe('Secrets by name: taken from the environment of the step that deploys.'),
  volumes: z.array(z.string()).optional().describe('As docker run --volume.'),
  networks: z.array(z.string()).optional().describe('Networks to join, made if they are not there.'),
  user: z.string().optional().describe('As docker run --user.'),
  'cap-add': z.array(z.string()).optional().describe('As docker run --cap-add.'),
  'cap-drop': z.array(z.string()).optional().describe('As docker run --cap-drop.'),
  'group-add': z.array(z.string()).optional().describe('As docker run --group-add.'),
  privileged: z.boolean().optional().describe('As docker run --privileged.'),
  devices: z.array(z.string()).optional().describe('As docker run --device.'),
  memory: z.string().optional().describe('As docker run --memory.'),
  cpus: z.number().positive().optional().describe('As docker run --cpus.'),
  'stop-signal': z.string().optional().describe('As docker run --stop-signal.'),
  'stop-timeout': Duration.optional().describe('Time between the stop signal and the end. Default: 10s'),
  labels: z.record(z.string(), z.string()).optional().describe('Labels of the container.'),
  options: z.array(z.string()).optional().describe('Further docker run options, each a word of its own.'),
})

export const SshConfig = z.strictObject({
  'known-hosts': z
    .string()
    .optional()
    .describe('Path of a known_hosts file. Default: .github/known_hosts if it is there, else your own ~/.ssh/known_hosts.'),
  'proxy-jump': z.string().optional().describe('As ssh -J: the host to go through.'),
  key: envName
    .optional()
    .describe('Name of the environment variable that holds the private key. Default: SSH_KEY; without it your agent and ~/.ssh.'),
  'connect-timeout': Duration.optional().describe('Time until the host must answer. Default: 10s'),
})

const HostAddress = z
  .string()
  .regex(
    /^([A-Za-z0-9_][A-Za-z0-9_.-]*@)?([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9a-fA-F:]+\])(:\d+)?$/,
    'must be host, user@host or user@host:port',
  )
  .describe('SSH address: host, user@host or user@host:port; or a Host of your ~/.ssh/config.')

export const EnvironmentConfig = z.strictObject({
  ...ServiceConfig.shape,
  host: HostAddress.optional(),
  hosts: z.array(HostAddress).min(1).optional().describe('SSH addresses of several hosts.'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where people reach this environment.'),
  ssh: SshConfig.optional(),
  services: z.record(Name, ServiceConfig).optional().describe('What runs on the host, one block a container kind.'),
  keep: z.int().min(1).max(50).optional().describe('Releases kept for a rollback, the running one included. Default: 5'),
  state: z.string().startsWith('/').optional().describe('Folder on the host where launchway keeps its state. Default: /var/lib/launchway'),
})

const RefTarget = z
  .union([
    Name,
    z.strictObject({
      environment: Name.optional().describe('Environment to deploy to. Without it: built, tested, scanned and pushed only.'),
      'image-tags': oneOrMany(z.string()).optional().describe('Tags for this ref instead of the general image-tags.'),
    }),
  ])
  .describe('An environment, or {} for "do not deploy".')

export const Config = z.strictObject({
  version: z.literal(1).optional().describe('Version of this file format.'),
  app: Name.optional().describe('Name of the application on hosts. Default: the last part of the first image repository.'),
  image: Repository.optional().describe('Repository of the only image, built from ./Dockerfile.'),
  images: z.record(Name, ImageConfig).optional().describe('Images to build, by name.'),
  registries: z
    .record(z.string(), RegistryConfig)
    .optional()
    .describe('How to log in, by registry host (docker.io, ghcr.io, registry.example.org:5000).'),
  branches: z.record(z.string(), RefTarget).optional().describe('What a push to a branch does. Names may hold * (not /) and **.'),
  tags: z.record(z.string(), RefTarget).optional().describe('What a pushed tag does. Names may hold * and **.'),
  'image-tags': oneOrMany(z.string())
    .optional()
    .describe("Tags in docker/metadata-action's language. Default: the branch or tag, and sha-<short>."),
  environments: z.record(Name, EnvironmentConfig).optional().describe('Where releases run, by name.'),
})
export type Config = z.infer<typeof Config>
export type EnvironmentConfig = z.infer<typeof EnvironmentConfig>
export type ServiceConfig = z.infer<typeof ServiceConfig>
export type RegistryConfig = z.infer<typeof RegistryConfig>
