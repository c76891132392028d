import { z } from 'zod'
import { env, oneOrMany } from './schema-parts.ts'
import { ServiceConfig } from './schema-service.ts'

/** What is said of a compose project, and beside it. */

const file = z.string().min(1)

export const ComposeConfig = z
  .union([
    oneOrMany(file),
    z.strictObject({
      files: oneOrMany(file).describe('Compose file, or several of which each changes those before it. Needed.'),
      profiles: z.array(z.string()).optional().describe('Profiles of the compose files whose services are deployed too.'),
      project: z
        .string()
        .regex(/^[a-z0-9][a-z0-9_-]*$/, 'must be a name as docker compose --project-name takes it: a-z, 0-9, "_" and "-"')
        .optional()
        .describe(
          'Name of the project: what its volumes and networks are called on the hosts begins with it. Default: COMPOSE_PROJECT_NAME or the key name of the compose files, else <app>-<environment>',
        ),
      env: env
        .optional()
        .describe(
          'Variables for the compose files. They are readable in this file and the record: no secrets, which are named by secrets.',
        ),
      'env-files': oneOrMany(file)
        .optional()
        .describe(
          'File of variables for the compose files, or several of which each changes those before it; env comes first. What one says that git does not have is secret. Default: .env beside the first compose file',
        ),
    }),
  ])
  .describe(
    'Compose project that is deployed: a file, a list of files, or a mapping. The plan translates it, so that hosts need no compose; services then says what compose cannot say. Values of secrets in it are variables that secrets names.',
  )
export type ComposeConfig = z.infer<typeof ComposeConfig>

/** What a service of a compose project says in launchway.yml; the rest is in the compose files. */
export const besideCompose = ['port', 'nginx', 'health', 'assets', 'overlap', 'cron', 'env', 'secrets', 'stop-timeout'] as const

/** Beside compose alone. */
export const ofProject = {
  once: z
    .boolean()
    .optional()
    .describe(
      'Beside compose alone. true: it runs once for each release and ends, before what waits for it: a migration. Default: true where another service waits until it has completed successfully',
    ),
  behind: z
    .string()
    .optional()
    .describe(
      "Beside compose alone. Service of the same project that leads visitors to this one: the project's own nginx, which is told at the switch.",
    ),
  data: z
    .boolean()
    .optional()
    .describe(
      'Beside compose alone. true: it keeps data and is left alone by releases, as accessories are. Default: true where it is not built here and may write into a named volume, or a folder of the host',
    ),
}

export const ServicesConfig = ServiceConfig.extend(ofProject)
export type ServicesConfig = z.infer<typeof ServicesConfig>
