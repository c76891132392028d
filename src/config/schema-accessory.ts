import { z } from 'zod'
import { Duration } from '../core/units.ts'
import { port } from './schema-parts.ts'
import { ServiceConfig, shared } from './schema-service.ts'

/** What is said of an accessory: of a container that releases leave alone. */

const { command, entrypoint, publish, env, secrets, volumes, user, memory, cpus, labels, options } = ServiceConfig.shape

export const AccessoryConfig = z.strictObject({
  image: z
    .string()
    .regex(/^[A-Za-z0-9][\w./:@-]*$/, 'must be the reference of an image, such as redis:7')
    .describe('Reference of an image that is not built here, with a tag or a digest, such as redis:7. Needed.'),
  command,
  entrypoint,
  port: port.optional().describe('Port on which it listens inside its container; needed for publish alone.'),
  publish: publish.describe('Port of the host (or address:port) that leads to port. Default: none, it is reached on its networks alone'),
  health: z
    .strictObject({
      command: z
        .array(z.string())
        .min(1)
        .optional()
        .describe("Command in the container that ends with 0 when it is well, a list of words. Default: the image's HEALTHCHECK"),
      interval: Duration.optional().describe('Time between two tries of the command. Default: 500ms'),
      retries: z
        .int()
        .min(1)
        .optional()
        .describe('Tries of the command that may fail one after the other, at the interval. Default: as many as the timeout allows'),
      timeout: Duration.optional().describe('Time until it must be well. Default: 60s'),
      settle: Duration.optional().describe('Time it must stay well before it counts. Default: 1s'),
    })
    .optional()
    .describe("When the services may start. Default: the image's HEALTHCHECK, else that it stays up for a second"),
  env,
  secrets,
  volumes,
  networks: z
    .array(z.string())
    .optional()
    .describe(
      'Docker networks to join, on which it is reached by its name; made if they are not there. Default: the network <app>.<environment>',
    ),
  user,
  memory,
  cpus,
  'stop-signal': ServiceConfig.shape['stop-signal'],
  'stop-timeout': ServiceConfig.shape['stop-timeout'],
  ...shared,
  labels,
  options,
})
export type AccessoryConfig = z.infer<typeof AccessoryConfig>
