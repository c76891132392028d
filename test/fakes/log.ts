import type { Entry } from '../../src/adapters/log/stages.ts'
import { liveLog } from '../../src/adapters/log/stages.ts'
import type { Log } from '../../src/core/ports.ts'

export interface FakeLog extends Log {
  /** What was said, in order, with the stage it belongs to. */
  readonly entries: readonly (Entry & { of: string | undefined })[]
  /** The texts of one kind. */
  said(kind: 'line' | 'debug' | 'notice' | 'warning'): string[]
}

/** Remembers what it is told. */
export function fakeLog(): FakeLog {
  const entries: (Entry & { of: string | undefined })[] = []
  return {
    ...liveLog((entry, of) => entries.push({ ...entry, of })),
    entries,
    said: (kind) => entries.flatMap((entry) => (entry.kind === kind ? [entry.text] : [])),
  }
}
