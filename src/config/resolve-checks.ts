import type { SmokeCheck } from '../core/gates.ts'
import { defaultPort } from '../core/http-check.ts'
import { milliseconds } from '../core/units.ts'
import type { SmokeCheckConfig } from './schema-checks.ts'

type Http = Extract<SmokeCheckConfig, { http: string }>
type Log = Extract<SmokeCheckConfig, { log: string }>

/** A check with every default filled in. */
export function resolveCheck(check: SmokeCheckConfig): SmokeCheck {
  const common = {
    name: nameOf(check),
    ...(check.after === undefined ? {} : { after: [check.after].flat() }),
    timeoutMs: milliseconds(check.timeout ?? ('script' in check ? '5m' : '30s')),
  }
  if ('http' in check) return { kind: 'http', ...common, ...addressed(check), ...asked(check) }
  if ('tcp' in check) {
    const [service = '', port] = check.tcp.split(':')
    return { kind: 'tcp', ...common, service, port: Number(port) }
  }
  if ('log' in check) {
    const { log: service, matches, never } = check
    return { kind: 'log', ...common, service, ...(matches === undefined ? {} : { matches }), ...(never === undefined ? {} : { never }) }
  }
  const stdout = check.stdout === undefined ? {} : { stdout: check.stdout }
  if ('script' in check) return { kind: 'script', ...common, script: check.script, args: check.args ?? [], ...stdout }
  const [kind, service] = 'run' in check ? (['run', check.run] as const) : (['exec', check.exec] as const)
  return { kind, ...common, service, command: check.command, ...stdout }
}

/** What a list calls a check: its own name, else what it asks. */
export function nameOf(check: SmokeCheckConfig): string {
  if (check.name !== undefined) return check.name
  if ('http' in check) return methodOf(check) === 'GET' ? check.http : `${methodOf(check)} ${check.http}`
  if ('tcp' in check) return `${check.tcp} takes connections`
  if ('log' in check) return logName(check)
  if ('script' in check) return [check.script, ...(check.args ?? [])].join(' ')
  return 'run' in check ? `run ${check.run}: ${check.command.join(' ')}` : `exec ${check.exec}: ${check.command.join(' ')}`
}

function logName({ log, matches, never }: Log): string {
  return `log of ${log}: ${[...(matches === undefined ? [] : [matches]), ...(never === undefined ? [] : [`never ${never}`])].join(', ')}`
}

function methodOf({ method, body }: Http): string {
  return method ?? (body === undefined ? 'GET' : 'POST')
}

function addressed({ http }: Http): Pick<Extract<SmokeCheck, { kind: 'http' }>, 'scheme' | 'service' | 'port' | 'path'> {
  const url = new URL(http)
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  return {
    scheme,
    // A URL knows no upper case in a host; compose tells Web from web.
    service: /^https?:\/\/([^/:?#]+)/.exec(http)?.[1] ?? url.hostname,
    port: url.port === '' ? defaultPort(scheme) : Number(url.port),
    path: `${url.pathname}${url.search}`,
  }
}

function asked(check: Http) {
  const { method, body, status, contains, matches, json, headers = {}, security, redirects, ca } = check
  const requestHeaders = lowered(check['request-headers'] ?? {})
  const isJson = body !== undefined && typeof body !== 'string'
  const sent = { ...(isJson ? { 'content-type': 'application/json' } : {}), ...requestHeaders }
  return {
    ...(method === undefined && body === undefined ? {} : { method: methodOf(check) }),
    ...(Object.keys(sent).length === 0 ? {} : { requestHeaders: sent }),
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
    ...(status === undefined ? {} : { status }),
    ...(contains === undefined ? {} : { contains }),
    ...(matches === undefined ? {} : { matches }),
    ...(json === undefined ? {} : { json }),
    headers: lowered(headers),
    ...(security === true ? { security } : {}),
    ...(redirects === undefined || redirects === 0 ? {} : { redirects }),
    ...(ca === undefined ? {} : { ca }),
  }
}

/** Names of headers have no upper and lower case. */
function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
