import { z } from 'zod'

const unitMs = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

export const Duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'must be a whole number and a unit: 500ms, 30s, 5m, 2h or 7d')
  .describe('A length of time: a whole number and ms, s, m, h or d.')

/** `milliseconds('5m')` is 300000. The text has been checked by `Duration`. */
export function milliseconds(duration: string): number {
  const [, count, unit] = /^(\d+)([a-z]+)$/.exec(duration) ?? []
  const factor = unitMs.get(unit ?? '')
  if (factor === undefined) throw new TypeError(`not a duration: ${duration}`)
  return Number(count) * factor
}

const unitBytes = new Map([
  ['kB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
])

export const Bytes = z
  .string()
  .regex(/^\d+(\.\d+)?\s?(kB|MB|GB)$/, 'must be a number and a unit: 800MB or 1.5GB')
  .describe('A size: a number and kB, MB or GB, in decimal units as docker shows them.')

/** `bytes('1.5GB')` is 1500000000. The text has been checked by `Bytes`. */
export function bytes(size: string): number {
  const [, count, unit] = /^([\d.]+)\s?([a-zA-Z]+)$/.exec(size) ?? []
  const factor = unitBytes.get(unit ?? '')
  if (factor === undefined) throw new TypeError(`not a size: ${size}`)
  return Math.round(Number(count) * factor)
}

/** How a person reads a time that a step took: `40 ms`, `0.4 s`, `12 s`, `2 min 5 s`. */
export function showMs(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** How a person reads a size: `0.4 MB`, `12 MB`, `1.3 GB` (decimal units, as registries and docker show them). */
export function showBytes(bytes: number): string {
  const mb = bytes / 1e6
  if (mb < 9.95) return `${mb.toFixed(1)} MB`
  return mb < 999.5 ? `${Math.round(mb)} MB` : `${(mb / 1000).toFixed(1)} GB`
}
