import { z } from 'zod'
import { Duration } from '../core/units.ts'
import { env, oneOrMany } from './schema-parts.ts'

/** The smoke test, as launchway.yml has it. */

const words = z.array(z.string()).min(1)
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

const checkName = z.string().optional().describe('Name of the check in lists. Default: what it asks')
const checkTimeout = Duration.optional().describe('Time until it must have passed; it is tried again until then. Default: 30s')

const SmokeCheckConfig = z.union([
  z.strictObject({
    http: z
      .string()
      .regex(/^https?:\/\/[^/\s:]+(:\d+)?(\/\S*)?$/, 'must be a URL with a service as its host, such as http://web:5000/healthz')
      .describe('URL to ask, a service of the stack being the host and its port that inside the container.'),
    status: z.int().min(100).max(599).optional().describe('The one status that passes. Default: any from 200 to 299'),
    contains: z.string().optional().describe('Text that the body must contain.'),
    headers: z
      .record(z.string(), z.string())
      .optional()
      .describe('Headers that the answer must have, with their values; an empty text means any value.'),
    name: checkName,
    timeout: checkTimeout,
  }),
  z.strictObject({
    exec: service.describe('Service in whose container the command runs; exit code 0 passes.'),
    command: words.describe('Command, a list of words. Needed.'),
    stdout: z.string().optional().describe('Text that its standard output must contain.'),
    name: checkName,
    timeout: checkTimeout,
  }),
  z.strictObject({
    log: service.describe('Service whose log is read.'),
    matches: z.string().describe('Regular expression that a line must match. Needed.'),
    name: checkName,
    timeout: checkTimeout,
  }),
])

export const SmokeConfig = z.strictObject({
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
  timeout: Duration.optional().describe('Time until every service must be up. Default: 3m'),
  prepare: z
    .array(SmokeStepConfig)
    .optional()
    .describe('What is done in the stack before the checks, one after the other: migrations, seed data.'),
  checks: z
    .array(SmokeCheckConfig)
    .optional()
    .describe('What is asked of the stack when it is up, side by side. Default: that every service is up and healthy'),
})

export type SmokeConfig = z.infer<typeof SmokeConfig>
