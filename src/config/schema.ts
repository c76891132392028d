import { z } from 'zod'
import { Name } from '../core/names.ts'
import { Duration } from '../core/units.ts'
import { AccessoryConfig } from './schema-accessory.ts'
import { BatchConfig } from './schema-batch.ts'
import { EvidenceConfig, VerifyConfig } from './schema-evidence.ts'
import { SmokeConfig } from './schema-gates.ts'
import { LifecycleConfig } from './schema-lifecycle.ts'
import { BakeFiles, ImageConfig, Repository } from './schema-image.ts'
import { envName, oneOrMany } from './schema-parts.ts'
import { ComposeConfig, ServicesConfig } from './schema-project.ts'
import { ScanConfig } from './schema-scan.ts'
import { ServiceConfig } from './schema-service.ts'
import { SwarmConfig } from './schema-swarm.ts'
import { DataConfig } from './schema-volume.ts'

/**
 * The language of launchway.yml. This one definition gives the types, the messages, the JSON Schema for editors and
 * the reference page. It has no transforms, so that all of those say the same; `resolve.ts` turns what a user wrote
 * into what a release needs.
 */

const RegistryConfig = z.strictObject({
  username: z
    .string()
    .optional()
    .describe(
      'Account name. Default: the input registry-username ($REGISTRY_USERNAME), where it is for this registry, else the actor on ghcr.io',
    ),
  password: envName
    .optional()
    .describe(
      'Name of the environment variable that holds the password or token, never the password itself. The step must have it. REGISTRY_PASSWORD (the input registry-password) is for one registry: the only one, or the only one without this key, ghcr.io giving way to any other. Default: REGISTRY_PASSWORD where it is for this registry, else the GitHub token on ghcr.io, else what docker login left',
    ),
  ca: z
    .string()
    .optional()
    .describe(
      'Path, from the root of the repository, of a PEM file with the certificate authority of a private registry. Default: the usual authorities',
    ),
  'plain-http': z.boolean().optional().describe('Speak HTTP without TLS. On the loopback it is found out. Default: false'),
})

/** No word that begins with a hyphen: ssh would take it for an option. */
const address = String.raw`([A-Za-z0-9_][A-Za-z0-9_.-]*@)?([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9a-fA-F:]+\])(:\d+)?`

const SshConfig = z.strictObject({
  'known-hosts': z
    .string()
    .optional()
    .describe(
      'Path, from the root of the repository, of a known_hosts file with the keys of the hosts; a host that is not in it is refused. Default: .github/known_hosts if it is there, else ~/.ssh/known_hosts',
    ),
  'proxy-jump': z
    .string()
    .regex(new RegExp(`^${address}(,${address})*$`), 'must be host, user@host or user@host:port; several with commas between them')
    .optional()
    .describe('Host to go through (user@host:port), as ssh -J; its key is checked as well.'),
  key: envName
    .optional()
    .describe(
      'Name of the environment variable that holds the private key, never the key itself. Default: SSH_KEY; when it is empty, your agent and ~/.ssh',
    ),
  'connect-timeout': Duration.optional().describe('Time in which the host must answer. Default: 10s'),
})

const HostAddress = z
  .string()
  .regex(new RegExp(`^${address}$`), 'must be host, user@host or user@host:port')
  .describe('SSH address to deploy to: host, user@host or user@host:port; or a Host of your ~/.ssh/config.')

