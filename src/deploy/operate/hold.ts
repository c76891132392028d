import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { heldError, heldWords } from '../held.ts'
import type { Hold } from '../observation.ts'
import { homeOf } from '../program.ts'
import { type Answer, ask, changeAll, connectTo, exitOf, type Facts, showRefusal, type Target } from './hosts.ts'
import { holdProgram, liftProgram } from './program.ts'

/** Keeps everybody from deploying to the hosts of an environment. Somebody else's lock is not taken over. */
export async function lock(target: Target, { reason = '' }: { reason?: string | undefined }, ports: Ports): Promise<Answer> {
  const { hosts } = target.environment
  const answers = await changeAll(
    hosts,
    async (host) => {
      await using remote = await connectTo(host, target, ports)
      const facts = await ask(remote, holdProgram(homeOf(target), { by: ports.who, reason }))
      const held = holdIn(facts)
      if (held === undefined) throw notDone(host, 'locked', facts)
      if (facts.first('did') !== 'yes') throw heldError(host, heldWords(held))
      return { held }
    },
    ports,
  )
  const lines = answers.map((one) =>
    one.error === undefined ? `${one.host}: locked by ${heldWords(one.held)}` : showRefusal(one.host, one.error),
  )
  return { text: `${lines.join('\n')}\n`, json: answers, ...exitOf(answers) }
}

/** Lets everybody deploy again, whoever locked it. */
export async function unlock(target: Target, ports: Ports): Promise<Answer> {
  const answers = await changeAll(
    target.environment.hosts,
    async (host) => {
      await using remote = await connectTo(host, target, ports)
      const facts = await ask(remote, liftProgram(homeOf(target)))
      const held = holdIn(facts)
      if (held !== undefined && facts.first('did') !== 'yes') throw notDone(host, 'unlocked', facts)
      return held === undefined ? {} : { held }
    },
    ports,
  )
  const lines = answers.map((one) => {
    if (one.error !== undefined) return showRefusal(one.host, one.error)
    return `${one.host}: ${one.held === undefined ? 'was not locked' : `unlocked; it was locked by ${heldWords(one.held)}`}`
  })
  return { text: `${lines.join('\n')}\n`, json: answers, ...exitOf(answers) }
}

/** Of the line of the file, as a fact. */
export function holdIn(facts: Facts): Hold | undefined {
  const [since, by, reason = ''] = facts.all('held')[0] ?? []
  return since === undefined || by === undefined ? undefined : { since, by, reason }
}

function notDone(host: string, what: string, facts: Facts): LaunchwayError {
  return new LaunchwayError('HOST_UNFIT', `${host} could not be ${what}`, { hint: facts.first('said') ?? 'The host gave no reason.' })
}
