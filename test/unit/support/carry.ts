import type { Service } from '../../../src/core/deployment.ts'
import type { Project } from '../../../src/core/project.ts'
import type { Wanted } from '../../../src/deploy/wanted.ts'
import { environment, wanted } from './deploy.ts'

/** A compose project that says nothing beyond its services. */
export const project: Project = {
  name: 'shop',
  pulled: {},
  networks: {},
  volumes: {},
  external: { networks: [], volumes: [], paths: [] },
}

/** @param unchanged containers that are made from the same */
export function asked(services: Service[], unchanged: string[], of: Partial<Wanted> = {}): Wanted {
  return wanted(services, { environment: environment(services, { project }), unchanged: new Set(unchanged), ...of })
}
