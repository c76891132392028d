import type { DeployedService } from '../tools/compose-deployed.ts'
import type { Findings } from './project-findings.ts'
import { composed, onlySecret, secretsIn } from './project-placeholders.ts'

/** Variables of a container: those that everybody may read, names of secrets, and those of which a secret is a part. */
export interface Variables {
  env: Record<string, string>
  secrets: string[]
  composed: Record<string, string>
}

/** @param said what launchway.yml adds, which comes first */
export function variablesOf(
  { environment }: Pick<DeployedService, 'environment'>,
  said: { env: Readonly<Record<string, string>>; secrets: readonly string[] },
): Variables {
  const found: Variables = { env: {}, secrets: [...said.secrets], composed: {} }
  for (const [name, value] of Object.entries(environment ?? {})) {
    // Without a value: one that nobody has given.
    if (value === null || Object.hasOwn(said.env, name) || said.secrets.includes(name)) continue
    if (onlySecret(value) === name) found.secrets.push(name)
    else if (secretsIn(value).length > 0) found.composed[name] = composed(value)
    else found.env[name] = value
  }
  return { ...found, env: { ...found.env, ...said.env } }
}

/** Where a value is kept that only the deploy may know. */
const mayHold: readonly string[] = ['environment', 'build']

/** Anywhere else it would stand in the record, on a command line, or in what `docker inspect` shows everybody. */
export function refuseSecrets(name: string, service: DeployedService, found: Findings): void {
  for (const [key, value] of Object.entries(service)) {
    if (mayHold.includes(key)) continue
    for (const secret of secretsIn(value)) {
      const message = `the value of ${secret} is secret, and would be readable in ${key}: hand it over in environment or as a secret; if it is none, say it in launchway.yml (compose: { env: { ${secret}: … } })`
      found.refused.push({ path: ['services', name, key], message })
    }
  }
}
