import { writeFileSync } from 'node:fs'
import type { Told } from './scenarios-page.ts'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

declare module 'vitest' {
  interface TaskMeta {
    /** What a test ran on: `trixie`, `busybox`, `sudo only`. */
    on?: string[]
  }
}

/** A test that failed, or a file or a hook that did. */
export interface Failure {
  name: string
  /** Whose it is, from the root; undefined when nobody knows. */
  file?: string
  /** The first line of what it said. */
  why: string
}

/** What a suite came to, as test/run.ts reads it. */
export interface Counts {
  passed: number
  failed: Failure[]
  /** Name and reason. */
  skipped: string[]
  /** Tests of a scenario that passed. */
  told: Told[]
  /** Those that failed. */
  lost: Told[]
}

/** Writes the counts of a run to the file that LAUNCHWAY_COUNTS names. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const unhandled = errors.map(({ message }): Failure => ({ name: 'unhandled', why: firstLine(message) }))
    const counts: Counts = { passed: 0, failed: unhandled, skipped: [], told: [], lost: [] }
    for (const module of modules) {
      // A file that could not be read, or a hook that failed, has no failed test to show for it.
      const file = module.relativeModuleId
      for (const { message } of module.errors()) counts.failed.push({ name: file, file, why: firstLine(message) })
      for (const suite of module.children.allSuites())
        for (const { message } of suite.errors()) counts.failed.push({ name: `${file} > ${suite.fullName}`, file, why: firstLine(message) })
      for (const test of module.children.allTests()) count(test, counts)
    }
    const file = process.env['LAUNCHWAY_COUNTS']
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts))
  }
}

function count(test: TestCase, counts: Counts): void {
  const result = test.result()
  const file = test.module.relativeModuleId
  const name = `${file} > ${test.fullName}`
  if (result.state === 'passed') {
    counts.passed += 1
    if (test.tags.length > 0) counts.told.push(toldOf(test, name))
  }
  if (result.state === 'skipped') counts.skipped.push(`${name}: ${result.note ?? 'gives no reason'}`)
  if (result.state === 'failed') {
    counts.failed.push({ name, file, why: firstLine(result.errors[0]?.message ?? '') })
    if (test.tags.length > 0) counts.lost.push(toldOf(test, name))
  }
  if (result.state === 'pending') counts.failed.push({ name, file, why: 'did not end' })
}

function toldOf(test: TestCase, name: string): Told {
  return { tags: [...test.tags], test: name, on: test.meta().on ?? [] }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
