import { basename } from 'node:path'
import type { ImageSource } from './image-source.ts'

/** A server that may listen on an address of its own container alone, and how it is told where. */
interface Server {
  server: RegExp
  /** An argument that says the loopback. */
  local: RegExp
  /** One that says some address: without any it listens on the loopback. Absent where it then listens everywhere. */
  open?: RegExp
  /**
   * Variables that tell it as well: an address, arguments as on its command line, or anything at all, by which it listens on
   * all addresses.
   */
  variables?: Readonly<Record<string, 'address' | 'arguments' | 'any'>>
  /** A file of settings that it finds by itself, and what of it says an address. */
  settings?: { file: RegExp; says: RegExp }
}

const loopback = String.raw`["']?(?:127\.|localhost\b|\[?::1\b)`
/** Arguments that say the loopback: `--bind 127.0.0.1:80`, `--host=localhost`. */
const told = (...words: string[]): RegExp => new RegExp(String.raw`\s(?:${words.join('|')})[\s=]*${loopback}`)

const servers: readonly Server[] = [
  {
    server: /\bgunicorn\b/,
    local: told('-b', '--bind'),
    open: /(?:\s-b|\s--bind|\s-c|\s--config|\s--paster?)/,
    variables: { GUNICORN_CMD_ARGS: 'arguments', PORT: 'any' },
    settings: { file: /^gunicorn\.conf\.py$/, says: /(?:)/ },
  },
  // Gunicorn has workers of its name.
  { server: /\buvicorn\b(?![._])/, local: told('--host'), open: /\s--(host|uds|fd)\b/, variables: { UVICORN_HOST: 'address' } },
  { server: /\bhypercorn\b/, local: told('-b', '--bind'), open: /(?:\s-b|\s--bind|\s-c|\s--config)/ },
  { server: /\bdaphne\b/, local: told('-b', '--bind'), open: /(?:\s-b|\s--bind|\s-e|\s--endpoint)/ },
  { server: /\bgranian\b/, local: told('--host'), open: /\s--(host|uds)\b/, variables: { GRANIAN_HOST: 'address' } },
  { server: /\bfastapi\s+dev\b/, local: told('--host'), open: /\s--host\b/ },
  { server: /\bflask\b.*\srun\b/, local: told('-h', '--host'), open: /(?:\s-h|\s--host)/, variables: { FLASK_RUN_HOST: 'address' } },
  {
    server: /\bmanage\.py\s+runserver\b|\bdjango-admin\s+runserver\b/,
    local: /runserver\s+.*(127\.|localhost)/,
    open: /runserver\s+.*\d:\d|runserver\s+.*\]:\d/,
  },
  { server: /\bwaitress-serve\b/, local: told('--host', '--listen') },
  { server: /\buwsgi\b/, local: told('--http', '--http-socket') },
  { server: /\bhttp\.server\b/, local: told('-b', '--bind') },
  // Of Ruby, PHP and Node. Those that listen everywhere unless they are told otherwise have no `open`.
  { server: /\brails\s+s(erver)?\b/, local: told('-b', '--binding'), variables: { BINDING: 'address' } },
  { server: /\bpuma\b/, local: /\s(?:-b|--bind)[\s=]*["']?(?:tcp|ssl):\/\/(?:127\.|localhost\b|\[?::1\b)/ },
  { server: /\bphp[\d.]*\s(.*\s)?-S\b/, local: told('-S') },
  { server: /\bartisan\s+serve\b/, local: told('--host'), open: /\s--host\b/, variables: { SERVER_HOST: 'address' } },
  { server: /\bnext\s+(start|dev)\b/, local: told('-H', '--hostname') },
  {
    server: /\bvite(?=\s*(?:$|[;&|"'])|\s+-|\s+(?:preview|dev|serve)\b)/,
    local: told('--host'),
    open: /\s--host\b/,
    settings: { file: /^vite\.config\.[cm]?[jt]s$/, says: /\bhost\b/ },
  },
]

/** Variables that may be set where a command runs; undefined for a value that nobody knows here. */
export type Variables = ReadonlyMap<string, readonly (string | undefined)[]>

/** Names of all variables that tell a server where to listen. */
export const bindVariables: readonly string[] = servers.flatMap(({ variables = {} }) => Object.keys(variables))

/** Whatever stands behind these is not started by them. */
const onlyNamed = /\b(install|echo|printf|which|command -v|pkill|killall)\b[^;&|]*$/

/** Why a command listens on the loopback of its container, in words that follow "listens on"; undefined where it does not. */
export function loopbackOf(text: string, variables: Variables, image: ImageSource | undefined): string | undefined {
  for (const one of servers) {
    const index = text.search(one.server)
    if (index === -1 || onlyNamed.test(text.slice(0, index))) continue
    const own = text.slice(index)
    if (one.local.test(own)) return 'the loopback of its container'
    if (one.open?.test(own) === true) continue
    const by = byVariable(one, variables)
    if (by !== undefined && by !== 'open') return `the loopback of its container, as ${by} says`
    if (by === undefined && one.open !== undefined && !hasSettings(one, image)) return '127.0.0.1, which is the default of this server'
  }
  return undefined
}

/** The variable that says the loopback, or that one says another address. */
function byVariable({ variables: named = {}, local, open }: Server, variables: Variables): string | undefined {
  for (const [name, kind] of Object.entries(named)) {
    const values = variables.get(name) ?? []
    const says = values.filter((value) => kind !== 'arguments' || value === undefined || open?.test(` ${value}`) === true)
    if (says.length === 0) continue
    const isLocal = (value: string | undefined): boolean =>
      value !== undefined && (kind === 'arguments' ? local.test(` ${value}`) : kind === 'address' && new RegExp(`^${loopback}`).test(value))
    return says.every(isLocal) ? name : 'open'
  }
  return undefined
}

function hasSettings({ settings }: Server, image: ImageSource | undefined): boolean {
  if (settings === undefined) return false
  return [...(image?.texts ?? [])].some(([path, { text }]) => settings.file.test(basename(path)) && settings.says.test(text))
}
