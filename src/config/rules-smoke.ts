import { nearest } from '../core/nearest.ts'
import { nameOf } from './resolve-checks.ts'
import type { Breach } from './rules.ts'
import type { Config } from './schema.ts'
import type { SmokeCheckConfig } from './schema-checks.ts'

/** What the checks of a smoke test cannot be asked together. */
export function smokeBreaches({ smoke }: Config): Breach[] {
  if (smoke === undefined || smoke === false) return []
  const variants = Object.entries(smoke.variants ?? {}).flatMap(([name, { checks }]) => breachesIn(checks, ['smoke', 'variants', name]))
  return [...breachesIn(smoke.checks, ['smoke']), ...variants]
}

type Path = readonly (string | number)[]

function breachesIn(checks: readonly SmokeCheckConfig[] = [], inside: Path): Breach[] {
  return checks.flatMap((check, index) => {
    const path = [...inside, 'checks', index]
    return [...ownBreaches(check, path), ...orderBreaches(check, path, checks)]
  })
}

function ownBreaches(check: SmokeCheckConfig, path: Path): Breach[] {
  const at = path.join('.')
  const patterns = [
    ...('matches' in check ? [['matches', check.matches] as const] : []),
    ...('never' in check ? [['never', check.never] as const] : []),
  ]
  const found: Breach[] = patterns.flatMap(([key, text]) =>
    text === undefined || isPattern(text) ? [] : [{ path: [...path, key], message: `${at}.${key}: not a regular expression: ${text}` }],
  )
  if ('log' in check && check.matches === undefined && check.never === undefined)
    found.push({ path: [...path], message: `${at}: a log needs matches, never, or both: what must be in it, what must not` })
  const [key, port] = 'tcp' in check ? ['tcp', /\d+$/.exec(check.tcp)?.[0]] : 'http' in check ? ['http', portOf(check.http)] : []
  if (key !== undefined && port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    found.push({ path: [...path, key], message: `${at}.${key}: ${port} is no port: they go from 1 to 65535` })
  if ('http' in check) {
    // A redirect may lead to where there is one.
    if (check.ca !== undefined && check.http.startsWith('http:') && (check.redirects ?? 0) === 0)
      found.push({
        path: [...path, 'ca'],
        onKey: true,
        message: `${at}: ca needs a URL with https, or redirects: over http there is no certificate`,
      })
    if (check.body !== undefined && (check.method === 'GET' || check.method === 'HEAD'))
      found.push({ path: [...path, 'body'], onKey: true, message: `${at}: ${check.method} sends no body: leave method out, or say POST` })
  }
  return found
}

function portOf(url: string): string | undefined {
  return /^https?:\/\/[^/:]+:(\d+)/.exec(url)?.[1]
}

function orderBreaches(check: SmokeCheckConfig, inside: Path, checks: readonly SmokeCheckConfig[]): Breach[] {
  const names = checks.map(nameOf)
  const after = [check.after ?? []].flat()
  return after.flatMap((name, place): Breach[] => {
    const path = [...inside, 'after', ...(typeof check.after === 'string' ? [] : [place])]
    const at = `${inside.join('.')}.after`
    const others = names.filter((other) => other !== nameOf(check))
    if (name !== nameOf(check) && !names.includes(name)) {
      const meant = nearest(name, others)
      const hint = meant === undefined ? `they are called: ${others.join('; ')}` : `did you mean "${meant}"?`
      return [{ path, message: `${at}: no check "${name}"; ${hint}` }]
    }
    const first = checks.filter((other) => nameOf(other) === name)
    if (first.some((other) => 'never' in other && other.never !== undefined))
      return [
        {
          path,
          message: `${at}: "${name}" ends with the last of the others because of its never, so nothing can come after it: put never into a check of its own`,
        },
      ]
    if (name === nameOf(check)) return [{ path, message: `${at}: "${name}" cannot wait for itself` }]
    if (leadsTo(name, nameOf(check), checks)) return [{ path, message: `${at}: "${nameOf(check)}" and "${name}" wait for each other` }]
    return []
  })
}

/** Whether a check of that name waits for one of the other, be it by way of a third. */
function leadsTo(from: string, to: string, checks: readonly SmokeCheckConfig[], seen: readonly string[] = []): boolean {
  if (from === to) return true
  if (seen.includes(from)) return false
  const before = checks.filter((check) => nameOf(check) === from).flatMap(({ after = [] }) => after)
  return before.some((name) => leadsTo(name, to, checks, [...seen, from]))
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'm') instanceof RegExp
  } catch {
    return false
  }
}
