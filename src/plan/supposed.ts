import { LaunchwayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { Ports } from '../core/ports.ts'
import { eventNames } from '../core/stages.ts'
import { headRef, headSha, isRefName, originHead, remote, shaOf, webAddress } from '../tools/git.ts'
import { type Trigger, triggerOf } from './trigger.ts'

/** What somebody says of an event that has not been. */
export interface Supposition {
  ref?: string
  /** The branch that a change is proposed for. */
  base?: string
  environment?: string
  rebuild?: boolean
}

/**
 * What a runner would say of an event that has not been: for somebody who wants to know what it would lead to. The ref
 * need not be there; without one it is the branch that is checked out, and of a schedule the default branch, as on GitHub.
 * @throws LaunchwayError USAGE
 */
export async function supposedTrigger(event: string, asked: Supposition, ports: Ports): Promise<Trigger> {
  const meant = eventNames.some((name) => name === event) || event === 'pull_request_target' ? undefined : nearest(event, eventNames)
  if (meant !== undefined) throw new LaunchwayError('USAGE', `there is no event "${event}"`, { hint: `Did you mean --event ${meant}?` })
  for (const [option, given] of Object.entries({ ref: asked.ref, base: asked.base }))
    if (given !== undefined) requireName(option, given, fullRef(given, event))
  const ref = await refOf(event, asked, ports)
  if (event === 'release' && !ref.startsWith('refs/tags/')) {
    throw new LaunchwayError(
      'USAGE',
      `a release is of a tag, and ${ref === '' ? 'nothing but a commit is checked out' : `${ref} is a branch`}`,
      {
        hint: 'Name the tag, which need not be there yet: --ref refs/tags/v1.2.3',
      },
    )
  }
  const known = await commitOf(ref, ports)
  const sha = known ?? (await ports.exec.read(headSha(ports.root)).catch(() => '0'.repeat(7)))
  if (known === undefined && asked.ref !== undefined)
    ports.log.notice(`${ref} is not here: supposed to be at what is checked out, ${sha.slice(0, 7)}`)
  const base = await baseOf(event, { ...asked, ref }, ports)
  const [, number] = /^refs\/pull\/(\d+)\//.exec(ref) ?? []
  if (event === 'pull_request' && number === undefined)
    ports.log.notice('the number of the pull request is unknown, and 0 stands for it: --ref refs/pull/N/merge')
  const payload = {
    ...(event === 'release' ? { action: 'published', release: { tag_name: ref.replace(/^refs\/tags\//, '') } } : {}),
    ...(event === 'pull_request'
      ? { pull_request: { number: Number(number ?? 0), head: { sha }, ...(base === undefined ? {} : { base: { ref: base } }) } }
      : {}),
    ...(event === 'merge_group' && base !== undefined ? { merge_group: { base_ref: `refs/heads/${base}` } } : {}),
  }
  const trigger = triggerOf({ GITHUB_EVENT_NAME: event, GITHUB_REF: ref, GITHUB_SHA: sha }, JSON.stringify(payload))
  const source = webAddress(await ports.exec.read(remote(ports.root)).catch(() => ''))
  return {
    ...trigger,
    ...(source === undefined ? {} : { source }),
    supposed: true,
    ...(asked.environment === undefined ? {} : { environment: asked.environment }),
    ...(asked.rebuild === true ? { rebuild: true } : {}),
  }
}

async function refOf(event: string, { ref }: Supposition, ports: Ports): Promise<string> {
  if (ref !== undefined) return fullRef(ref, event)
  const standing = event === 'schedule' ? await defaultBranch(ports) : undefined
  if (standing !== undefined) return `refs/heads/${standing}`
  const head = await ports.exec.read(headRef(ports.root)).catch(() => '')
  if (event === 'schedule')
    ports.log.notice(
      `a schedule is of the default branch, which this clone does not know: ${head === '' ? 'what' : `${head}, which`} is checked out, is taken for it. Say --ref BRANCH, or once for all: git remote set-head origin --auto`,
    )
  return head
}

/** @throws LaunchwayError USAGE for what git calls no branch and no tag */
function requireName(option: string, given: string, ref: string): void {
  if (isRefName(ref)) return
  throw new LaunchwayError('USAGE', `--${option} "${given}" is the name of no branch or tag`, {
    hint: 'A branch is named main or refs/heads/main, a tag refs/tags/v1.2.0. What git takes as a name: git help check-ref-format',
  })
}

/** Here, or where the remote has the branch. */
async function commitOf(ref: string, { exec, root }: Ports): Promise<string | undefined> {
  const read = (one: string): Promise<string | undefined> => exec.read(shaOf(one, root)).catch(() => undefined)
  return (await read(ref)) ?? (ref.startsWith('refs/heads/') ? read(ref.replace('refs/heads/', 'refs/remotes/origin/')) : undefined)
}

/**
 * Where a change would go: the word of who asks, then the name of a branch of the merge queue, then the default branch, as
 * whoever opens a pull request has it offered.
 * @throws LaunchwayError USAGE
 */
async function baseOf(event: string, { base, ref = '' }: Supposition, ports: Ports): Promise<string | undefined> {
  if (event !== 'pull_request' && event !== 'merge_group') {
    if (base === undefined) return undefined
    throw new LaunchwayError('USAGE', `a ${event} is proposed for no branch`, {
      hint: '--base goes with --event pull_request and merge_group.',
    })
  }
  const [, queued] = /^refs\/heads\/gh-readonly-queue\/(.+)\/pr-\d+-[0-9a-f]+$/.exec(ref) ?? []
  const known = base?.replace(/^refs\/heads\//, '') ?? queued ?? (await defaultBranch(ports))
  if (known === undefined) ports.log.notice('this clone does not know for which branch that is: say --base BRANCH for what depends on it')
  return known
}

async function defaultBranch({ exec, root }: Ports): Promise<string | undefined> {
  const head = await exec.read(originHead(root)).catch(() => undefined)
  return head?.replace(/^refs\/remotes\/origin\//, '')
}

/** A release is of a tag; all else of a branch, unless it says so. */
export function fullRef(ref: string, event = 'push'): string {
  if (ref.startsWith('refs/')) return ref
  return event === 'release' ? `refs/tags/${ref}` : `refs/heads/${ref}`
}
