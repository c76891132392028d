import { hash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import { parseJson } from '../core/json.ts'
import type { Ports } from '../core/ports.ts'
import type { Finding, ThreatList } from '../core/release.ts'

/** What is known beside how bad a vulnerability is: whether somebody uses it, and how likely that is. */
export type Threat = (id: string) => Pick<Finding, 'exploited' | 'epss'>

const day = 86_400_000
/** From this age on a list is told of as old: one is made anew every working day, the other every day. */
const oldMs = 14 * day
/** 330,000 scores were 11 MB in 2026. */
const most = 200_000_000

/**
 * CISA's catalog of known exploited vulnerabilities, as JSON.
 * @see https://www.cisa.gov/known-exploited-vulnerabilities-catalog
 */
const Catalog = z.object({ dateReleased: z.string(), vulnerabilities: z.array(z.object({ cveID: z.string() })).min(1) })

/**
 * Reads what the plan names of these lists. Without a list nothing is known, and no rule can ask for it.
 * @param read a file of the repository, from its root
 * @throws LaunchwayError CONFIG_INVALID for a file that is not such a list, or not whole
 */
export async function readThreat(
  { kev, epss }: Pick<ScanPlan, 'kev' | 'epss'>,
  read: (name: string, key: 'kev' | 'epss') => Promise<Buffer>,
  now: number,
  log: Ports['log'],
): Promise<{ threat: Threat; lists: ThreatList[] }> {
  const exploited = kev === undefined ? undefined : catalogOf(kev, await read(kev, 'kev'))
  const scores = epss === undefined ? undefined : scoresOf(epss, await read(epss, 'epss'))
  const lists = [exploited ?? [], scores ?? []].flat()
  for (const list of lists) tell(list, now, log)
  return {
    threat: (id) => ({
      // Of what has another number than a CVE's, and of a secret, the catalog says nothing.
      ...(exploited === undefined || !/^CVE-/i.test(id) ? {} : { exploited: exploited.known.has(id.toUpperCase()) }),
      ...spread(scores?.known.get(id.toUpperCase())),
    }),
    lists: lists.map(({ kind, name, made, known, digest }) => ({
      ...{ kind, path: name, entries: known.size, digest },
      ...(made === undefined ? {} : { made: made.toISOString() }),
    })),
  }
}

function spread(epss: number | undefined): Pick<Finding, 'epss'> {
  return epss === undefined ? {} : { epss }
}

interface List<T extends { size: number }> {
  kind: ThreatList['kind']
  name: string
  digest: string
  /** What it holds, in words. */
  holds: string
  /** When it was made; absent where it does not say. */
  made: Date | undefined
  known: T
}

function catalogOf(name: string, body: Buffer): List<Set<string>> {
  const catalog = parseJson(unpacked(name, body), Catalog)
  if (catalog === undefined)
    throw noList(
      name,
      "CISA's catalog of known exploited vulnerabilities",
      'It should have dateReleased and vulnerabilities, each with its cveID.',
    )
  const known = new Set(catalog.vulnerabilities.map(({ cveID }) => cveID.toUpperCase()))
  return {
    kind: 'kev',
    name,
    digest: digestOf(body),
    holds: `what is known to be exploited, ${known.size} in number`,
    made: dateOf(catalog.dateReleased),
    known,
  }
}

/** A comment with the day, a line of names, then a line each: `CVE-2021-44228,0.94358,0.99957`. */
function scoresOf(name: string, body: Buffer): List<Map<string, number>> {
  const text = unpacked(name, body)
  const known = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, id, score = ''] = /^(CVE-\d+-\d+),([\d.eE+-]+),[\d.eE+-]+\s*$/i.exec(line) ?? []
    const value = Number(score)
    if (id !== undefined && value >= 0 && value <= 1) known.set(id.toUpperCase(), value)
    else if (line.trim() !== '' && !line.startsWith('#') && !/^cve,epss\b/i.test(line)) throw notScores(name, line)
  }
  // One that was cut in the middle of a line could end with another score.
  if (known.size === 0 || !text.endsWith('\n')) throw notScores(name, text.slice(text.lastIndexOf('\n') + 1))
  return {
    kind: 'epss',
    name,
    digest: digestOf(body),
    holds: `EPSS scores of ${known.size} vulnerabilities`,
    made: dateOf(/score_date:([^,\s]+)/.exec(text)?.[1] ?? ''),
    known,
  }
}

function notScores(name: string, line: string): LaunchwayError {
  return noList(
    name,
    'the list of EPSS scores',
    `It should have lines such as CVE-2021-44228,0.94358,0.99957; one is ${JSON.stringify(line.slice(0, 80))}.`,
  )
}

function noList(name: string, what: string, why: string): LaunchwayError {
  return new LaunchwayError('CONFIG_INVALID', `${name} is not ${what}, or not whole`, { hint: `${why} Fetch it anew.` })
}

/** As it is published, or packed by gzip. */
function unpacked(name: string, body: Buffer): string {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body.toString()
  try {
    return gunzipSync(body, { maxOutputLength: most }).toString()
  } catch {
    throw noList(name, 'a list packed by gzip', 'It has been cut, or is damaged.')
  }
}

const digestOf = (body: Buffer): string => `sha256:${hash('sha256', body)}`

function dateOf(text: string): Date | undefined {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function tell({ name, holds, made }: List<{ size: number }>, now: number, log: Ports['log']): void {
  log.info(`${name}: ${holds}${made === undefined ? '' : `, of ${made.toISOString().slice(0, 10)}`}`)
  if (made === undefined)
    return log.warning(`${name} does not say when it was made: it may be old. Fetch it before each scan, as it is published.`)
  const age = now - made.getTime()
  if (age > oldMs)
    log.warning(`${name} is ${Math.floor(age / day)} days old: what has become known since is not in it. Fetch it before each scan.`)
  if (age < -day) log.warning(`${name} is of ${made.toISOString().slice(0, 10)}, which is to come: is the clock of this machine right?`)
}
