import type { Environment, Service } from '../../core/deployment.ts'
import type { Ports } from '../../core/ports.ts'
import { withComposed } from '../composed.ts'
import { withEnvFiles } from '../env-files.ts'
import { lookAt } from '../look.ts'
import { homeOf } from '../program.ts'
import { type Answer, ask, askAll, exitOf, hostsOf, showRefusal, type Target } from './hosts.ts'
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
  const { environment, own } = withComposed(await withEnvFiles(target.environment, ports), ports.secret, ports.conceal)
  const given = environment.services.flatMap(({ name: service, secrets }) =>
    secrets.flatMap((name) => {
      const value = own.get(service)?.get(name) ?? ports.secret(name)
      return value === undefined ? [] : [{ service, name, value }]
    }),
  )
  const answers = await askAll(
    hostsOf(target, of.host),
    async (host) => {
      await using one = await lookAt(host, target, ports)
      const kept = one.seen.releases.get(one.seen.current ?? '')
      const before = kept?.environment.services ?? []
      const known = new Set(before.flatMap(({ name: service, secrets }) => secrets.map((name) => `${service}.${name}`)))
      const compared = given.filter(({ service, name }) => known.has(`${service}.${name}`))
      const facts = compared.length === 0 ? undefined : await ask(one.remote, compareProgram(homeOf(target), compared))
      const changed = new Set(facts?.all('changed').map((words) => words.join('.')))
      const names = new Set(given.map(({ service, name }) => `${service}.${name}`))
      const differences = compare(before, environment, { given: names, changed })
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

/** @param secrets as `service.NAME`: which are given here, and which of them have another value on the host */
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
      const change = !has
        ? 'gone'
        : !had
          ? 'new'
          : !secrets.given.has(`${service}.${name}`)
            ? 'unknown'
            : secrets.changed.has(`${service}.${name}`)
              ? 'changed'
              : undefined
      return change === undefined ? [] : [{ service, name, kind: 'secret', change }]
    })
    return [...env, ...hidden]
  })
}

function changeOf(was: string | undefined, will: string | undefined): Difference['change'] | undefined {
  if (was === will) return undefined
  return was === undefined ? 'new' : will === undefined ? 'gone' : 'changed'
}
