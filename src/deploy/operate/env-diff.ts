import type { Environment, Service } from '../../core/deployment.ts'
import type { Ports } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import { lookAt } from '../look.ts'
import { type Answer, ask, askAll, exitOf, homeOf, hostsOf, showRefusal, type Target } from './hosts.ts'
import { compareProgram } from './program.ts'

/** How a name would differ after a deploy. `unknown`: a secret that was not given here, so nobody can compare. */
export interface Difference {
  service: string
  name: string
  kind: 'env' | 'secret'
  change: 'new' | 'gone' | 'changed' | 'unknown'
}

/** Which variables and secrets a deploy from here would change. No value is shown, and no secret leaves a host. */
export async function envDiff(target: Target, of: { host: string | undefined }, ports: Ports): Promise<Answer> {
  const given = new Map<string, Secret>()
  for (const name of new Set(target.environment.services.flatMap(({ secrets }) => secrets))) {
    const secret = ports.secret(name)
    if (secret !== undefined) given.set(name, secret)
  }
  const answers = await askAll(
    hostsOf(target, of.host),
    async (host) => {
      await using one = await lookAt(host, target, ports)
      const kept = one.seen.releases.get(one.seen.current ?? '')
      const before = kept?.environment.services ?? []
      const known = new Set(before.flatMap(({ secrets }) => secrets))
      const compared = new Map([...given].filter(([name]) => known.has(name)))
      const facts = compared.size === 0 ? undefined : await ask(one.remote, compareProgram(homeOf(target), compared))
      const changed = new Set(facts?.all('changed').map(([name = '']) => name))
      const differences = compare(before, target.environment, { given: new Set(given.keys()), changed })
      return { ...(one.seen.current === undefined ? {} : { release: one.seen.current }), differences }
    },
    ports,
  )
  const lines = answers.flatMap((one) => {
    if (one.error !== undefined) return [showRefusal(one.host, one.error)]
    if (one.differences.length === 0) return [`${one.host}: a deploy from here would change no variable and no secret`]
    return one.differences.map(({ service, name, kind, change }) => {
      const why = change === 'unknown' ? ' (not known: the secret is not in the environment here)' : ''
      return `${one.host}: ${service}: ${signs[change]} ${kind === 'secret' ? 'secret ' : ''}${name}${why}`
    })
  })
  return { text: `${lines.join('\n')}\n`, json: answers, ...exitOf(answers) }
}

const signs = { new: '+', gone: '-', changed: '~', unknown: '?' } as const

/** @param secrets which are given here, and which of them have another value on the host */
export function compare(
  before: readonly Service[],
  { services: after }: Pick<Environment, 'services'>,
  secrets: { given: ReadonlySet<string>; changed: ReadonlySet<string> },
): Difference[] {
  const names = [...new Set([...after, ...before].map(({ name }) => name))]
  return names.flatMap((service) => {
    const [was, will] = [before, after].map((services) => services.find(({ name }) => name === service))
    const env = [...new Set([...Object.keys(will?.env ?? {}), ...Object.keys(was?.env ?? {})])].flatMap((name): Difference[] => {
      const change = changeOf(was?.env[name], will?.env[name])
      return change === undefined ? [] : [{ service, name, kind: 'env', change }]
    })
    const hidden = [...new Set([...(will?.secrets ?? []), ...(was?.secrets ?? [])])].flatMap((name): Difference[] => {
      const [had, has] = [was, will].map((one) => one?.secrets.includes(name) === true)
      const change = !has ? 'gone' : !had ? 'new' : !secrets.given.has(name) ? 'unknown' : secrets.changed.has(name) ? 'changed' : undefined
      return change === undefined ? [] : [{ service, name, kind: 'secret', change }]
    })
    return [...env, ...hidden]
  })
}

function changeOf(was: string | undefined, will: string | undefined): Difference['change'] | undefined {
  if (was === will) return undefined
  return was === undefined ? 'new' : will === undefined ? 'gone' : 'changed'
}
