import { z } from 'zod'
import { Name } from './names.ts'

/**
 * What `swarm:` of an environment comes to: a compose project as a stack, converted once by the plan, so that a manager
 * needs no compose. It holds no secret. In its texts `${NAME}` is a variable of the step that deploys and `$$` a dollar
 * sign, as `docker stack deploy` reads them. Times are milliseconds.
 */

/** Where the content of a config or a secret comes from: all but the first are read where the deploy runs. */
const Content = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), text: z.string() }),
  z.strictObject({ kind: z.literal('variable'), name: z.string() }),
  /** From the root of the repository. */
  z.strictObject({ kind: z.literal('file'), path: z.string() }),
])
export type Content = z.infer<typeof Content>

const Definition = z.record(z.string(), z.unknown())
export type Definition = z.infer<typeof Definition>

export const Stack = z.strictObject({
  /** As `docker stack deploy` takes them, but for images and the names of configs and secrets. */
  services: z.record(z.string(), Definition),
  networks: z.record(z.string(), Definition),
  volumes: z.record(z.string(), Definition),
  /** By service: an image of the plan, or one that is not built here, `name:tag@sha256:…`. */
  images: z.record(z.string(), z.union([z.strictObject({ built: Name }), z.strictObject({ pulled: z.string() })])),
  /** Services that run once for each release and end, in their order, before the others are touched. */
  once: z.array(z.string()),
  configs: z.record(z.string(), Content),
  secrets: z.record(z.string(), Content),
  /** What must be there before. */
  external: z.strictObject({
    networks: z.array(z.string()),
    /** By the key that services use, the name in the cluster. */
    configs: z.record(z.string(), z.string()),
    secrets: z.record(z.string(), z.string()),
  }),
  /** Names of the variables in its texts. */
  variables: z.array(z.string()),
})
export type Stack = z.infer<typeof Stack>

export const Swarm = z.strictObject({
  /** Of the stack: what its services, networks and volumes are called begins with it. */
  name: z.string(),
  /** From the root of the repository. */
  files: z.array(z.string()).min(1),
  profiles: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  envFiles: z.array(z.string()).optional(),
  /** Variables of the files whose values the step has that deploys, and nobody else. */
  secrets: z.array(z.string()),
  /** Time until all services must run as they are wanted. */
  timeoutMs: z.int(),
  /** Time that one of those that run once may take. */
  onceTimeoutMs: z.int(),
  /** Absent before the plan has converted it. */
  stack: Stack.optional(),
})
export type Swarm = z.infer<typeof Swarm>
