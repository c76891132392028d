import { LaunchwayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { Ports } from '../core/ports.ts'
import { eventNames } from '../core/stages.ts'
import { headRef, headSha, shaOf } from '../tools/git.ts'
import { type Trigger, triggerOf } from './trigger.ts'

/**
 * What a runner would say of an event that has not been: for somebody who wants to know what it would lead to. The ref
 * need not be there; without one it is the branch that is checked out.
 * @throws LaunchwayError USAGE
 */
export async function supposedTrigger(
  event: string,
  { ref: asked, environment }: { ref?: string; environment?: string },
  ports: Ports,
): Promise<Trigger> {
  const meant = eventNames.some((name) => name === event) || event === 'pull_request_target' ? undefined : nearest(event, eventNames)
  if (meant !== undefined) throw new LaunchwayError('USAGE', `there is no event "${event}"`, { hint: `Did you mean --event ${meant}?` })
  const ref = asked === undefined ? await ports.exec.read(headRef(ports.root)).catch(() => '') : fullRef(asked, event)
  if (event === 'release' && !ref.startsWith('refs/tags/')) {
    throw new LaunchwayError(
      'USAGE',
      `a release is of a tag, and ${ref === '' ? 'nothing but a commit is checked out' : `${ref} is a branch`}`,
      {
        hint: 'Name the tag, which need not be there yet: --ref refs/tags/v1.2.3',
      },
    )
  }
  const known = await ports.exec.read(shaOf(ref, ports.root)).catch(() => undefined)
  const sha = known ?? (await ports.exec.read(headSha(ports.root)).catch(() => '0'.repeat(7)))
  if (known === undefined && asked !== undefined)
    ports.log.notice(`${ref} is not here: supposed to be at what is checked out, ${sha.slice(0, 7)}`)
  const [, number] = /^refs\/pull\/(\d+)\//.exec(ref) ?? []
  const payload = {
    ...(event === 'release' ? { action: 'published', release: { tag_name: ref.replace(/^refs\/tags\//, '') } } : {}),
    ...(event === 'pull_request' ? { pull_request: { number: Number(number ?? 0), head: { sha } } } : {}),
  }
  const trigger = triggerOf({ GITHUB_EVENT_NAME: event, GITHUB_REF: ref, GITHUB_SHA: sha }, JSON.stringify(payload))
  return { ...trigger, supposed: true, ...(environment === undefined ? {} : { environment }) }
}

/** A release is of a tag; all else of a branch, unless it says so. */
export function fullRef(ref: string, event = 'push'): string {
  if (ref.startsWith('refs/')) return ref
  return event === 'release' ? `refs/tags/${ref}` : `refs/heads/${ref}`
}
