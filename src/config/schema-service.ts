import { z } from 'zod'
import { Duration } from '../core/units.ts'
import { AssetsConfig, NginxConfig } from './schema-nginx.ts'
import { env, envName, port, scalar } from './schema-parts.ts'
import { Volume } from './schema-volume.ts'

/** What is said of a service: of one `docker run` on a host. */

/** Docker makes no container with less. */
const leastMemory = 6 * 2 ** 20
const aMemory = 'must be a number and a unit, and 6m at least: 512m or 1.5g'

/** In bytes, as docker counts: `1k` is 1024. */
function memoryOf(size: string): number {
  const [, count = '', unit = ''] = /^([\d.]+) ?([a-z])/i.exec(size) ?? []
  return Number(count) * 2 ** (10 * ('kmgt'.indexOf(unit.toLowerCase()) + 1))
}

const HealthConfig = z.strictObject({
  path: z.string().startsWith('/').optional().describe('Path to ask for, on the published port. Needs port.'),
  host: z.string().optional().describe('Host header to send, for an application that answers to its own name only. Default: the address'),
  status: z.int().min(100).max(599).optional().describe('The one status that means healthy. Default: any from 200 to 299'),
  command: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      "Command in the container that ends with 0 when it is well, a list of words: instead of path, and of the image's HEALTHCHECK.",
    ),
  none: z
    .literal(true)
    .optional()
    .describe(
      "There is no check, and the image's HEALTHCHECK is not run: it counts that the container stays up. For a worker of an image whose HEALTHCHECK asks the web.",
    ),
  interval: Duration.optional().describe("Time between two probes by path or command; the image's HEALTHCHECK has its own. Default: 500ms"),
  retries: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Probes by path or command that may fail one after the other, at the interval; with the last of them the deploy is undone, before the timeout. Default: as many as the timeout allows',
    ),
  timeout: Duration.optional().describe('Time until the service must be healthy; then the deploy is undone. Default: 60s'),
  settle: Duration.optional().describe(
    'Time the service must stay healthy before the old version may stop; behind nginx it has visitors for the last half second of it. Without port and without any check it counts from the start, while the rest of the deploy goes on. Default: 1s; 10s without port and without any check',
  ),
})

/** What a service and an accessory say in the same words. */
export const shared = {
  restart: z
    .string()
    .regex(/^(no|always|unless-stopped|on-failure(:\d+)?)$/, 'must be no, always, unless-stopped, on-failure or on-failure:5')
    .optional()
    .describe(
      'When the engine starts the container again, as docker run --restart; it counts once the release is recorded. Default: unless-stopped',
    ),
  logging: z
    .strictObject({
      driver: z.string().optional().describe("Log driver, as docker run --log-driver. Default: the engine's own"),
      options: z.record(z.string(), scalar).optional().describe('Options of the driver, as docker run --log-opt, such as max-size: 10m.'),
    })
    .optional()
    .describe("Where the engine keeps what the container writes. Default: the engine's own settings"),
  'env-files': z
    .array(z.string())
    .optional()
    .describe(
      'Files with NAME=value lines (dotenv: quotes, values of several lines; no interpolation), as paths from the root of the repository, read where the deploy runs. Every value is treated as a secret; of several files the last says it, and env and secrets win.',
    ),
}