export const EnvironmentConfig = z.strictObject({
  ...ServiceConfig.shape,
  host: HostAddress.optional(),
  hosts: z
    .array(HostAddress)
    .min(1)
    .optional()
    .describe('SSH addresses of several hosts, instead of host: one after the other, or as batch says.'),
  batch: BatchConfig.optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where people reach this environment: shown in the summary and on the GitHub deployment.'),
  ssh: SshConfig.optional().describe('How to reach the hosts.'),
  compose: ComposeConfig.optional(),
  services: z
    .record(Name, ServicesConfig)
    .optional()
    .describe(
      'What runs on the host when it is more than one container: one block for each. A single service may stand in the environment itself. Beside compose: what compose cannot say, by service of the project.',
    ),
  accessories: z
    .record(Name, AccessoryConfig)
    .optional()
    .describe(
      'What the services need beside them and no release replaces, by name: databases, caches. Started once, before the services; changed by launchway recreate alone.',
    ),
  swarm: SwarmConfig.optional().describe(
    'A compose project that runs as a stack on a Docker Swarm, instead of services: its compose file, a list of them, or a mapping. The hosts are then managers of the Swarm, any of which does.',
  ),
  verify: VerifyConfig.optional().describe(
    'Whose signature every image must have that is deployed here: a key, or an identity. Checked by digest before a host is touched. Default: none',
  ),
  ...LifecycleConfig.shape,
  ...DataConfig.shape,
  keep: z
    .int()
    .min(1)
    .max(50)
    .optional()
    .describe('Releases kept on the host for a rollback, the running one included; 1 to 50. Default: 5'),
  'lock-wait': Duration.optional().describe(
    'How long a deploy waits, on each host, while another is at work there, be it of a run that was cancelled. One that was planned before what has gone live meanwhile is refused all the same. Default: no time',
  ),
  superseded: z
    .enum(['skip', 'deploy'])
    .optional()
    .describe(
      'What becomes of a push whose branch has moved on by the time of its deploy: skip, since the newer push deploys, or deploy, for a workflow that does not run on each push (paths). Default: skip',
    ),
  state: z.string().startsWith('/').optional().describe('Folder on the host where launchway keeps its state. Default: /var/lib/launchway'),
})

const RefTarget = z
  .union([
    Name,
    z.strictObject({
      environment: Name.optional().describe('Environment to deploy to. Default: none, the image is built and pushed only'),
      'image-tags': oneOrMany(z.string()).optional().describe('Tags for this branch or tag. Default: the general image-tags'),
    }),
  ])
  .describe('The name of an environment to deploy to, or a mapping; {} builds and pushes without deploying.')

export const Config = z.strictObject({
  version: z.literal(1).optional().describe('Version of this file format. Default: 1'),
  app: Name.optional().describe(
    'Name of the application on hosts: part of container names and folders. Default: the last part of the first repository',
  ),
  image: Repository.optional().describe(
    'Repository of the only image, without a tag; it is built from ./Dockerfile. More is said with images.',
  ),
  images: z.record(Name, ImageConfig).optional().describe('Images to build, by name, instead of image: all in one solve.'),
  bake: BakeFiles.optional(),
  registries: z
    .record(z.string(), RegistryConfig)
    .optional()
    .describe('How to log in, by registry host (docker.io, ghcr.io, registry.example.org:5000). Default: what docker login left'),
  branches: z
    .record(z.string(), RefTarget)
    .optional()
    .describe(
      'What a push to a branch does. * stands for any text without a slash, ** for any text, and nothing else for anything but itself; the exact name wins, else the first that fits.',
    ),
  tags: z.record(z.string(), RefTarget).optional().describe('What a pushed tag does. * and ** as in branches.'),
  'image-tags': oneOrMany(z.string())
    .optional()
    .describe(
      "Tags of the images, in docker/metadata-action's language. A whole version and a git tag are made once and never overwritten with another image; overwrite=true in a rule lets its tag move, overwrite=false keeps any other. Default: the branch, tag, version or pr-<number>, and sha-<short>",
    ),
  flavor: oneOrMany(z.string())
    .optional()
    .describe(
      "What holds for all tags, in docker/metadata-action's language: latest=auto|true|false, prefix=, suffix=, each of these with onlatest=true. Default: latest=auto where image-tags is given, else latest=false",
    ),
  smoke: z
    .union([z.literal(false), SmokeConfig])
    .optional()
    .describe(
      'The composed stack that must come up and answer before a tag moves; false: none. Default: the compose file in the root, if there is one',
    ),
  scan: z
    .union([z.literal(false), ScanConfig])
    .optional()
    .describe('The scan for known vulnerabilities that must pass before a tag moves; false: none. Default: a scan with the defaults below'),
  evidence: z
    .union([z.literal(false), EvidenceConfig])
    .optional()
    .describe('What is attached to each image in its registry; false: the release record alone. Default: with the defaults below'),
  environments: z.record(Name, EnvironmentConfig).optional().describe('Where releases run, by name: the names are yours.'),
  defaults: EnvironmentConfig.optional().describe(
    'What holds for every environment that does not say it itself: the same keys. Mappings are taken together key by key, lists and single values are replaced; an environment takes away with null (`url: null`). What is said of one service has no place in an environment with services, compose or swarm, and stays out there.',
  ),
})
export type Config = z.infer<typeof Config>
export type EnvironmentConfig = z.infer<typeof EnvironmentConfig>
