import { isNamed, mountsOf } from '../core/volume.ts'
import type { Breach } from './rules.ts'
import { machine } from './rules-ports.ts'
import type { Config, EnvironmentConfig } from './schema.ts'

interface Held {
  /** Where it is written down, for people: `production.accessories.db`. */
  at: string
  path: (string | number)[]
  volume: string
  isShared: boolean
}

/**
 * Volumes of a host that two environments would write to: a host has one of each name, whoever asks for it. What else has
 * it there, the deploy sees. Those of a compose project and of a stack are called after it.
 */
export function volumeBreaches({ environments = {} }: Config): Breach[] {
  const byHost = new Map<string, Map<string, Held>>()
  return Object.entries(environments).flatMap(([environment, said]) => {
    if (said.compose !== undefined || said.swarm !== undefined) return []
    const hosts = new Set([said.host ?? [], said.hosts ?? []].flat().map(machine))
    const own = heldIn(environment, said)
    const found = own.flatMap((one): Breach[] => {
      const other = [...hosts].flatMap((host) => byHost.get(host)?.get(one.volume) ?? [])[0]
      if (other === undefined || (other.isShared && one.isShared)) return []
      const message = `the volume ${one.volume} is that of environments.${other.at} as well, on the same host, and both would write into it: call this one ${environment}-${one.volume}; or, where both are made for that, say shared-volumes: [${one.volume}] in both environments`
      return [{ path: one.path, message }]
    })
    for (const host of hosts) {
      const held = byHost.get(host) ?? new Map<string, Held>()
      byHost.set(host, held)
      for (const one of own) if (!held.has(one.volume) || !one.isShared) held.set(one.volume, one)
    }
    return found
  })
}

/** By name, the first place of each that is written to. */
function heldIn(environment: string, said: EnvironmentConfig): Held[] {
  const path = ['environments', environment]
  const services = Object.entries(said.services ?? {}).map(([name, of]) => ({ of, path: [...path, 'services', name] }))
  const accessories = Object.entries(said.accessories ?? {}).map(([name, of]) => ({ of, path: [...path, 'accessories', name] }))
  const held = new Map<string, Held>()
  for (const { of, path: at } of [{ of: said, path }, ...services, ...accessories]) {
    for (const [index, volume] of (of.volumes ?? []).entries()) {
      const [mount] = mountsOf({ volumes: [volume] })
      if (mount === undefined || mount.readOnly || !isNamed(mount) || held.has(mount.source)) continue
      held.set(mount.source, {
        at: at.slice(1).join('.'),
        path: [...at, 'volumes', index],
        volume: mount.source,
        isShared: (said['shared-volumes'] ?? []).includes(mount.source),
      })
    }
  }
  return [...held.values()]
}
