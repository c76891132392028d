import { addie } from './addie.ts'
import { camcops } from './camcops.ts'
import { cornflow } from './cornflow.ts'
import { nightwatch } from './nightwatch.ts'
import { projectAllocation } from './project-allocation.ts'
import type { System } from './system.ts'

/** The examples that are released in a lab, by their folder. */
export const systems: Readonly<Record<string, System>> = { addie, camcops, cornflow, nightwatch, 'project-allocation': projectAllocation }
