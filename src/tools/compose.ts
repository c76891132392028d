import { z } from 'zod'
import { type Command, command, each, option } from '../core/command.ts'
import { Secret } from '../core/secret.ts'

/**
 * A project as `docker compose config --format json` writes it: short forms written out, paths absolute, variables
 * filled in, and every `$` of a value doubled, so that reading it again changes nothing. What is not named here is kept.
 * @see https://github.com/compose-spec/compose-spec/blob/main/spec.md
 */
const Labels = z.record(z.string(), z.string())
const Port = z.looseObject({
  target: z.int(),
  published: z.string().optional(),
  protocol: z.string().optional(),
  host_ip: z.string().optional(),
})
const Texts = z.record(z.string(), z.string().nullable())

export const ComposeService = z.looseObject({
  image: z.string().optional(),
  build: z
    .looseObject({
      context: z.string().optional(),
      dockerfile: z.string().optional(),
      dockerfile_inline: z.string().optional(),
      additional_contexts: z.record(z.string(), z.string()).optional(),
      target: z.string().optional(),
      args: Texts.optional(),
      labels: Labels.optional(),
    })
    .optional(),
  container_name: z.string().optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string().optional() })).optional(),
  deploy: z
    .looseObject({
      replicas: z.int().optional(),
      restart_policy: z.looseObject({ condition: z.string().optional(), max_attempts: z.int().optional() }).optional(),
    })
    .optional(),
  environment: Texts.optional(),
  external_links: z.array(z.string()).optional(),
  healthcheck: z
    .looseObject({
      test: z.array(z.string()).optional(),
      interval: z.string().optional(),
      retries: z.int().optional(),
      start_period: z.string().optional(),
      start_interval: z.string().optional(),
      disable: z.boolean().optional(),
    })
    .optional(),
  ipc: z.string().optional(),
  labels: Labels.optional(),
  links: z.array(z.string()).optional(),
  logging: z.looseObject({ driver: z.string().optional(), options: z.record(z.string(), z.unknown()).nullish() }).optional(),
  network_mode: z.string().optional(),
  networks: z
    .record(
      z.string(),
      z
        .looseObject({ aliases: z.array(z.string()).optional(), ipv4_address: z.string().optional(), ipv6_address: z.string().optional() })
        .nullable(),
    )
    .optional(),
  pid: z.string().optional(),
  ports: z.array(Port).optional(),
  profiles: z.array(z.string()).optional(),
  pull_policy: z.string().optional(),
  restart: z.string().optional(),
  scale: z.int().optional(),
  volumes: z
    .array(z.looseObject({ type: z.string().optional(), source: z.string().optional(), read_only: z.boolean().optional() }))
    .optional(),
  volumes_from: z.array(z.string()).optional(),
  secrets: z.array(z.looseObject({ source: z.string() })).nullish(),
  configs: z.array(z.looseObject({ source: z.string() })).nullish(),
})
export type ComposeService = z.infer<typeof ComposeService>

/** A network or a volume. */
const Resource = z.looseObject({
  name: z.string().optional(),
  external: z.boolean().optional(),
  labels: Labels.optional(),
  driver: z.string().optional(),
  driver_opts: z.record(z.string(), z.unknown()).optional(),
})
export type ComposeVolume = z.infer<typeof Resource>
const Network = Resource.extend({
  ipam: z.looseObject({ config: z.array(z.unknown()).optional() }).optional(),
})
export type ComposeNetwork = z.infer<typeof Network>

/** A secret or a config: in a file, in the environment, or written in the compose file itself. */
const Kept = z.looseObject({ file: z.string().optional(), environment: z.string().optional(), external: z.boolean().optional() })

export const ComposeProject = z.looseObject({
  name: z.string().optional(),
  services: z.record(z.string(), ComposeService),
  networks: z.record(z.string(), Network.nullable()).optional(),
  volumes: z.record(z.string(), Resource.nullable()).optional(),
  secrets: z.record(z.string(), Kept.nullable()).optional(),
  configs: z.record(z.string(), Kept.nullable()).optional(),
})
export type ComposeProject = z.infer<typeof ComposeProject>

