import type { EngineContainer } from '../../../src/core/ports.ts'

/** A container of a service, which runs where nothing else is said. */
export function seenContainer(service: string, of: Partial<EngineContainer> = {}, labels: Record<string, string> = {}): EngineContainer {
  return {
    id: service,
    labels: { 'com.docker.compose.service': service, ...labels },
    image: 'sha256:0',
    reference: 'x',
    status: 'running',
    exitCode: 0,
    error: '',
    outOfMemory: false,
    restarts: 0,
    ports: {},
    ...of,
  }
}
