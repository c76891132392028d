import { createServer, type RequestListener } from 'node:http'
import { onTestFinished } from 'vitest'
import { localProbe } from '../../../src/adapters/probe.ts'
import type { SmokeCheck } from '../../../src/core/gates.ts'
import type { EngineContainer, Ports } from '../../../src/core/ports.ts'
import { askAll } from '../../../src/smoke/ask.ts'
import type { Checked, Standing } from '../../../src/smoke/standing.ts'
import { impatientClock } from '../../fakes/clock.ts'
import { seenContainer } from './container.ts'
import { localPorts, temporaryFolder } from './ports.ts'

/** What a test asks nothing of. */
export const plan = { compose: ['compose.yml'], profiles: [], env: {}, timeoutMs: 1, prepare: [] }
const common = { headers: {}, timeoutMs: 5_000 }

/** A container of a service whose port 80 a server of this test stands for. */
export async function serving(service: string, answer: RequestListener): Promise<EngineContainer> {
  const server = createServer(answer)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void server.close())
  const at = server.address()
  const port = typeof at === 'object' && at !== null ? at.port : 0
  return seenContainer(service, { ports: { '80/tcp': { address: '127.0.0.1', port } } })
}

type Around = Omit<Standing, 'rest'> & { settled: Promise<unknown>; ports: Ports }

/** A stack of these containers. */
export function around(containers: readonly EngineContainer[], root = temporaryFolder()): Around {
  const names = containers.map(({ id }) => id)
  return {
    stack: { project: 'p', directory: root, env: {}, file: { services: Object.fromEntries(names.map((name) => [name, { image: 'x' }])) } },
    containers: () => containers,
    reached: names.map((service) => ({ service, port: 80 })),
    settled: Promise.resolve(),
    signal: new AbortController().signal,
    ports: { ...localPorts(root).ports, probe: localProbe, clock: impatientClock() },
  }
}

/** How each check ended, in the order of that. */
export async function asked(checks: readonly SmokeCheck[], { ports, ...standing }: Around): Promise<Checked[]> {
  const done: Checked[] = []
  await askAll(checks, standing, ports, (one) => void done.push(one))
  return done
}

/** A check over HTTP of `web`, from its port 80. */
export const http = (name: string, path: string, rest: Partial<Extract<SmokeCheck, { kind: 'http' }>> = {}): SmokeCheck => ({
  kind: 'http',
  name,
  scheme: 'http',
  service: 'web',
  port: 80,
  path,
  ...common,
  ...rest,
})
