import type { Layer, SizedImage, SizeLimit, SizeLimits } from '../core/evidence.ts'
import { showBytes } from '../core/units.ts'
import { advice, grown } from './layers.ts'

interface Seen {
  name: string
  size: number
  /** The size is that in a registry: neither a limit nor what runs is to be compared with it. */
  isCompressed?: boolean
  layers: readonly Layer[]
}

export interface Before {
  release: string
  version: string
  environment: string
  size: number
  /** Absent in records of before they were kept. */
  layers?: readonly Layer[]
}

/** From this size on an image gets advice without having been asked for a limit. */
const largeImage = 1e9

/** What an image weighs, beside its limits and what runs. */
export function weigh(
  { name, size, layers, isCompressed = false }: Seen,
  { warn, fail }: SizeLimits,
  before: Before | undefined,
): SizedImage {
  if (isCompressed) return { name, size, compressed: true, layers: [...layers], exceeds: [], advice: [] }
  const failing = above(size, fail, before, 'fail')
  const exceeds = [...failing, ...(failing.length > 0 ? [] : above(size, warn, before, 'warn'))]
  const earlier = before?.layers
  return {
    name,
    size,
    layers: [...layers],
    ...(before === undefined ? {} : { before: sizeOf(before) }),
    ...(earlier === undefined ? {} : { added: grown(layers, earlier) }),
    exceeds,
    advice: exceeds.length > 0 || size >= largeImage ? advice(layers) : [],
  }
}

function sizeOf({ release, version, environment, size }: Before): NonNullable<SizedImage['before']> {
  return { release, version, environment, size }
}

function above(size: number, limit: SizeLimit | undefined, before: Before | undefined, action: 'warn' | 'fail'): SizedImage['exceeds'] {
  const { total, growth, growthPercent } = limit ?? {}
  const found: string[] = []
  if (total !== undefined && size > total) found.push(`has ${showBytes(size)}, more than the ${showBytes(total)} of size.${action}`)
  if (before !== undefined) {
    const grew = size - before.size
    const beside = `beside ${before.version} in ${before.environment}`
    if (growth !== undefined && grew > growth)
      found.push(`has grown by ${showBytes(grew)} ${beside}, more than the ${showBytes(growth)} of size.${action}`)
    if (growthPercent !== undefined && grew > (before.size * growthPercent) / 100)
      found.push(
        `has grown by ${percent(grew, before.size)} (${showBytes(grew)}) ${beside}, more than the ${growthPercent} % of size.${action}`,
      )
  }
  return found.map((what) => ({ action, what }))
}

function percent(part: number, whole: number): string {
  return whole === 0 ? 'all of it' : `${((100 * part) / whole).toFixed(1)} %`
}

/**
 * What a person reads in one line: the size, beside what runs, and the largest layer. How many there are the build says, with
 * those that hold nothing, which are not among these: two numbers would only make one wonder.
 */
export function told({ name, size, compressed, before, layers }: SizedImage): string {
  if (compressed === true) return `${name}: ${showBytes(size)} compressed, in the registry; what it takes in an engine was never told`
  const [largest] = layers.toSorted((a, b) => b.size - a.size)
  const most = largest === undefined || layers.length < 2 ? '' : `; its largest layer is ${showBytes(largest.size)}, ${largest.by}`
  return `${name}: ${showBytes(size)}${before === undefined ? '' : `, ${difference(size, before)}`}${most}`
}

function difference(size: number, { size: was, version, environment }: NonNullable<SizedImage['before']>): string {
  const [grew, where] = [size - was, `${version} in ${environment}`]
  if (Math.abs(grew) < 50_000) return `as large as ${where}`
  return `${showBytes(Math.abs(grew))} ${grew > 0 ? 'more' : 'less'} than ${where}`
}

/** The layers that matter, and what usually helps: as evidence. */
export function explained({ layers, before, added = [], advice: lines }: SizedImage): string {
  const row = ({ size, by }: Layer): string => `${showBytes(size).padStart(9)}  ${by}`
  const largest = layers.toSorted((a, b) => b.size - a.size).slice(0, 5)
  return [
    ...(largest.length === 0 ? [] : ['Its largest layers:', ...largest.map(row)]),
    ...(before === undefined || added.length === 0
      ? []
      : [`More than in ${before.version} in ${before.environment}, which has ${showBytes(before.size)}:`, ...added.slice(0, 5).map(row)]),
    ...lines,
  ].join('\n')
}
