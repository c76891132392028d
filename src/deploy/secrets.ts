import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import type { Secret } from '../core/secret.ts'
import { composedNames, type Texts, withComposed, writtenTexts } from './composed.ts'
import { type OwnSecrets, withEnvFiles } from './env-files.ts'
import type { Wanted } from './wanted.ts'

/** All that containers are given and nobody may see. */
export interface RequiredSecrets {
  /** The environment with the names that its env files have. */
  environment: Environment
  /** From the environment of the step, by name. */
  secrets: ReadonlyMap<string, Secret>
  /** From env files, and those of which secrets are a part. */
  own: OwnSecrets
  texts: Texts
}

/**
 * The secrets of an environment's services and accessories, whole and in part; all that are missing at once.
 * @throws LaunchwayError SECRET_MISSING
 */
export async function requiredSecrets(environment: Environment, ports: Ports): Promise<RequiredSecrets> {
  const owners = [...environment.services, ...environment.accessories]
  const whole = new Set(owners.flatMap(({ secrets }) => secrets))
  const found = namedSecrets([...whole, ...composedNames(owners)], environment.name, ports)
  const valueOf = (name: string): Secret | undefined => found.get(name)
  const texts = writtenTexts(owners, valueOf)
  const read = withComposed(await withEnvFiles(environment, ports), valueOf, ports.conceal)
  // What is only a part of something is no variable of any container.
  return { ...read, texts, secrets: new Map([...found].filter(([name]) => whole.has(name))) }
}

/**
 * Secrets of the environment of the step; all that are missing at once.
 * @param more lines for people where one is missing
 * @throws LaunchwayError SECRET_MISSING
 */
export function namedSecrets(
  names: readonly string[],
  environment: string,
  ports: Ports,
  more: readonly string[] = [],
): Map<string, Secret> {
  const found = new Map<string, Secret>()
  const missing: string[] = []
  for (const name of new Set(names)) {
    const secret = ports.secret(name)
    if (secret === undefined) missing.push(name)
    else found.set(name, secret)
  }
  if (missing.length > 0) throw missingSecrets(environment, missing, more)
  return found
}

export function missingSecrets(environment: string, names: readonly string[], more: readonly string[] = []): LaunchwayError {
  const lines = [
    `At a terminal: export ${names.map((name) => `${name}=…`).join(' ')}`,
    'In a workflow, in the step:',
    '  env:',
    ...names.map((name) => `    ${name}: \${{ secrets.${name} }}`),
    ...more,
  ]
  return new LaunchwayError('SECRET_MISSING', `${environment} needs ${names.join(', ')}`, { hint: lines.join('\n') })
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
