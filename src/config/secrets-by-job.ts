import { resolveEvidence } from './evidence.ts'
import { resolveBases, resolveImages } from './resolve-image.ts'
import { resolveRegistries } from './resolve.ts'
import type { Config, EnvironmentConfig } from './schema.ts'

/** Names of environment variables that hold secrets, by the job of a workflow that needs them. Each list has a name once. */
export interface SecretsByJob {
  /** What builds, tests and pushes: secrets and keys of builds, the key that signs and its password. Of a bake file nothing is known here. */
  release: string[]
  /** By environment, what deploys there: its SSH key first, then what services and accessories are given. */
  deploy: Map<string, string[]>
  /** Passwords of registries: in every job. */
  everywhere: string[]
  /** The release job signs as itself, and asks GitHub for its identity: the permission `id-token: write`. */
  needsIdentity: boolean
}

/** Which secrets a configuration names, and whose they are. The password of a key that signs may be missing: not every key has one. */
export function secretsByJob(config: Config): SecretsByJob {
  const builds = [...resolveImages(config), ...resolveBases(config)].flatMap(({ secrets = [], ssh = [] }) => [
    ...secrets.flatMap(({ env }) => env ?? []),
    ...ssh.flatMap(({ key }) => key ?? []),
  ])
  const sign = resolveEvidence(config)?.sign
  return {
    release: once([...builds, ...(sign?.kind === 'key' ? [sign.key, sign.password] : [])]),
    deploy: new Map(Object.entries(config.environments ?? {}).map(([name, environment]) => [name, namedIn(environment)])),
    everywhere: once(resolveRegistries(config).flatMap(({ password }) => password ?? [])),
    needsIdentity: sign?.kind === 'keyless',
  }
}

function namedIn(environment: EnvironmentConfig): string[] {
  const { ssh, services = {}, accessories = {} } = environment
  const containers = [environment, ...Object.values(services), ...Object.values(accessories)]
  return once([ssh?.key ?? 'SSH_KEY', ...containers.flatMap(({ secrets = [] }) => secrets)])
}

function once(names: readonly string[]): string[] {
  return [...new Set(names)]
}
