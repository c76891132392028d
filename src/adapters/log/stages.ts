import type { LaunchwayError, Place } from '../../core/error.ts'
import type { Log } from '../../core/ports.ts'

/** One thing to say, in the terms that every place to say it knows. */
export type Entry =
  | { kind: 'line' | 'debug'; text: string }
  | { kind: 'notice' | 'warning'; text: string; place: Place | undefined }
  | { kind: 'error'; error: LaunchwayError }
  | { kind: 'open'; stage: string }
  | { kind: 'close'; stage: string; outcome: string }

/** Where entries end up: a runner's log, a terminal, a test. `stage` is undefined for what belongs to the whole run. */
export type Sink = (entry: Entry, stage: string | undefined) => void

/** Each entry goes out as it comes: for a terminal, where the sink says whose line it is. */
export function liveLog(sink: Sink): Log {
  return logOf((entry, stage) => sink(entry, stage), undefined)
}

interface Buffered {
  name: string
  entries: Entry[]
  ended: boolean
}

/**
 * Groups that do not mix: the oldest open stage is shown live, the others wait, each with its lines together. So the
 * reader of a runner's log sees progress, and finds every stage whole in a group of its own.
 */
export function groupedLog(sink: Sink): Log {
  const waiting: Buffered[] = []

  const emit = (entry: Entry, stage: string | undefined): void => {
    const buffer = stage === undefined ? undefined : waiting.findLast(({ name }) => name === stage)
    if (buffer === undefined || buffer === waiting[0]) sink(entry, stage)
    else buffer.entries.push(entry)
  }

  const open = (name: string): void => {
    const buffer: Buffered = { name, entries: [], ended: false }
    waiting.push(buffer)
    emit({ kind: 'open', stage: name }, name)
  }

  const close = (name: string, outcome: string): void => {
    emit({ kind: 'close', stage: name, outcome }, name)
    const buffer = waiting.findLast((stage) => stage.name === name)
    if (buffer !== undefined) buffer.ended = true
    while (waiting[0]?.ended === true) {
      waiting.shift()
      for (const entry of waiting[0]?.entries.splice(0) ?? []) sink(entry, waiting[0]?.name)
    }
  }
  return logOf(emit, undefined, { open, close })
}

function logOf(
  emit: Sink,
  stage: string | undefined,
  groups?: { open(name: string): void; close(name: string, outcome: string): void },
): Log {
  return {
    info: (text) => emit({ kind: 'line', text }, stage),
    debug: (text) => emit({ kind: 'debug', text }, stage),
    notice: (text, place) => emit({ kind: 'notice', text, place }, stage),
    warning: (text, place) => emit({ kind: 'warning', text, place }, stage),
    error: (error) => emit({ kind: 'error', error }, stage),
    stage(name) {
      if (groups === undefined) emit({ kind: 'open', stage: name }, name)
      else groups.open(name)
      const end = (outcome: string): void => {
        if (groups === undefined) emit({ kind: 'close', stage: name, outcome }, name)
        else groups.close(name, outcome)
      }
      return { ...logOf(emit, name, groups), end }
    },
  }
}
