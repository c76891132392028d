import type { Environment } from '../core/deployment.ts'
import type { OutsideProbe } from '../core/lifecycle.ts'
import type { Ports } from '../core/ports.ts'
import type { Answer } from '../core/probe.ts'

/** Time for one answer, and between two questions. */
const answerMs = 10_000
const pauseMs = 1000
/** For what no deploy waits long. */
const missingMs = 3000
const mostRedirects = 5

/** Headers that say who answered, and why. */
const telling = ['server', 'via', 'content-type', 'location', 'retry-after', 'www-authenticate', 'content-length'] as const
const bodyChars = 500

export type Judgement = { well: string } | { follow: string } | { not: string }

/**
 * What an answer means. A redirect is followed where it stays on the host and does not leave TLS; one to a login is no
 * sign of health, whatever the page of the login answers.
 */
export function judge(url: string, { status, headers }: Pick<Answer, 'status' | 'headers'>, wanted: number | undefined): Judgement {
  if (wanted === undefined ? status >= 200 && status < 300 : status === wanted) return { well: `${url} ${status}` }
  const { location } = headers
  const leads = status >= 300 && status < 400 && location !== undefined && URL.canParse(location, url)
  if (!leads) return { not: `${url} answered ${status}` }
  const [from, to] = [new URL(url), new URL(location, url)]
  const said = `${url} answered ${status} and leads to ${to.href}`
  if (to.hostname !== from.hostname || !/^https?:$/.test(to.protocol)) return { not: `${said}, which is another host` }
  if (from.protocol === 'https:' && to.protocol === 'http:') return { not: `${said}, out of TLS` }
  if (isLogin(to.pathname)) return { not: `${said}, a login: that says nothing about the application. Probe a path that needs none` }
  return { follow: to.href }
}

function isLogin(path: string): boolean {
  return /(^|[/_.-])(log-?in|log-?on|sign-?in|sso|saml2?|oauth2?|auth|authorize|authenticate|cas)([/_.-]|$)/i.test(path)
}

/**
 * Asks the public address until the answer is good.
 * @returns undefined when it was; else the evidence: the last answer, or why there was none
 */
export async function askOutside({ url, status, timeoutMs }: OutsideProbe, ports: Ports): Promise<string | undefined> {
  const { clock, signal, log } = ports
  const deadline = clock.elapsed() + timeoutMs
  for (;;) {
    const left = Math.max(1, deadline - clock.elapsed())
    const verdict = await askOnce(url, status, AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(Math.min(answerMs, left)))]), ports)
    if ('well' in verdict) {
      log.info(`${verdict.well}, as the public sees it`)
      return undefined
    }
    if (clock.elapsed() + pauseMs >= deadline) return verdict.not
    log.debug(verdict.not)
    await clock.sleep(pauseMs, signal)
  }
}

async function askOnce(
  first: string,
  wanted: number | undefined,
  limit: AbortSignal,
  { probe, signal }: Ports,
): Promise<{ well: string } | { not: string }> {
  let url = first
  for (let hops = 0; hops <= mostRedirects; hops += 1) {
    let answer: Answer
    try {
      answer = await probe.get(url, { host: new URL(url).host, signal: limit, isChecked: true })
    } catch (error) {
      signal.throwIfAborted()
      return { not: `${url} did not answer: ${limit.aborted ? 'the time was over' : reasonOf(error)}` }
    }
    const verdict = judge(url, answer, wanted)
    if ('well' in verdict) return verdict
    if ('not' in verdict) return { not: `${verdict.not}\n${shown(answer)}`.trim() }
    url = verdict.follow
  }
  return { not: `${first} leads on and on: ${mostRedirects + 1} redirects, the last to ${url}` }
}

/** Of several addresses that were tried, each has its reason. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

function shown({ headers, body }: Answer): string {
  const lines = telling.flatMap((name) => (headers[name] === undefined ? [] : [`${name}: ${headers[name]}`]))
  const text = body.slice(0, bodyChars).trim()
  return [...lines, ...(text === '' ? [] : ['', `${text}${body.length > bodyChars ? '…' : ''}`])].join('\n')
}

/**
 * A server that answers for every path with the same page has no file that is missing: what `assets` keeps of the other
 * version is then never given. Visitors would find out, so the first to ask is the deploy.
 */
export async function warnOfOnePage(
  { url, services }: Pick<Environment, 'url' | 'services'>,
  release: string,
  ports: Ports,
): Promise<void> {
  if (url === undefined) return
  for (const { name, assets = [] } of services) {
    for (const { path } of assets) {
      const missing = new URL(`${path.replace(/\/$/, '')}/launchway-${release}.js`, url)
      const limit = AbortSignal.any([ports.signal, AbortSignal.timeout(missingMs)])
      // Whether the public can reach it is not what is asked here.
      const answer = await ports.probe.get(missing.href, { host: missing.host, signal: limit }).catch(() => undefined)
      ports.signal.throwIfAborted()
      if (answer === undefined || answer.status < 200 || answer.status >= 300) continue
      ports.log.warning(
        `${name}: ${missing.href}, which no version has, was answered ${answer.status}. So the application answers for files that it does not have, and visitors with an old page get that in the place of a script. Let it answer 404 below ${path}`,
      )
    }
  }
}