/** Secrets and configs with their names: one of each may share a name. */
export function keptIn({ secrets = {}, configs = {} }: Pick<ComposeProject, 'secrets' | 'configs'>): [string, z.infer<typeof Kept>][] {
  const all = [...Object.entries(secrets), ...Object.entries(configs)]
  return all.flatMap(([name, one]): [string, z.infer<typeof Kept>][] => (one === null ? [] : [[name, one]]))
}

/** A project that runs: its file may hold secrets, so that it goes by the standard input alone. */
export interface Stack {
  project: string
  /** Where relative paths would begin; there are none any more. */
  directory: string
  file: ComposeProject
  /** What secrets and configs of the file are read from that are kept in the environment. */
  env: Readonly<Record<string, string>>
  /** Files of the same, absolute. */
  envFiles?: readonly string[]
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 }

/** Of a duration as compose renders it: `1m30s`, `1.5s`, `200ms`. */
export function durationMs(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/g)]
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0), 0)
}

const compose = (...args: Parameters<typeof command>[1]): Parameters<typeof command>[1] => ['compose', ...args]

/** Its version alone, such as 2.26.1. */
export const composeVersion = command('docker', compose('version', '--short'), { timeoutMs: 60_000 })

/** What the docker client reads of its environment. */
const ofDocker =
  'PATH HOME DOCKER_CONFIG DOCKER_HOST DOCKER_CONTEXT DOCKER_CERT_PATH DOCKER_TLS_VERIFY XDG_CONFIG_HOME TMPDIR SSH_AUTH_SOCK'.split(' ')

/** Renders the files of a user. What it prints may hold secrets. */
export function config(of: {
  files: readonly string[]
  /** Instead of the file .env of the directory. */
  envFiles?: readonly string[]
  profiles: readonly string[]
  directory: string
  env: Record<string, string>
  /** Instead of what compose finds for itself. */
  project?: string
  /** Variables stay as they are written, and no file of a service is read. */
  asWritten?: true
  /** Of the environment of this process it sees only what docker itself needs. */
  alone?: true
}): Command {
  const { files, envFiles, profiles, directory, env, project, asWritten, alone } = of
  return command(
    'docker',
    compose(
      each('--file', files),
      each('--env-file', envFiles),
      each('--profile', profiles),
      option('--project-name', project),
      '--project-directory',
      directory,
      'config',
      asWritten === true && '--no-interpolate',
      '--format',
      'json',
    ),
    { env, cwd: directory, ...(alone === true ? { drops: { prefix: '', but: ofDocker } } : {}) },
  )
}

function withFile({ project, directory, file, env, envFiles }: Stack, args: readonly string[], progress = 'quiet'): Command {
  return command(
    'docker',
    compose(
      '--progress',
      progress,
      '--project-name',
      project,
      '--project-directory',
      directory,
      each('--env-file', envFiles),
      '--file',
      '-',
      args,
    ),
    { stdin: new Secret(JSON.stringify(file)), cwd: directory, env, graceMs: 2_000 },
  )
}

/** Builds these services. @param env beside that of the stack */
export const build = (stack: Stack, services: readonly string[], env: Stack['env'] = {}): Command =>
  withFile({ ...stack, env: { ...stack.env, ...env } }, ['build', ...services], 'plain')
/** Pulls what is missing, and makes networks, volumes and containers. */
export const create = (stack: Stack): Command => withFile(stack, ['create', '--no-build'])
/** Starts what was made, in its order. */
export const up = (stack: Stack): Command => withFile(stack, ['up', '--detach', '--no-build', '--no-recreate'])
/** Runs a command in a container of its own. */
export const run = (stack: Stack, service: string, words: readonly string[]): Command =>
  withFile(stack, ['run', '--rm', '--no-deps', '-T', service, ...words])
