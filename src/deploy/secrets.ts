import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import type { Secret } from '../core/secret.ts'
import { type OwnSecrets, withEnvFiles } from './env-files.ts'
import type { Wanted } from './wanted.ts'

/** All that containers are given and nobody may see. */
export interface RequiredSecrets {
  /** The environment with the names that its env files have. */
  environment: Environment
  /** From the environment of the step, by name. */
  secrets: ReadonlyMap<string, Secret>
  /** From env files. */
  own: OwnSecrets
}

/**
 * The secrets of an environment's services and accessories; all that are missing at once.
 * @throws LaunchwayError SECRET_MISSING
 */
export async function requiredSecrets(environment: Environment, ports: Ports): Promise<RequiredSecrets> {
  const found = new Map<string, Secret>()
  const missing: string[] = []
  for (const name of new Set([...environment.services, ...environment.accessories].flatMap(({ secrets }) => secrets))) {
    const secret = ports.secret(name)
    if (secret === undefined) missing.push(name)
    else found.set(name, secret)
  }
  if (missing.length > 0) {
    throw new LaunchwayError('SECRET_MISSING', `${environment.name} needs ${missing.join(', ')}`, {
      hint: `At a terminal: export ${missing.map((name) => `${name}=…`).join(' ')}\nIn a workflow, in the step:\n  env:\n${missing.map((name) => `    ${name}: \${{ secrets.${name} }}`).join('\n')}`,
    })
  }
  return { ...(await withEnvFiles(environment, ports)), secrets: found }
}

/** What to pull with, for those of the registries that are asked for and have a login. */
export async function loginsTo(hosts: ReadonlySet<string>, registries: readonly Registry[], ports: Ports): Promise<Wanted['logins']> {
  const logins = new Map<string, Credentials>()
  for (const settings of registries) {
    const credentials = hosts.has(settings.host) ? await ports.registry.credentials(settings) : undefined
    if (credentials !== undefined) logins.set(settings.host, credentials)
  }
  return logins
}
