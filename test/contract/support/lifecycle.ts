import { localProbe } from '../../../src/adapters/probe.ts'
import type { Lifecycle } from '../../../src/core/lifecycle.ts'
import type { Ports } from '../../../src/core/ports.ts'
import { parseRelease } from '../../../src/core/release.ts'
import { abort, confirm } from '../../../src/deploy/confirm.ts'
import { rollback, type RollbackWish } from '../../../src/deploy/rollback.ts'
import { deploy } from '../../../src/deploy/run.ts'
import type { Hooks, HostUnderTest } from './host.ts'
import { portsFor, type PushedImage, releaseFor, type Wish } from './release.ts'

export interface Way extends Partial<Wish>, Lifecycle {
  version: string
}

const lifecycleKeys = ['beforeSwitch', 'confirm', 'noReturn', 'probe'] as const

export function releaseOf(host: HostUnderTest, of: PushedImage, way: Way): ReturnType<typeof releaseFor> {
  const record = releaseFor(host, of, way)
  const said = Object.fromEntries(lifecycleKeys.flatMap((key) => (way[key] === undefined ? [] : [[key, way[key]]])))
  return parseRelease(
    JSON.stringify({ ...record, plan: { ...record.plan, environment: { ...record.plan.environment, ...said } } }),
    'the record of the test',
  )
}

export function portsOf(host: HostUnderTest, way: Partial<Way>, hooks: Hooks = {}): Ports {
  return { ...portsFor(() => host.remote(hooks), { version: '', ...way }), probe: localProbe }
}

export async function release(host: HostUnderTest, image: PushedImage, way: Way, hooks: Hooks = {}) {
  const record = releaseOf(host, image, way)
  return { ...(await deploy(record, portsOf(host, way, hooks))), release: record.id }
}

export function environmentOf(host: HostUnderTest) {
  const { environment } = releaseOf(
    host,
    { repository: 'registry.invalid/nothing', digest: `sha256:${'0'.repeat(64)}` },
    { version: 'as configured now' },
  ).plan
  if (environment === undefined) throw new Error('no environment')
  return environment
}

export const confirmed = (host: HostUnderTest) => confirm(host.app, environmentOf(host), portsOf(host, {}))
export const aborted = (host: HostUnderTest, wish: RollbackWish = {}) => abort(host.app, environmentOf(host), portsOf(host, {}), wish)
export const back = (host: HostUnderTest, wish: RollbackWish = {}) => rollback(host.app, environmentOf(host), portsOf(host, {}), wish)

export const sh = (script: string, timeoutMs = 60_000): NonNullable<Lifecycle['beforeSwitch']>[number] => ({
  service: 'web',
  command: ['sh', '-c', script],
  timeoutMs,
})