export const ServiceConfig = z.strictObject({
  image: z.string().optional().describe('Name of an image of this file. Default: the only one'),
  command: z.array(z.string()).optional().describe("Command to run, a list of words; no shell splits it. Default: the image's own"),
  entrypoint: z.array(z.string()).min(1).optional().describe("Entry point, a list of words. Default: the image's own"),
  port: port
    .optional()
    .describe(
      'Port on which the service listens inside its container. nginx on the host leads to it, unless publish gives it a public port of its own.',
    ),
  publish: z
    .union([port, z.string().regex(/^[\d.]+:\d+$|^\[[0-9a-f:]+\]:\d+$/, 'must be a port, or address:port')])
    .optional()
    .describe(
      'Public port of the host (or address:port) that leads to port. Two versions cannot share it: the old one is stopped first, and the downtime is measured.',
    ),
  nginx: NginxConfig.optional().describe(
    'How nginx on the host leads to port: launchway writes the server, and switches it from one version to the next. Default: with port and without publish, a server for the name in url',
  ),
  assets: AssetsConfig.optional().describe(
    'Files that pages ask for under names of one version (app-3f9a.js): nginx gives those of this version and of the one before wherever the running one answers 404. One folder, or a list. Default: the running version alone answers',
  ),
  health: z
    .union([z.string().regex(/^(\/.*|none)$/, 'must be a path that begins with "/", or none'), HealthConfig])
    .optional()
    .describe(
      "HTTP path that answers 2xx when the service is well, which needs port; or none, for no check at all; or a mapping with more, such as a command. Default: the image's HEALTHCHECK, else that it stays up: for a second with port, for ten without",
    ),
  env: env.optional().describe('Environment variables that are not secret: they are readable in this file, the record and docker inspect.'),
  secrets: z
    .array(envName)
    .optional()
    .describe(
      'Names of secrets: each value is taken from the environment of the step that deploys, and given to the container under the same name.',
    ),
  volumes: z
    .array(Volume)
    .optional()
    .describe(
      'Volumes and folders of the host, as docker run --volume: name:/path or /folder:/path[:ro]. Files of the repository travel with compose alone.',
    ),
  networks: z.array(z.string()).optional().describe('Docker networks to join; made if they are not there. Default: the default bridge'),
  user: z.string().optional().describe('User and group in the container, as docker run --user. Default: that of the image'),
  'cap-add': z.array(z.string()).optional().describe('Capabilities to add, as docker run --cap-add.'),
  'cap-drop': z.array(z.string()).optional().describe('Capabilities to take away, as docker run --cap-drop.'),
  'group-add': z.array(z.string()).optional().describe('Further groups of the user, as docker run --group-add.'),
  privileged: z.boolean().optional().describe('All rights of the host, as docker run --privileged. Default: false'),
  devices: z.array(z.string()).optional().describe('Devices of the host, as docker run --device.'),
  memory: z
    .string(aMemory)
    .regex(/^\d+(\.\d+)? ?[kKmMgGtT][iI]?[bB]?$/, { error: aMemory, abort: true })
    .refine((size) => memoryOf(size) >= leastMemory, aMemory)
    .optional()
    .describe('Most memory the container may take, a number and a unit (512m, 1.5g), as docker run --memory. Default: no limit'),
  cpus: z
    .number()
    .positive()
    .optional()
    .describe('Most processor time, in processors: 1.5 is one and a half, as docker run --cpus. Default: no limit'),
  'stop-signal': z
    .string()
    .optional()
    .describe('Signal that asks the container to end, as docker run --stop-signal. Default: that of the image, else SIGTERM'),
  'stop-timeout': Duration.optional().describe('Time between the stop signal and SIGKILL, for requests and jobs to finish. Default: 10s'),
  ...shared,
  overlap: z
    .boolean()
    .optional()
    .describe(
      'Whether two versions may run at once. false: the old container is stopped before the new one starts, for schedulers and fixed names. Default: true',
    ),
  cron: z
    .string()
    .optional()
    .describe(
      'Times at which the container is started, by the host\'s clock: five fields as in a crontab ("30 3 * * 1-5"), or @hourly, @daily, @weekly, @monthly. It is not kept running then, and one run never overlaps another. Not beside port, publish, nginx, health, overlap or restart. Default: it is kept running',
    ),
  labels: z.record(z.string(), z.string()).optional().describe('Labels of the container, beside those of launchway.'),
  options: z
    .array(z.string())
    .optional()
    .describe(
      'Further docker run options, each a word of its own: no shell splits them. What has a key here, such as labels or publish, is refused.',
    ),
})
export type ServiceConfig = z.infer<typeof ServiceConfig>
