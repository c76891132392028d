import type { TestProject } from 'vitest/node'
import { down } from '../lab/down.ts'
import { type Lab, readLab } from '../lab/lab.ts'
import { allSuites, newLabName, up, type Wanted } from '../lab/up.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The lab that the tests of this run talk to: `inject('lab')`. */
    lab: Lab
  }
}

/**
 * One lab for a run of the tests. LAUNCHWAY_LAB names one that is up already and stays up: `npm run lab -- up NAME`
 * once, and every later run begins at once.
 */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return labFor(project, { hosts: allSuites })
}

export async function labFor(project: TestProject, wanted: Omit<Wanted, 'name'>): Promise<() => Promise<void>> {
  const kept = process.env['LAUNCHWAY_LAB']
  if (kept !== undefined) {
    const lab = readLab(kept)
    if (lab === undefined) throw new Error(`there is no lab ${kept}: npm run lab -- up ${kept}`)
    project.provide('lab', lab)
    return async () => undefined
  }
  const name = newLabName()
  project.provide('lab', await up({ name, ...wanted }))
  return async () => void (await down(name))
}
