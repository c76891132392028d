import { z } from 'zod'
import { Name } from '../core/names.ts'
import { Duration } from '../core/units.ts'
import { SmokeCheckConfig, words } from './schema-checks.ts'
import { env, oneOrMany } from './schema-parts.ts'

/** The smoke test, as launchway.yml has it. */

const service = z.string()

const SmokeStepConfig = z.union([
  z.strictObject({
    run: service.describe('Service whose image and settings a container of its own gets, for this command alone.'),
    command: words.describe('Command, a list of words. Needed.'),
    timeout: Duration.optional().describe('Time until it must have ended. Default: 5m'),
  }),
  z.strictObject({
    exec: service.describe('Service in whose running container the command runs.'),
    command: words.describe('Command, a list of words. Needed.'),
    timeout: Duration.optional().describe('Time until it must have ended. Default: 5m'),
  }),
])

/** The keys of a stack. */
const SmokeStackConfig = z.strictObject({
  compose: oneOrMany(z.string())
    .optional()
    .describe(
      'Compose file, or several of which each changes those before it. Default: compose.yaml, compose.yml, docker-compose.yaml or docker-compose.yml',
    ),
  profiles: z.array(z.string()).optional().describe('Profiles of the compose file to start.'),
  env: env
    .optional()
    .describe(
      'Variables for the compose files. They are readable in this file and the record: no secrets of yours, values for the test alone.',
    ),
  'env-files': oneOrMany(z.string())
    .optional()
    .describe(
      'File of variables for the compose files, or several of which each changes those before it; `env` and the environment of the step come first. Default: .env beside the first compose file',
    ),
  timeout: Duration.optional().describe('Time until every service must be up. Default: 3m'),
  scale: z
    .record(service, z.int().min(1))
    .optional()
    .describe('Containers of a service, such as `worker: 3`. Default: as many as the compose file says, else 1'),
  remember: z
    .boolean()
    .optional()
    .describe(
      'false: every run starts the stack, also where nothing has changed since one that passed. For stacks whose checks ask something outside of them. Default: true',
    ),
  prepare: z
    .array(SmokeStepConfig)
    .optional()
    .describe('What is done in the stack before the checks, one after the other: migrations, seed data.'),
  checks: z
    .array(SmokeCheckConfig)
    .optional()
    .describe('What is asked of the stack when it is up, side by side. Default: that every service is up and healthy'),
})

export const SmokeConfig = SmokeStackConfig.extend({
  variants: z
    .record(Name, SmokeStackConfig)
    .optional()
    .describe(
      'Several stacks instead of one, by name. Each has the keys beside this one, and its own in their place. All of them have to pass; they run side by side',
    ),
})
export type SmokeConfig = z.infer<typeof SmokeConfig>
