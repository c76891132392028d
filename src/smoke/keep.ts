import { smokeLabels } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { namesOf } from './evidence.ts'
import { serviceOf } from './verdict.ts'

/** Says where a stack that stays is reached, how to look into it, and how it goes. Never fails: why a test failed counts more. */
export async function tellKept(project: string, { engine, log }: Pick<Ports, 'engine' | 'log'>): Promise<void> {
  const found = await engine.containers(`${smokeLabels.project}=${project}`).catch((error: unknown) => {
    log.warning(`what became of ${project} cannot be seen: ${error instanceof Error ? error.message : String(error)}`)
    return []
  })
  const containers = found.filter((one) => serviceOf(one) !== undefined)
  const names = namesOf(containers)
  log.info(`kept: ${project}`)
  for (const one of containers.toSorted((a, b) => ((names.get(a.id) ?? '') < (names.get(b.id) ?? '') ? -1 : 1))) {
    const name = names.get(one.id) ?? ''
    if (one.status !== 'running') log.info(`  ${name}: ${one.status} (exit code ${one.exitCode})`)
    else if (Object.keys(one.ports).length === 0) log.info(`  ${name}: publishes no port`)
    for (const [inside, { address, port }] of Object.entries(one.ports)) log.info(`  ${name}: ${address}:${port} is its ${inside}`)
  }
  log.info(`look:  docker compose --project-name ${project} logs --follow`)
  log.info(`       docker compose --project-name ${project} exec SERVICE sh`)
  log.info('down:  launchway smoke --down')
}
