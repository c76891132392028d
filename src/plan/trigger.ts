import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { type EventName, eventNames, isProposal } from '../core/stages.ts'

/** What set this run off. */
export interface Trigger {
  event: EventName
  /** `refs/heads/…` or `refs/tags/…` */
  ref?: string
  sha: string
  pullRequest?: number
  /** The branch that a change is proposed for. */
  base?: string
  /** The environment that was asked for by name. */
  environment?: string
  /** What is built is not what the commit holds. */
  dirty?: true
  /** Somebody wants everything built, whatever is known. */
  rebuild?: boolean
  /** In words, why there is nothing to release although the event is one that releases. */
  idle?: string
}

const Payload = z.object({
  pull_request: z
    .object({ number: z.int(), head: z.object({ sha: z.string() }), base: z.object({ ref: z.string() }).optional() })
    .optional(),
  merge_group: z.object({ base_ref: z.string() }).optional(),
  release: z.object({ tag_name: z.string() }).optional(),
  action: z.string().optional(),
  deleted: z.boolean().optional(),
})

/** Activities of a release that put it before people; its drafting, editing and deletion do not. */
const publications: readonly string[] = ['published', 'released', 'prereleased']

/**
 * Reads what a runner says of its event.
 * @param payload the text of the file at GITHUB_EVENT_PATH
 * @throws LaunchwayError USAGE for an event that launchway has nothing to do with
 */
export function triggerOf(env: Record<string, string | undefined>, payload: string): Trigger {
  const event = env['GITHUB_EVENT_NAME'] ?? ''
  if (event === 'pull_request_target') {
    throw new LaunchwayError('USAGE', 'launchway does not run on pull_request_target', {
      hint: "That event has the base repository's secrets: building a fork's code there gives them away. Use pull_request.",
    })
  }
  if (!isEventName(event)) {
    throw new LaunchwayError('USAGE', `launchway has nothing to do on the event "${event}"`, {
      hint: `It runs on: ${eventNames.filter((one) => one !== 'local').join(', ')}.`,
    })
  }
  const { pull_request: pull, merge_group: queued, release, action, deleted } = Payload.parse(JSON.parse(payload === '' ? '{}' : payload))
  const ref = release === undefined ? env['GITHUB_REF'] : `refs/tags/${release.tag_name}`
  const idle = event === 'release' ? idleRelease(action) : event === 'push' ? idlePush(ref, deleted) : undefined
  // On a pull request GITHUB_SHA is a merge that nobody made; what people look for is the head of their branch.
  const sha = pull?.head.sha ?? env['GITHUB_SHA'] ?? ''
  const base = pull?.base?.ref ?? queued?.base_ref.replace(/^refs\/heads\//, '')
  return {
    event,
    sha: idle === undefined ? commit(sha) : sha,
    ...(ref === undefined || ref === '' ? {} : { ref }),
    ...(pull === undefined ? {} : { pullRequest: pull.number }),
    ...(base === undefined ? {} : { base }),
    ...(idle === undefined ? {} : { idle }),
  }
}

/** A workflow that names no types runs on each of them: nobody expects a corrected release note to deploy. */
function idleRelease(action: string | undefined): string | undefined {
  return action === undefined || publications.includes(action) ? undefined : `the release was ${action}, not published`
}

/** GitHub names the default branch when another was deleted, and pushes the branches of its merge queue. */
function idlePush(ref: string | undefined, deleted: boolean | undefined): string | undefined {
  if (deleted === true) return 'the branch or tag was deleted'
  return ref?.startsWith('refs/heads/gh-readonly-queue/') === true ? 'a branch of the merge queue is built on merge_group only' : undefined
}

/** Git's name for "no commit" is all zeros. */
function commit(sha: string): string {
  if (/^[0-9a-f]{7,64}$/.test(sha) && !/^0+$/.test(sha)) return sha
  throw new LaunchwayError('USAGE', `the event names no commit: GITHUB_SHA is "${sha}"`, {
    hint: 'A runner sets GITHUB_SHA; outside of one use the command line: launchway run.',
  })
}

function isEventName(word: string): word is EventName {
  return eventNames.some((name) => name === word && name !== 'local')
}

/** `master` of `refs/heads/master`. */
export function branchOf(trigger: Trigger): string | undefined {
  // A merge queue has branches of its own, named after the pull request: no rule is meant for them.
  return !isProposal(trigger) && trigger.ref?.startsWith('refs/heads/') === true ? trigger.ref.slice('refs/heads/'.length) : undefined
}

export function tagOf({ ref }: Trigger): string | undefined {
  return ref?.startsWith('refs/tags/') === true ? ref.slice('refs/tags/'.length) : undefined
}
