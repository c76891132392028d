import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { quote } from '../../core/command.ts'
import { Secret } from '../../core/secret.ts'
import { factsSh, type Home, homeVariables, membersSh, ownSh, variables } from '../program.ts'

// Written out one by one: the bundler finds the files by these expressions.
const rightsSh = readFileSync(new URL('../host/rights.sh', import.meta.url), 'utf8')
const connectionSh = readFileSync(new URL('../host/connection.sh', import.meta.url), 'utf8')
const historySh = readFileSync(new URL('../host/history.sh', import.meta.url), 'utf8')
const holdSh = readFileSync(new URL('../host/hold.sh', import.meta.url), 'utf8')
const logsSh = readFileSync(new URL('../host/logs.sh', import.meta.url), 'utf8')
const execSh = readFileSync(new URL('../host/exec.sh', import.meta.url), 'utf8')
const compareSh = readFileSync(new URL('../host/compare.sh', import.meta.url), 'utf8')

/** Functions that an apply program needs beside its own to operate what runs. */
export const operateSh = readFileSync(new URL('../host/operate.sh', import.meta.url), 'utf8')

export function historyProgram(home: Home, limit: number): string {
  return asWhoMay(`${head(home, { LW_LIMIT: String(limit) })}${historySh}`, home)
}

export function holdProgram(home: Home, of: { by: string; reason: string }): string {
  return asWhoMay(`${head(home, { LW_BY: of.by, LW_REASON: of.reason })}${holdSh}hold\nfact answered yes\n`, home)
}

export function liftProgram(home: Home): string {
  return asWhoMay(`${head(home, {})}${holdSh}lift\nfact answered yes\n`, home)
}

/** What of a log is asked for. Empty texts stand for no limit. */
export interface LogRange {
  release: string
  service: string
  lines: string
  /** As `docker logs --since` has it: a length of time or an instant. */
  since: string
  follow: boolean
}

export function logsProgram(home: Home, { release, service, lines, since, follow }: LogRange): string {
  const values = { LW_KEPT: release, LW_SERVICE: service, LW_LINES: lines, LW_SINCE: since, LW_FOLLOW: follow ? 'yes' : '' }
  return asWhoMay(`${head(home, values)}${connectionSh}${membersSh}${logsSh}`, home)
}

/** A command in a container: `within` the running one, or `anew` in one of its own. */
export interface Execution {
  service: string
  /** Begins the line in which the program says how it began: nothing that a command would write. */
  mark: string
  input: boolean
  call: readonly ['within' | 'anew', ...string[]]
}

/** Leaves the standard input to the command. */
export function execProgram(home: Home, { service, mark, input, call }: Execution): string {
  const values = { LW_SERVICE: service, LW_MARK: mark, LW_INPUT: input ? 'yes' : '', LW_TTY: '' }
  const program = `${head(home, values)}${connectionSh}${membersSh}${execSh}${call.map(quote).join(' ')}\n`
  const refused = `refused() { printf '%s\\trefused\\t%s\\n' ${quote(mark)} "$1" >&2; }\n`
  const end = endMark(program)
  return `${variables(homeVariables(home))}${refused}${ownSh}${rightsSh}program=$(cat <<'${end}'\n${program}${end}\n)\nexec $as sh -c "$program"\n`
}

/** Values travel on standard input alone, and none comes back. */
export function compareProgram(home: Home, secrets: readonly { service: string; name: string; value: Secret }[]): Secret {
  const calls = secrets.map(({ service, name, value }) => `compare ${[service, name, value.reveal()].map(quote).join(' ')}\n`).join('')
  return new Secret(asWhoMay(`${head(home, {})}${compareSh}${calls}fact answered yes\n`, home))
}

function head(home: Home, values: Record<string, string>): string {
  return `${variables({ ...homeVariables(home), ...values })}set -u\n${factsSh}`
}

/** Finds out who may, and has that account run the program: all on one round trip. */
function asWhoMay(program: string, home: Home): string {
  const end = endMark(program)
  return `${variables(homeVariables(home))}${factsSh}${ownSh}${rightsSh}$as sh -s <<'${end}'\n${program}${end}\n`
}

function endMark(program: string): string {
  const end = `LW_END_${randomBytes(8).toString('hex')}`
  if (program.includes(end)) throw new TypeError('the program holds its own end mark')
  return end
}
