import type { TestProject } from 'vitest/node'
import { labFor } from './lab.ts'

/** A lab of three hosts that are one swarm: `npm run lab -- up NAME --swarm`, and LAUNCHWAY_LAB=NAME. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return labFor(project, { hosts: [], swarm: true })
}
