/**
 * Formats of dates, by the tokens of moment.js, which docker/metadata-action has them from; in English, the week
 * beginning on Sunday where it is not the ISO week. Times of day are those of the zone.
 * @see https://momentjs.com/docs/#/displaying/format/
 */

/** The longest first: `MMMM` is not four times `M`. */
const token =
  /\[[^[\]]*\]|Hmmss|Hmm|hmmss|hmm|MMMM|MMM|MM|Mo|M|DDDD|DDDo|DDD|DD|Do|D|dddd|ddd|dd|do|d|ww|wo|w|WW|Wo|W|Qo|Q|YYYYYY|YYYYY|YYYY|YY|Y|g{4,5}|gg|G{4,5}|GG|e|E|A|a|HH|H|hh|h|kk|k|mm|m|ss|s|S{1,9}|x|X|zz|z|ZZ|Z|N+|y+o?|[\s\S]/gu

/** Known to moment.js, and refused: what nobody's tag needs, or no table here has. By what to write instead. */
const refused: [RegExp, string][] = [
  [/^y+o?$/, 'the year is YYYY'],
  [/^zz?$/, 'the name of a zone is text, in [ ]; its offset is Z or ZZ'],
  [/^(N+|YYYYYY?|[gG]{5})$/, 'a year of a tag is YYYY or YY, of a week GGGG or gggg'],
  [/^\\$/, 'text stands in [ ]'],
]

/** In words why a date cannot be written so. @param zone an IANA name, such as `Asia/Tokyo`, or UTC */
export function dateFormatError(format: string, zone: string): string | undefined {
  for (const one of tokensOf(format)) {
    const found = refused.find(([pattern]) => pattern.test(one))
    if (found !== undefined) return `${one} has no meaning here: ${found[1]}`
  }
  if (format === '') return 'the format is empty'
  try {
    wallClock(new Date(0), zone)
    return undefined
  } catch {
    return `there is no time zone "${zone}"; names are those of IANA, such as Europe/Berlin`
  }
}

/** What stands for several tokens, as English has them. */
const long: Record<string, string> = {
  LT: 'h:mm A',
  LTS: 'h:mm:ss A',
  L: 'MM/DD/YYYY',
  LL: 'MMMM D, YYYY',
  LLL: 'MMMM D, YYYY h:mm A',
  LLLL: 'dddd, MMMM D, YYYY h:mm A',
  l: 'M/D/YYYY',
  ll: 'MMM D, YYYY',
  lll: 'MMM D, YYYY h:mm A',
  llll: 'ddd, MMM D, YYYY h:mm A',
}

function tokensOf(format: string): string[] {
  const whole = format.replaceAll(/\[[^[\]]*\]|LTS|LT|L{1,4}|l{1,4}/g, (one) => long[one] ?? one)
  return whole.match(token) ?? []
}

interface Wall {
  /** What a clock on the wall of the zone shows, as if it were UTC. */
  at: Date
  offsetMinutes: number
  instant: Date
}

function wallClock(instant: Date, zone: string): Wall {
  if (zone === 'UTC') return { at: instant, offsetMinutes: 0, instant }
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(instant)
  const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value)
  const at = new Date(
    Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'), instant.getUTCMilliseconds()),
  )
  return { at, offsetMinutes: Math.round((at.getTime() - instant.getTime()) / 60_000), instant }
}

/** @param format one that dateFormatError has nothing against */
export function formatDate(instant: Date, format: string, zone: string): string {
  return write(wallClock(instant, zone), format)
}

function write(wall: Wall, format: string): string {
  return tokensOf(format)
    .map((one) => {
      if (one.startsWith('[') && one.length > 1) return one.slice(1, -1)
      return writers[one]?.(wall) ?? (/^S+$/.test(one) ? fraction(wall, one.length) : one)
    })
    .join('')
}

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const dayMs = 86_400_000

const two = (value: number): string => String(value).padStart(2, '0')
const month = ({ at }: Wall): string => months[at.getUTCMonth()] ?? ''
const day = ({ at }: Wall): string => days[at.getUTCDay()] ?? ''
const hour = ({ at }: Wall): number => at.getUTCHours()
const twelve = (wall: Wall): number => hour(wall) % 12 || 12
const minute = ({ at }: Wall): number => at.getUTCMinutes()
const second = ({ at }: Wall): number => at.getUTCSeconds()
const year = ({ at }: Wall): number => at.getUTCFullYear()
const isoDay = ({ at }: Wall): number => at.getUTCDay() || 7

