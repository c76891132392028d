import type { z } from 'zod'
import { severities } from '../core/words.ts'

/** Of the scan, what others call a wish, and how it is said here: slips that are no slips of a hand. */

const inSection: Readonly<Record<string, string>> = {
  severity: 'what blocks stands under fail-on: [{ severity: HIGH }]',
  'ignore-unfixed': 'what blocks stands under fail-on: [{ severity: HIGH, fixable: true }]',
  'exit-code': 'a rule of fail-on blocks by itself; fail-on: [] blocks nothing',
  trivyignores: 'the list of exceptions is named by ignore-file',
  format: 'files for others are named under reports: [sarif]',
}
const ends = ['expired_at', 'expired-at', 'expires', 'until', 'end']

/** What to write instead of a key that no scan has. */
export function insteadOfKey(path: readonly PropertyKey[], key: string): string | undefined {
  if (path[0] !== 'scan') return undefined
  if (path.length === 1) return Object.hasOwn(inSection, key) ? inSection[key] : undefined
  return ends.includes(key) ? 'a rule has no end: an exception has one, expired_at in .trivyignore.yaml' : undefined
}

/** How what was written would be right, where its type alone says too little. */
export function insteadOfValue({ code, input, path }: z.core.$ZodIssue): string {
  const [section, list, index] = path
  if (section !== 'scan') return ''
  const last = String(path.at(-1))
  if ((last === 'epss' || last === 'max-epss') && path.length > 2) return '; it is a probability, from 0 to 1'
  if (code !== 'invalid_type') return ''
  const isRule =
    (list === 'fail-on' && path.length === 2) ||
    (['fail-on', 'rules'].includes(String(list)) && typeof index === 'number' && path.length === 3)
  const severity = typeof input === 'string' ? severities.find((one) => one === input.toUpperCase()) : undefined
  return isRule && severity !== undefined
    ? `; as a list of rules: ${String(list)}: [{ ${list === 'rules' ? 'action: fail, ' : ''}severity: ${severity} }]`
    : ''
}
