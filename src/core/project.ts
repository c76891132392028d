import { z } from 'zod'
import { Name } from './names.ts'

/**
 * What a compose project says beyond the services and accessories of launchway.yml. `plan/` translates the rendered
 * project once, so that a host needs no compose and the host program serves both.
 */

/**
 * Text in which `${NAME}` is the value of a secret of the step that deploys, and `$$` a dollar sign. Nothing else begins
 * with a dollar sign.
 */
const Composed = z.string()

/** What services and accessories of a project have more than others. */
export const ofProject = {
  /** It starts once these are started, well, or have ended well, each a service or an accessory of the environment. */
  after: z.array(z.strictObject({ name: Name, until: z.enum(['started', 'healthy', 'completed']) })).optional(),
  /** It runs once for each release and ends, before those that come after it: a migration. Never one of an accessory. */
  once: z.literal(true).optional(),
  /** By network: further names than its own, which it has on each. */
  aliases: z.record(z.string(), z.array(z.string())).optional(),
  /** What it publishes beside `publish`, as `docker run --publish` takes it. There is one holder: the old one stops first. */
  ports: z.array(z.string()).optional(),
  /** Variables in which a secret is a part, by name. */
  composed: z.record(z.string(), Composed).optional(),
  /** Files and folders of the repository that travel with the release and are mounted from there. */
  files: z.array(z.strictObject({ source: z.string(), target: z.string(), readOnly: z.boolean() })).optional(),
  /** Files that are written on the host and mounted: configs and secrets of a project. The mode in octal, as `0440`. */
  texts: z
    .array(z.strictObject({ target: z.string(), text: Composed, mode: z.string(), uid: z.string().optional(), gid: z.string().optional() }))
    .optional(),
  /** The service of the same environment that leads visitors to it: an nginx that looks its name up again at the switch. */
  behind: Name.optional(),
}

/** What the environment has of the project as a whole. */
export const Project = z.strictObject({
  /** As `docker compose --project-name`: what its volumes and networks are called begins with it. */
  name: z.string(),
  /** By name: images that are not built here, `name:tag@sha256:…`. */
  pulled: z.record(Name, z.string()),
  /** By name on the host: the options of `docker network create` for one that is not there. */
  networks: z.record(z.string(), z.array(z.string())),
  /** By name on the host: the options of `docker volume create` for one that is not there. */
  volumes: z.record(z.string(), z.array(z.string())),
  /** What must be there before, or the host is unfit. */
  external: z.strictObject({ networks: z.array(z.string()), volumes: z.array(z.string()), paths: z.array(z.string()) }),
})
export type Project = z.infer<typeof Project>
