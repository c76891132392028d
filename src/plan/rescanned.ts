import { resolveApp } from '../config/resolve.ts'
import type { Ports } from '../core/ports.ts'
import { factsFor } from './facts.ts'
import { plan, sectionToRescan } from './plan.ts'
import { findFiles, readConfig } from './run.ts'
import type { Trigger } from './trigger.ts'

/**
 * What a schedule looks at, for who wants to tell that it could not: no registry is asked. Undefined of a run that does
 * something else, or nothing.
 */
export async function rescanOf(
  configFile: string,
  trigger: Trigger,
  ports: Ports,
): Promise<{ app: string; environment: string } | undefined> {
  if (trigger.event !== 'schedule' || trigger.idle !== undefined) return undefined
  const config = await readConfig(configFile, ports)
  const [files, facts] = await Promise.all([findFiles(ports), factsFor(config, trigger, ports)])
  const found = { ...files, facts }
  const { environment, scan } = sectionToRescan(config, trigger, plan(config, trigger, found), found) ?? {}
  return environment === undefined || scan === undefined ? undefined : { app: resolveApp(config), environment: environment.name }
}
