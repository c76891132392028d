import { healthIn } from './resolve-service.ts'
import type { Breach } from './rules.ts'
import type { ServiceConfig } from './schema-service.ts'

/** What of a health check means nothing without another key, or beside it. */
export function healthBreaches(path: (string | number)[], { health, port }: Pick<ServiceConfig, 'health' | 'port'>): Breach[] {
  if (health === undefined) return []
  const said = healthIn(health)
  const at = `${path.join('.')}.health`
  const found: Breach[] = []
  const breach = (key: string, message: string): void => {
    const place = typeof health === 'string' ? [] : [key]
    found.push({ path: [...path, 'health', ...place], onKey: true, message: `${at}: ${message}` })
  }
  if (said.path !== undefined && port === undefined)
    breach('path', 'a path is asked for over HTTP and needs port; without a port there are { command: [...] } and none')
  const ways = (['path', 'command', 'none'] as const).filter((key) => said[key] !== undefined)
  if (ways.length > 1) breach(ways[1] ?? '', `${ways.join(' and ')} exclude each other`)
  for (const key of ['host', 'status'] as const) if (said[key] !== undefined && said.path === undefined) breach(key, `${key} needs path`)
  const isProbed = said.path !== undefined || said.command !== undefined
  for (const key of ['interval', 'retries'] as const) {
    if (said[key] === undefined || isProbed) continue
    breach(key, `${key} is that of path or command. For the HEALTHCHECK of the image: options: ["--health-${key}=…"]`)
  }
  return found
}
