import { z } from 'zod'
import { Name } from './names.ts'
import { plain } from './plain.ts'

/**
 * What a compose project says beyond the services and accessories of launchway.yml. `plan/` translates the rendered
 * project once, so that a host needs no compose and the host program serves both.
 */

/**
 * Text in which `${NAME}` is the value of a secret of the step that deploys, and `$$` a dollar sign. Nothing else begins
 * with a dollar sign.
 */
const Composed = plain.text

/** What services and accessories of a project have more than others. */
export const ofProject = {
  /** It starts once these are started, well, or have ended well, each a service or an accessory of the environment. */
  after: z.array(z.strictObject({ name: Name, until: z.enum(['started', 'healthy', 'completed']) })).optional(),
  /** It runs once for each release and ends, before those that come after it: a migration. Never one of an accessory. */
  once: z.literal(true).optional(),
  /** By network: further names than its own, which it has on each. */
  aliases: z.record(plain.text, plain.texts).optional(),
  /** What it publishes beside `publish`, as `docker run --publish` takes it. There is one holder: the old one stops first. */
  ports: plain.optionalTexts,
  /** Variables in which a secret is a part, by name. */
  composed: z.record(plain.text, Composed).optional(),
  /** Files and folders of the repository that travel with the release and are mounted from there. */
  files: z.array(z.strictObject({ source: plain.text, target: plain.text, readOnly: plain.flag })).optional(),
  /** Files that are written on the host and mounted: configs and secrets of a project. The mode in octal, as `0440`. */
  texts: z
    .array(z.strictObject({ target: plain.text, text: Composed, mode: plain.text, uid: plain.optionalText, gid: plain.optionalText }))
    .optional(),
  /** The service of the same environment that leads visitors to it: an nginx that looks its name up again at the switch. */
  behind: Name.optional(),
}

/** What the environment has of the project as a whole. */
export const Project = z.strictObject({
  /** As `docker compose --project-name`: what its volumes and networks are called begins with it. */
  name: plain.text,
  /** By name: images that are not built here, `name:tag@sha256:…`. */
  pulled: z.record(Name, plain.text),
  /** By name on the host: the options of `docker network create` for one that is not there. */
  networks: z.record(plain.text, plain.texts),
  /** By name on the host: the options of `docker volume create` for one that is not there. */
  volumes: z.record(plain.text, plain.texts),
  /** What must be there before, or the host is unfit. */
  external: z.strictObject({ networks: plain.texts, volumes: plain.texts, paths: plain.texts }),
})
export type Project = z.infer<typeof Project>
