import { resolve } from 'node:path'
import { askedHeaders, defaultPort, wrongIn } from '../core/http-check.ts'
import type { Ports } from '../core/ports.ts'
import type { Answer } from '../core/probe.ts'
import { cut } from '../core/text.ts'
import { addressOf, type Of, shownChars, type Standing, type Try } from './standing.ts'

/** One request on its way through the redirects: who is asked, under which name, and for what. */
interface Question {
  scheme: 'http' | 'https'
  service: string
  port: number
  path: string
  method: string
  /** The header Host. */
  host: string
  body?: string
}

export async function askHttp(check: Of<'http'>, standing: Standing, ports: Ports): Promise<Try> {
  const { requestHeaders = {}, body, method = 'GET', redirects = 0 } = check
  const { scheme, service, port, path } = check
  const first = { scheme, service, port, path, method, host: requestHeaders['host'] ?? hostOf(scheme, service, port) }
  let question: Question = body === undefined ? first : { ...first, body }
  const said: string[] = []
  const failed = (why: string): Try => ({ passed: false, evidence: [...said, line(question), why].join('\n') })
  const ca = await authorities(check, ports)
  if (typeof ca === 'string') return failed(ca)
  for (let hops = 0; ; hops += 1) {
    const at = addressOf(question, standing)
    if (at === undefined) return failed(`${question.service} does not run`)
    let answer: Answer
    try {
      answer = await ports.probe.ask(`${question.scheme}://${at.address}:${at.port}${question.path}`, {
        method: question.method,
        headers: { ...requestHeaders, host: question.host },
        ...(question.body === undefined ? {} : { body: question.body }),
        ...ca,
        signal: standing.signal,
      })
    } catch (error) {
      return { ...failed(`no answer: ${error instanceof Error ? error.message : String(error)}`), isUnanswered: hops === 0 }
    }
    const wrong = wrongIn(check, answer, question.scheme)
    const { location } = answer.headers
    if (isRedirect(answer.status) && location !== undefined && redirects > 0 && (check.status !== answer.status || wrong.length > 0)) {
      if (hops === redirects) return failed(`answered: ${answer.status}, to ${location}\nwanted: at most ${redirects} redirects`)
      const next = followed(question, answer.status, location, standing)
      if (typeof next === 'string') return failed(`answered: ${answer.status}, to ${location}\n${next}`)
      said.push(`${line(question)}\n  answered: ${answer.status}, to ${location}`)
      question = next
      continue
    }
    if (wrong.length === 0) return { passed: true, evidence: [...said, `answered ${answer.status}`].join('\n') }
    return failed(shown(check, wrong, { ...answer, body: ports.redact(answer.body) }))
  }
}

function shown(check: Of<'http'>, wrong: readonly string[], answer: Answer): string {
  const body = cut(answer.body.trim(), shownChars)
  return [
    ...wrong.map((one) => `wanted: ${one}`),
    `answered: ${answer.status}`,
    ...askedHeaders(check).map((name) => `  ${name}: ${answer.headers[name] ?? '(not there)'}`),
    body === '' ? '(an empty body)' : body,
  ].join('\n')
}

function line({ method, scheme, service, port, path }: Question): string {
  return `${method} ${scheme}://${hostOf(scheme, service, port)}${path}`
}

function hostOf(scheme: string, service: string, port: number): string {
  return port === defaultPort(scheme) ? service : `${service}:${port}`
}

/** How a certificate is looked at; in words, why it cannot be. The file may be one that the stack has made. */
async function authorities({ ca }: Of<'http'>, { files, root }: Ports): Promise<{ isChecked: boolean; ca?: string } | string> {
  if (ca === undefined) return { isChecked: false }
  const body = await files.read(resolve(root, ca))
  return body === undefined ? `ca: there is no file ${ca}` : { isChecked: true, ca: body.toString() }
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

/**
 * Where a redirect leads, as a browser would go there. The name that was asked under is that of its service still, on
 * the port that was asked where the address says the same one.
 * @returns in words why it cannot be followed
 */
export function followed(
  from: Question,
  status: number,
  location: string,
  standing: Pick<Standing, 'stack' | 'reached'>,
): Question | string {
  const base = `${from.scheme}://${from.host}${from.path}`
  if (!URL.canParse(location, base)) return 'that is no URL'
  const [old, to] = [new URL(base), new URL(location, base)]
  if (to.protocol !== 'http:' && to.protocol !== 'https:') return 'that is not HTTP'
  const scheme = to.protocol === 'https:' ? 'https' : 'http'
  const isSame = to.hostname === old.hostname
  const names = Object.keys(standing.stack.file.services)
  const service = isSame ? from.service : names.find((name) => name.toLowerCase() === to.hostname.toLowerCase())
  if (service === undefined) return `${to.hostname} is no service of the stack, so it is not followed`
  const port = isSame && to.host === old.host && to.protocol === old.protocol ? from.port : Number(to.port || defaultPort(scheme))
  if (!standing.reached.some((one) => one.service === service && one.port === port)) {
    return `${service}:${port} is neither published in the compose file nor asked by a check, so it cannot be reached`
  }
  const next = {
    scheme,
    service,
    port,
    path: `${to.pathname}${to.search}`,
    host: isSame ? to.host : hostOf(scheme, service, port),
  } as const
  // What was posted is posted again where the answer says so; a browser asks with GET otherwise.
  const isKept = status === 307 || status === 308 || from.method === 'HEAD'
  if (!isKept) return { ...next, method: 'GET' }
  return { ...next, method: from.method, ...(from.body === undefined ? {} : { body: from.body }) }
}
