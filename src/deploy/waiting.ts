import { LaunchwayError } from '../core/error.ts'
import type { Observation } from './observation.ts'

/** A release that was told to wait for a confirmation. */
export interface Waiting {
  release: string
  since: Date
  /** When it counts as confirmed; without it only a person ends the wait. */
  until?: Date
  /** Who deployed it. */
  by: string
  /** The time ran out, by the clock of the host. */
  isOver: boolean
}

/** Reads the host's line `RELEASE SINCE UNTIL WHO…`. @param now seconds since the epoch, by the host's clock */
export function parseWaiting(line: string, now: number): Waiting | undefined {
  const [, release, since, until, by] = /^(\S+) (\d+) (\d+|-) (.*)$/.exec(line) ?? []
  if (release === undefined || by === undefined) return undefined
  const at = (seconds: string | undefined): Date => new Date(Number(seconds) * 1000)
  return {
    release,
    since: at(since),
    ...(until === '-' ? {} : { until: at(until) }),
    by,
    isOver: until !== '-' && Number(until) <= now,
  }
}

/** What the host's current release waits for, if it does: not what an earlier one did, and not once its time has passed. */
export function waitOf({ current, waits }: Pick<Observation, 'current' | 'waits'>): Waiting | undefined {
  return waits === undefined || waits.isOver || waits.release !== current ? undefined : waits
}

/** `2026-11-21 10:15 UTC` */
export function showInstant(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `ada@laptop deployed it at …, it waits until …` */
export function showWait({ since, until, by }: Pick<Waiting, 'since' | 'until' | 'by'>): string {
  const end = until === undefined ? 'until somebody has decided' : `until ${showInstant(until)}, when it counts as confirmed`
  return `deployed by ${by} at ${showInstant(since)}, waits ${end}`
}

/** The two ways out. */
export function waysOut(environment: string, before: string): string {
  return `launchway confirm -e ${environment} keeps it, launchway abort -e ${environment} returns to ${before}`
}

/** What people call a release on a host. */
export function calledOn({ releases }: Pick<Observation, 'releases'>, id: string): string {
  const kept = releases.get(id)
  return kept === undefined ? id : `${kept.label} (${id})`
}

/**
 * Refuses another release where one waits. The same one again is no other: what broke off is finished.
 * @throws LaunchwayError DEPLOY_WAITS
 */
export function refuseWhereOneWaits(host: string, seen: Observation, release: string, environment: string): void {
  const wait = waitOf(seen)
  if (wait === undefined || release === wait.release) return
  const before = seen.previous === undefined ? 'the version before' : calledOn(seen, seen.previous)
  throw new LaunchwayError('DEPLOY_WAITS', `${calledOn(seen, wait.release)} waits for a confirmation on ${host}`, {
    hint: `It was ${showWait(wait)}.\n${waysOut(environment, before)}.\nThen run this one again. Nothing was touched.`,
  })
}
