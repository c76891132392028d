import type { DeployedService, Published } from '../tools/compose-deployed.ts'
import type { Findings } from './project-findings.ts'

/** How a service of a project is reached from outside. */
export interface Reached {
  port?: number
  publish?: string
  /** Beside that, as `docker run --publish` takes it. */
  ports: string[]
}

/** What launchway.yml says of it. */
export interface Way {
  port: number | undefined
  /** Something is asked of the service over HTTP. */
  isAsked: boolean
  /** nginx on the host leads to it. */
  byNginx: boolean
}

/**
 * A port that is published as it is has one holder; where nginx leads to the same port, that way takes its place, since
 * the old and the new version could not both hold it.
 */
export function reachedBy(service: string, { ports = [] }: Pick<DeployedService, 'ports'>, way: Way, found: Findings): Reached {
  const path = ['services', service, 'ports']
  const all = ports ?? []
  const targets = [...new Set(all.filter(isTcp).map(({ target }) => target))]
  const port = way.port ?? (targets.length === 1 ? targets[0] : undefined)
  if (port === undefined && (way.byNginx || way.isAsked)) {
    const which = targets.length === 0 ? 'the compose files publish none' : `they publish ${targets.join(', ')}`
    found.refused.push({
      path,
      message: `say in launchway.yml which port of its container is meant (services: { ${service}: { port: … } }): ${which}`,
    })
  }
  const kept = way.byNginx ? all.filter((one) => !(isTcp(one) && one.target === port)) : all
  for (const one of all) {
    if (kept.includes(one) || one.published === undefined) continue
    found.notes.push({ service, text: `its port ${hostOf(one)} gives way to nginx, which leads to ${one.target}` })
  }
  const fixed = kept.filter((one) => isFixed(one, path, found))
  const main = way.byNginx ? undefined : fixed.find((one) => isTcp(one) && one.target === port)
  return {
    ...(port === undefined || (!way.byNginx && main === undefined) ? {} : { port }),
    ...(main === undefined ? {} : { publish: hostOf(main) }),
    ports: fixed.filter((one) => one !== main).map((one) => `${hostOf(one)}:${one.target}${isTcp(one) ? '' : `/${one.protocol}`}`),
  }
}

const isTcp = ({ protocol = 'tcp' }: Published): boolean => protocol === 'tcp'

function isFixed({ published, target }: Published, path: readonly string[], found: Findings): boolean {
  if (published !== undefined && /^\d+$/.test(published)) return true
  const what =
    published === undefined ? `a port that docker chooses leads to ${target}` : `docker chooses one of ${published} for ${target}`
  found.refused.push({
    path,
    message: `${what}, and after a release it would be another: write which one ("8080:${target}"), or leave it out`,
  })
  return false
}

/** `8080`, `127.0.0.1:8080`, `[::1]:8080`. */
function hostOf({ host_ip: address = '', published = '' }: Published): string {
  if (address === '') return published
  return `${address.includes(':') && !address.startsWith('[') ? `[${address}]` : address}:${published}`
}
