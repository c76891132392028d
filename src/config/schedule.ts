/**
 * When a scheduled command runs: the five fields of a crontab line. What cron daemons read in different ways (names, the
 * words with @, Sunday as 7, a step without a range) is written out in numbers or refused, so that each host does the same.
 */

/** Instead of five fields. */
const words: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
}

interface Field {
  name: string
  low: number
  high: number
  /** What may stand for a number, the first for `low`. */
  names?: readonly string[]
}

const fields: readonly Field[] = [
  { name: 'minute', low: 0, high: 59 },
  { name: 'hour', low: 0, high: 23 },
  { name: 'day of the month', low: 1, high: 31 },
  { name: 'month', low: 1, high: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { name: 'day of the week', low: 0, high: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] },
]

/** Of months, February with the day that it has now and then. */
const lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** The five fields in digits, `*`, `,`, `-` and `/`; or what is wrong with the text. */
export type Schedule = { times: string; problem?: never } | { problem: string; times?: never }

export function parseSchedule(text: string): Schedule {
  const parts = text.trim().split(/\s+/)
  const [first = ''] = parts
  const known = Object.keys(words).join(', ')
  if (first.startsWith('@')) {
    const times = parts.length === 1 ? words[first.toLowerCase()] : undefined
    return times === undefined ? { problem: `"${text}" is none of ${known}; at other times with five fields: "30 4 * * 1"` } : { times }
  }
  if (parts.length !== fields.length) {
    const seconds = parts.length === 6 ? '; there is none for seconds or years' : ''
    return {
      problem: `must be five fields (${fields.map(({ name }) => name).join(', ')}), such as "0 3 * * *", or one of ${known}; it has ${first === '' ? 0 : parts.length}${seconds}`,
    }
  }
  const read = fields.map((field, index) => parseField(parts[index] ?? '', field))
  const problem = read.find((one) => typeof one === 'string')
  if (problem !== undefined) return { problem }
  const [, , days, months, weekdays] = read.flatMap((one) => (typeof one === 'string' ? [] : [one]))
  if (weekdays?.text === '*' && !(months?.values ?? []).some((month) => days?.values.some((day) => day <= (lengths[month - 1] ?? 0))))
    return { problem: `"${text}" never comes: no month of those has such a day` }
  return { times: read.map((one) => (typeof one === 'string' ? '' : one.text)).join(' ') }
}

interface Read {
  text: string
  values: readonly number[]
}

/** One field, or what is wrong with it. */
function parseField(text: string, field: Field): Read | string {
  const parts = text.split(',').map((part) => parsePart(part, field))
  const wrong = parts.find((part) => typeof part === 'string')
  if (wrong !== undefined) return wrong
  const read = parts.flatMap((part) => (typeof part === 'string' ? [] : [part]))
  return { text: read.map((part) => part.text).join(','), values: read.flatMap((part) => part.values) }
}

function parsePart(part: string, field: Field): Read | string {
  const { name, low, high } = field
  const says = (problem: string): string => `${name} "${part}": ${problem}`
  const [, all, from, to, step] = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/i.exec(part) ?? []
  if (all === undefined && from === undefined)
    return says('cannot be read; a number, a range (1-5), *, a step (*/15), or several with commas')
  const begin = all === undefined ? valueOf(from ?? '', field) : low
  // Every day of the week is seven days, not eight.
  const top = field.names?.[0] === 'sun' ? 6 : high
  const end = all === undefined ? valueOf(to ?? from ?? '', field, to !== undefined) : top
  if (begin === undefined || end === undefined)
    return says(`must be ${low} to ${high}${field.names === undefined ? '' : `, or ${[...new Set(field.names)].join(', ')}`}`)
  if (begin > end) return says(`a range goes upwards: ${from}-${top},${low}-${to}`)
  const width = step === undefined ? 1 : Number(step)
  if (step !== undefined && all === undefined && to === undefined) return says(`a step needs a range or *: ${from}-${top}/${step}`)
  const widest = Math.max(1, end - begin)
  if (width < 1 || width > widest) return says(`the step must be 1 to ${widest}`)
  const values = Array.from({ length: Math.floor((end - begin) / width) + 1 }, (_, index) => begin + index * width)
  // Not every cron takes 7 for Sunday within a range.
  if (values.includes(7) && field.names?.[0] === 'sun') {
    const days = [...new Set(values.map((day) => day % 7))]
    return { text: days.join(','), values: days }
  }
  const range = all ?? (to === undefined ? String(begin) : `${begin}-${end}`)
  return { text: step === undefined ? range : `${range}/${width}`, values }
}

/** @param isEnd of a range: Sunday ends a week as well as it begins one */
function valueOf(text: string, { low, high, names = [] }: Field, isEnd = false): number | undefined {
  const named = isEnd ? names.lastIndexOf(text.toLowerCase()) : names.indexOf(text.toLowerCase())
  if (named !== -1) return low + named
  const value = /^\d{1,2}$/.test(text) ? Number(text) : -1
  return value >= low && value <= high ? value : undefined
}
