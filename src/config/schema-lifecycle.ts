import { z } from 'zod'
import { Name } from '../core/names.ts'
import { Duration } from '../core/units.ts'
import { oneOrMany } from './schema-parts.ts'

/** What is said of the life of a release in an environment: before it is live, while it is, and how it may be left. */

const BeforeSwitch = z.strictObject({
  command: z.array(z.string()).min(1).describe('Command to run, a list of words; no shell splits it. Needed.'),
  service: Name.optional().describe(
    'Service whose image, environment, secrets, volumes, networks and user it runs with. Default: the first that nginx leads to, else the first',
  ),
  timeout: Duration.optional().describe('Time after which it is ended, and the deploy with it. Default: 5m'),
})

const OutsideProbe = z.strictObject({
  path: z.string().startsWith('/').describe('Path to ask for, at the url of the environment. Needed.'),
  status: z.int().min(100).max(599).optional().describe('The one status that means healthy. Default: any from 200 to 299'),
  timeout: Duration.optional().describe('Time in which the answer must be good; then the hosts go back. Default: 30s'),
})

export const LifecycleConfig = z.strictObject({
  'before-switch': oneOrMany(BeforeSwitch)
    .optional()
    .describe(
      'Command to run once in the new image, such as a database migration, before anything that runs is touched; or a list of them. With several hosts it runs on the first.',
    ),
  confirm: z
    .union([z.boolean(), Duration])
    .optional()
    .describe(
      'true: the new version waits until somebody says launchway confirm or launchway abort, and no other is deployed meanwhile; with a time (24h) it counts as confirmed once that has passed. Default: false',
    ),
  rollback: z
    .union([z.boolean(), z.string().min(1)])
    .optional()
    .describe(
      'false, or a reason in words: this version cannot be left by rollback or abort, such as one whose migration drops a column. Default: true',
    ),
  probe: z
    .union([z.string().startsWith('/'), OutsideProbe])
    .optional()
    .describe(
      'Path that is asked for at url, as the public does, once all hosts have switched; when it does not answer 2xx, the hosts go back. Or a mapping with more. Needs url. Default: nothing is asked',
    ),
})
export type LifecycleConfig = z.infer<typeof LifecycleConfig>
