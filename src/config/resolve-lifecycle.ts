import type { Service } from '../core/deployment.ts'
import type { Lifecycle } from '../core/lifecycle.ts'
import { milliseconds } from '../core/units.ts'
import type { LifecycleConfig } from './schema-lifecycle.ts'

/** @param services those of the environment, in their order */
export function resolveLifecycle(
  { confirm, rollback, probe, ...config }: LifecycleConfig & { url?: string | undefined },
  services: readonly Service[],
): Lifecycle {
  const steps = [config['before-switch'] ?? []].flat()
  const service = (services.find(({ nginx }) => nginx !== undefined) ?? services[0])?.name ?? ''
  const asked = typeof probe === 'string' ? { path: probe } : probe
  return {
    ...(steps.length === 0
      ? {}
      : {
          beforeSwitch: steps.map((step) => ({
            service: step.service ?? service,
            command: step.command,
            timeoutMs: milliseconds(step.timeout ?? '5m'),
          })),
        }),
    ...(confirm === undefined || confirm === false ? {} : { confirm: confirm === true ? {} : { withinMs: milliseconds(confirm) } }),
    ...(rollback === undefined || rollback === true
      ? {}
      : { noReturn: rollback === false ? 'its launchway.yml says rollback: false' : rollback }),
    ...(asked === undefined || config.url === undefined
      ? {}
      : {
          probe: {
            url: probeUrl(config.url, asked.path),
            ...(asked.status === undefined ? {} : { status: asked.status }),
            timeoutMs: milliseconds(asked.timeout ?? '30s'),
          },
        }),
  }
}

/** Below the path of the url, if it has one: an application may live in a folder of a site. */
function probeUrl(url: string, path: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname.replace(/\/$/, '')}${path}`
}