function ordinal(value: number): string {
  const teen = Math.floor((value % 100) / 10) === 1
  return `${value}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th')}`
}

function dayOfYear({ at }: Wall): number {
  return Math.round((Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()) - Date.UTC(at.getUTCFullYear(), 0, 1)) / dayMs) + 1
}

/** The week that holds January 1 (from Sunday), or January 4 (ISO, from Monday), is the first. */
function week(wall: Wall, iso: boolean): { year: number; week: number } {
  const { at } = wall
  const midnight = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate())
  // The year is that of the week's Thursday, or of its Saturday.
  const pivot = new Date(midnight + (iso ? 4 - isoDay(wall) : 6 - at.getUTCDay()) * dayMs)
  const first = Date.UTC(pivot.getUTCFullYear(), 0, 1)
  return { year: pivot.getUTCFullYear(), week: Math.floor((pivot.getTime() - first) / dayMs / 7) + 1 }
}

function offset({ offsetMinutes }: Wall, separator: string): string {
  const size = Math.abs(offsetMinutes)
  return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`
}

function fraction({ instant }: Wall, digits: number): string {
  return String(instant.getUTCMilliseconds()).padStart(3, '0').padEnd(9, '0').slice(0, digits)
}

const writers: Record<string, (wall: Wall) => string> = {
  M: ({ at }) => String(at.getUTCMonth() + 1),
  Mo: ({ at }) => ordinal(at.getUTCMonth() + 1),
  MM: ({ at }) => two(at.getUTCMonth() + 1),
  MMM: (wall) => month(wall).slice(0, 3),
  MMMM: month,
  Q: ({ at }) => String(Math.floor(at.getUTCMonth() / 3) + 1),
  Qo: ({ at }) => ordinal(Math.floor(at.getUTCMonth() / 3) + 1),
  D: ({ at }) => String(at.getUTCDate()),
  Do: ({ at }) => ordinal(at.getUTCDate()),
  DD: ({ at }) => two(at.getUTCDate()),
  DDD: (wall) => String(dayOfYear(wall)),
  DDDo: (wall) => ordinal(dayOfYear(wall)),
  DDDD: (wall) => String(dayOfYear(wall)).padStart(3, '0'),
  d: ({ at }) => String(at.getUTCDay()),
  do: ({ at }) => ordinal(at.getUTCDay()),
  dd: (wall) => day(wall).slice(0, 2),
  ddd: (wall) => day(wall).slice(0, 3),
  dddd: day,
  e: ({ at }) => String(at.getUTCDay()),
  E: (wall) => String(isoDay(wall)),
  w: (wall) => String(week(wall, false).week),
  wo: (wall) => ordinal(week(wall, false).week),
  ww: (wall) => two(week(wall, false).week),
  W: (wall) => String(week(wall, true).week),
  Wo: (wall) => ordinal(week(wall, true).week),
  WW: (wall) => two(week(wall, true).week),
  gg: (wall) => two(week(wall, false).year % 100),
  gggg: (wall) => String(week(wall, false).year),
  GG: (wall) => two(week(wall, true).year % 100),
  GGGG: (wall) => String(week(wall, true).year),
  Y: (wall) => String(year(wall)),
  YY: (wall) => two(year(wall) % 100),
  YYYY: (wall) => String(year(wall)).padStart(4, '0'),
  H: (wall) => String(hour(wall)),
  HH: (wall) => two(hour(wall)),
  h: (wall) => String(twelve(wall)),
  hh: (wall) => two(twelve(wall)),
  k: (wall) => String(hour(wall) || 24),
  kk: (wall) => two(hour(wall) || 24),
  m: (wall) => String(minute(wall)),
  mm: (wall) => two(minute(wall)),
  s: (wall) => String(second(wall)),
  ss: (wall) => two(second(wall)),
  Hmm: (wall) => `${hour(wall)}${two(minute(wall))}`,
  Hmmss: (wall) => `${hour(wall)}${two(minute(wall))}${two(second(wall))}`,
  hmm: (wall) => `${twelve(wall)}${two(minute(wall))}`,
  hmmss: (wall) => `${twelve(wall)}${two(minute(wall))}${two(second(wall))}`,
  a: (wall) => (hour(wall) < 12 ? 'am' : 'pm'),
  A: (wall) => (hour(wall) < 12 ? 'AM' : 'PM'),
  X: ({ instant }) => String(Math.floor(instant.getTime() / 1000)),
  x: ({ instant }) => String(instant.getTime()),
  Z: (wall) => offset(wall, ':'),
  ZZ: (wall) => offset(wall, ''),
}
