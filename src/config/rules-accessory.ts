import type { Breach } from './rules.ts'
import { refusedOptions } from './run-options.ts'
import type { EnvironmentConfig } from './schema.ts'
import { refusedSecret } from '../core/secret-names.ts'

const ownLabels = 'launchway.'

/** What an accessory must not say, and what it must not share with a service. */
export function accessoryBreaches(name: string, environment: EnvironmentConfig): Breach[] {
  return Object.entries(environment.accessories ?? {}).flatMap(([accessory, of]) => {
    const path = ['environments', name, 'accessories', accessory]
    const at = path.join('.')
    const found: Breach[] = []
    if (Object.hasOwn(environment.services ?? { web: {} }, accessory))
      found.push({ path, onKey: true, message: `${at}: a service has this name already, and both are reached by it` })
    if (of.publish !== undefined && of.port === undefined)
      found.push({ path: [...path, 'publish'], onKey: true, message: `${at}: publish needs port: where it listens inside its container` })
    for (const key of ['interval', 'retries'] as const) {
      if (of.health?.[key] === undefined || of.health.command !== undefined) continue
      const message = `${at}.health: ${key} is that of a command. For the HEALTHCHECK of the image: options: ["--health-${key}=…"]`
      found.push({ path: [...path, 'health', key], onKey: true, message })
    }
    for (const [index, secret] of (of.secrets ?? []).entries()) {
      if (Object.hasOwn(of.env ?? {}, secret))
        found.push({ path: [...path, 'env', secret], onKey: true, message: `${at}: ${secret} is both in env and in secrets` })
      const reason = refusedSecret(secret)
      if (reason !== undefined)
        found.push({ path: [...path, 'secrets', index], message: `${at}: a secret cannot be called ${secret}: ${reason}` })
    }
    for (const label of Object.keys(of.labels ?? {})) {
      if (label.startsWith(ownLabels))
        found.push({
          path: [...path, 'labels', label],
          onKey: true,
          message: `${at}: labels that begin with "${ownLabels}" are launchway's own`,
        })
    }
    for (const { index, message } of refusedOptions(of.options ?? []))
      found.push({ path: [...path, 'options', index], message: `${at}: ${message}` })
    return found
  })
}
