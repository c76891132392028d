import { smokeLabels } from '../core/names.ts'
import type { EngineContainer, Ports } from '../core/ports.ts'
import { namesOf } from './evidence.ts'
import { serviceOf } from './verdict.ts'

/** Says where a stack that stays is reached, how to look into it, and how it goes. Never fails: why a test failed counts more. */
export async function tellKept(project: string, { engine, log }: Pick<Ports, 'engine' | 'log'>): Promise<void> {
  const found = await engine.containers(`${smokeLabels.project}=${project}`).catch((error: unknown) => {
    log.warning(`what became of ${project} cannot be seen: ${error instanceof Error ? error.message : String(error)}`)
    return []
  })
  log.info(`kept: ${project}`)
  for (const line of addressesOf(found)) log.info(`  ${line}`)
  log.info(`look:  docker compose --project-name ${project} logs --follow`)
  log.info(`       docker compose --project-name ${project} exec SERVICE sh`)
  log.info('down:  launchway smoke --down')
}

/** Where each container of a stack is reached, or what else becomes of it; a line each. */
export function addressesOf(found: readonly EngineContainer[]): string[] {
  const containers = found.filter((one) => serviceOf(one) !== undefined)
  const names = namesOf(containers)
  return containers
    .map((one) => ({ one, name: names.get(one.id) ?? '' }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ one, name }) => {
      if (one.status !== 'running') return [`${name}: ${one.status} (exit code ${one.exitCode})`]
      const ports = Object.entries(one.ports)
      if (ports.length === 0) return [`${name}: publishes no port`]
      return ports.map(([inside, { address, port }]) => `${name}: ${address}:${port} is its ${inside}`)
    })
}
