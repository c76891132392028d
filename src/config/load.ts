import { isUtf8 } from 'node:buffer'
import { LaunchwayError, type Place } from '../core/error.ts'
import { withDefaults, withoutUnset, writtenAt } from './defaults.ts'
import { explain } from './explain.ts'
import { foreignBreaches, withForeign } from './foreign.ts'
import { breachesBeside } from './partial.ts'
import { lineOf, nodes, offsets } from './places.ts'
import { type Problem, readYaml, writtenIn } from './read.ts'
import { breaches } from './rules.ts'
import { Config } from './schema.ts'
import { asSaid } from './said.ts'

/** Problems that are shown; who has more has one that causes the others. */
const shownProblems = 100

/**
 * Reads launchway.yml. All problems are found at once; each names its line.
 * @param file the name to show
 * @throws InvalidConfig
 */
export function loadConfig(text: string, file: string): Config {
  const read = readYaml(text.replace(/^\uFEFF/, ''), file)
  if ('problems' in read) throw invalid(read.problems)
  const { root, value, shared, placeAt, again } = read
  const nodeAt = nodes(root)
  const said = asSaid(value ?? {}, [Config], (path) => shared.has(nodeAt(path)))
  // What is wrong in the defaults is told once, where it stands, before any environment has them.
  const asWritten = Config.safeParse(withoutUnset(said), { reportInput: true })
  const parsed = asWritten.success && asWritten.data.defaults !== undefined ? Config.safeParse(withDefaults(said)) : asWritten
  const { issues = [] } = parsed.error ?? {}
  const refused = issues.flatMap((issue) => explain(issue, (path) => writtenIn(value, writtenAt(path, said))))
  const broken =
    again.length > 0
      ? // What else is wrong may be right where the key stands first: only what no key can be called is wrong in any case.
        refused.filter(({ onKey }) => onKey === true)
      : parsed.success
        ? breaches(parsed.data)
        : [
            ...refused,
            ...(refused.length < shownProblems
              ? asWritten.success
                ? breachesBeside(withDefaults(said), issues)
                : breachesBeside(said, issues, withDefaults)
              : []),
          ]
  const found = withForeign(foreignBreaches(said), broken)
  if (parsed.success && again.length + found.length === 0) return parsed.data
  const offsetOf = offsets(root)
  const placeOf = ({ path, onKey, line }: (typeof found)[number]): Place => {
    const at = writtenAt(path, said)
    const place = placeAt(offsetOf(at, onKey))
    return line === undefined || onKey === true ? place : lineOf(nodeAt(at), place, line, text)
  }
  throw invalid(
    [...again, ...found.map((one) => ({ place: placeOf(one), message: one.message }))].toSorted(
      (a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0),
    ),
  )
}

/** Reads the bytes of a file. @throws LaunchwayError CONFIG_INVALID for what is no UTF-8 */
export function decodeConfig(bytes: Buffer, file: string): string {
  if (isUtf8(bytes)) return bytes.toString()
  if (bytes[0] === 0xff || bytes[0] === 0xfe)
    throw invalid([{ place: { file, line: 1, column: 1 }, message: 'the file is UTF-16: save it as UTF-8' }])
  // The first wrong byte: all before it is text, and with it nothing is.
  let [good, bad] = [0, bytes.length]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isText(bytes.subarray(0, middle))) good = middle
    else bad = middle
  }
  while (!isUtf8(bytes.subarray(0, good))) good -= 1
  const before = bytes.subarray(0, good).toString().split('\n')
  const place = { file, line: before.length, column: (before.at(-1) ?? '').length + 1 }
  throw invalid([{ place, message: `the byte 0x${(bytes[good] ?? 0).toString(16)} is no UTF-8: save the file as UTF-8` }])
}

/** Whether it is UTF-8 as far as it goes: a character may be cut at its end. */
function isText(bytes: Buffer): boolean {
  return [0, 1, 2, 3].some(
    (cut) => cut <= bytes.length && isUtf8(bytes.subarray(0, bytes.length - cut)) && canBegin(bytes.subarray(bytes.length - cut)),
  )
}

/** Whether bytes may be the beginning of a character: its first byte says how many follow. */
function canBegin(bytes: Buffer): boolean {
  const [first = 0, ...rest] = bytes
  const length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0
  return bytes.length === 0 || (bytes.length < length && rest.every((byte) => byte >= 0x80 && byte < 0xc0))
}

/** All problems as one error: the first as its place, each as a line of its hint. */
export class InvalidConfig extends LaunchwayError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const [first] = problems
    const rows = problems.slice(0, shownProblems).map(({ place, message }) => `${place.file}:${place.line}:${place.column}: ${message}`)
    if (problems.length > shownProblems) rows.push(`… and ${problems.length - shownProblems} more`)
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super('CONFIG_INVALID', `${first?.place.file ?? 'launchway.yml'} has ${count}`, {
      hint: rows.join('\n'),
      ...(first === undefined ? {} : { place: first.place }),
    })
    this.problems = problems
  }
}

function invalid(problems: readonly Problem[]): LaunchwayError {
  return new InvalidConfig(problems)
}
