import { z } from 'zod'
import { Name } from './names.ts'
import { plain } from './plain.ts'

/**
 * What `swarm:` of an environment comes to: a compose project as a stack, converted once by the plan, so that a manager
 * needs no compose. It holds no secret. In its texts `${NAME}` is a variable of the step that deploys and `$$` a dollar
 * sign, as `docker stack deploy` reads them. Times are milliseconds.
 */

/** Where the content of a config or a secret comes from: all but the first are read where the deploy runs. */
const Content = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), text: plain.text }),
  z.strictObject({ kind: z.literal('variable'), name: plain.text }),
  /** From the root of the repository. */
  z.strictObject({ kind: z.literal('file'), path: plain.text }),
])
export type Content = z.infer<typeof Content>

const Definition = z.record(plain.text, z.unknown())
export type Definition = z.infer<typeof Definition>

export const Stack = z.strictObject({
  /** As `docker stack deploy` takes them, but for images and the names of configs and secrets. */
  services: z.record(plain.text, Definition),
  networks: z.record(plain.text, Definition),
  volumes: z.record(plain.text, Definition),
  /** By service: an image of the plan, or one that is not built here, `name:tag@sha256:…`. */
  images: z.record(plain.text, z.union([z.strictObject({ built: Name }), z.strictObject({ pulled: plain.text })])),
  /** Services that run once for each release and end, in their order, before the others are touched. */
  once: plain.texts,
  configs: z.record(plain.text, Content),
  secrets: z.record(plain.text, Content),
  /** What must be there before. */
  external: z.strictObject({
    networks: plain.texts,
    /** By the key that services use, the name in the cluster. */
    configs: plain.textByName,
    secrets: plain.textByName,
  }),
  /** Names of the variables in its texts. */
  variables: plain.texts,
})
export type Stack = z.infer<typeof Stack>

export const Swarm = z.strictObject({
  /** Of the stack: what its services, networks and volumes are called begins with it. */
  name: plain.text,
  /** From the root of the repository. */
  files: plain.someTexts,
  profiles: plain.texts,
  env: plain.textByName,
  envFiles: plain.optionalTexts,
  /** Variables of the files whose values the step has that deploys, and nobody else. */
  secrets: plain.texts,
  /** Time until all services must run as they are wanted. */
  timeoutMs: plain.int,
  /** Time that one of those that run once may take. */
  onceTimeoutMs: plain.int,
  /** Absent before the plan has converted it. */
  stack: Stack.optional(),
})
export type Swarm = z.infer<typeof Swarm>
