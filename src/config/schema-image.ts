import { z } from 'zod'
import { LabelsConfig } from './image-labels.ts'
import { SizeConfig } from './schema-evidence.ts'
import { envName, oneOrMany, scalar } from './schema-parts.ts'

export const Repository = z
  .string()
  .regex(
    /^([a-zA-Z0-9.-]+(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
    'must be an image repository without a tag, such as ghcr.io/team/app',
  )

const id = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'must be letters, digits, "_", "." and "-": the id that the Dockerfile asks for')

const BuildSecret = z.strictObject({
  id: id.describe('Name by which the Dockerfile asks for it: RUN --mount=type=secret,id=…'),
  env: envName.optional().describe('Name of the environment variable that holds it. Default: the id'),
  file: z
    .string()
    .min(1)
    .optional()
    .describe('Path, from the root of the repository, of a file that holds it, instead of env; it arrives byte for byte.'),
})

const BuildSsh = z.strictObject({
  id: id.optional().describe('Name by which the Dockerfile asks for it: RUN --mount=type=ssh,id=… Default: default'),
  key: envName.optional().describe('Name of the environment variable that holds a private key. Default: the agent of this machine'),
})

const cacheEntry = z
  .string()
  .regex(
    /^type=(registry|gha|local|inline)(,[a-z][a-z_-]*=[^,\s"]*)*$/,
    'must be a cache in the words of buildx: type=registry, gha, local or inline, and what belongs to it, such as type=registry,ref=ghcr.io/team/app:cache',
  )

const BuildCache = z.strictObject({
  from: oneOrMany(cacheEntry)
    .optional()
    .describe('Caches to read, in the words of buildx: type=registry,ref=…, type=gha, type=local,src=… Default: none'),
  to: oneOrMany(cacheEntry)
    .optional()
    .describe(
      'Caches to write, in the same words. One that cannot be written fails no build; none in a registry on a pull request. Default: none',
    ),
})

export const ImageConfig = z.strictObject({
  context: z.string().optional().describe('Build context: the folder of the repository that the build sees. Default: .'),
  dockerfile: z.string().optional().describe('Path of the Dockerfile inside the context. Default: Dockerfile'),
  target: z.string().optional().describe('Stage of the Dockerfile to build. Default: the last one'),
  platforms: z
    .array(z.string())
    .min(1)
    .max(1, 'more than one platform is reserved for a later version: images of several platforms')
    .optional()
    .describe(
      'Platform to build for, such as linux/amd64; a list, of which one is built in this version. Default: that of the Docker engine',
    ),
  args: z
    .record(z.string(), scalar)
    .optional()
    .describe(
      'Values for ARG lines of the Dockerfile, each as it is written: 3.10 is "3.10". They stay readable in the image: no secrets.',
    ),
  contexts: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/, 'must be a name that can stand in FROM'),
      z
        .string()
        .regex(
          /^(target:.+|docker-image:\/\/\S+|https:\/\/\S+|(?!target:)(?![a-zA-Z][a-zA-Z0-9+.-]*:\/\/).+)$/,
          'must be target: and another image, a folder, docker-image:// or https://',
        ),
    )
    .optional()
    .describe(
      'What else FROM and COPY --from may name, by that name: "target:NAME" for another image of this file, a folder of the repository, docker-image://REFERENCE, or the https address of a git repository.',
    ),
  secrets: z
    .array(z.union([id, BuildSecret]))
    .min(1)
    .optional()
    .describe(
      'Secrets for RUN --mount=type=secret: the name of an environment variable of the step, or id with env or file. In no layer, argument, log or record.',
    ),
  ssh: z
    .array(z.union([id, BuildSsh]))
    .min(1)
    .optional()
    .describe('SSH for RUN --mount=type=ssh: default for the agent of this machine, or id with key.'),
  labels: LabelsConfig.optional().describe(
    "Labels of the image, beside those of OCI, which launchway sets; of one key the value here counts. A mapping, or lines of key=value. Values know the expressions of docker/metadata-action, such as {{branch}} and {{commit_date 'YYYY-MM-DD'}}; \\{{ is {{ as it stands.",
  ),
  annotations: LabelsConfig.optional().describe(
    "Annotations of the image's manifest, which registries show, in the form of labels and beside those of OCI: {} gives these alone. As they are written they belong to its content key. Default: none",
  ),
  cache: z
    .union([z.enum(['gha', 'registry']), BuildCache])
    .optional()
    .describe(
      'Where layers are kept between builds: gha (the cache of GitHub), registry (the tag launchway-cache-<image> in the first repository), or from and to. Default: what the builder keeps by itself',
    ),
  bake: z
    .string()
    .min(1)
    .optional()
    .describe('Target of the bake file that this image is, where bake is given. Default: the one that is called like the image'),
  repositories: z
    .array(Repository)
    .min(1)
    .optional()
    .describe(
      'Where the image is pushed, without a tag, each a repository of this image alone. Hosts pull from the first. Needed, unless other images are built on this one.',
    ),
  size: SizeConfig.optional().describe('How large the image may be. Default: any size'),
})
export type ImageConfig = z.infer<typeof ImageConfig>

export const BakeFiles = oneOrMany(z.string().min(1)).describe(
  'A bake file that is there already (docker-bake.hcl or .json), or several: each image is the target of its name, as it stands there.',
)
