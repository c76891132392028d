import { z } from 'zod'
import { Duration } from '../core/units.ts'
import { env, oneOrMany } from './schema-parts.ts'

/** A compose project as a stack of a Swarm, as launchway.yml has it. */

const files = oneOrMany(z.string())

const SwarmProject = z.strictObject({
  files: files.describe('Compose file, or several of which each changes those before it, from the root of the repository. Needed.'),
  profiles: z.array(z.string()).optional().describe('Profiles of the compose files that are deployed.'),
  project: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$/,
      'must be 1 to 40 characters of a-z, 0-9, "_" and "-", beginning and ending with a letter or digit',
    )
    .optional()
    .describe('Name of the stack: those of its services, networks and volumes begin with it. Default: the application and the environment'),
  env: env.optional().describe('Variables for the compose files. They are readable in this file and the record: no secrets.'),
  'env-files': oneOrMany(z.string())
    .optional()
    .describe(
      'File of variables for the compose files, or several of which each changes those before it; they are in the record: no secrets. Default: .env beside the first compose file',
    ),
  timeout: Duration.optional().describe('Time until every service must run as it is wanted, else all go back. Default: 5m'),
  'once-timeout': Duration.optional().describe(
    'Time that a service may take that runs once for each release, such as a migration. Default: 10m',
  ),
})

export const SwarmConfig = z.union([files, SwarmProject])
export type SwarmConfig = z.infer<typeof SwarmConfig>
