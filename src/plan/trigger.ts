import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { type EventName, eventNames, isProposal } from '../core/stages.ts'

/** What set this run off. */
export interface Trigger {
  event: EventName
  /** `refs/heads/…` or `refs/tags/…` */
  ref?: string
  sha: string
  /** Address of the repository, without logins. */
  source?: string
  pullRequest?: number
  /** The branch that a change is proposed for. */
  base?: string
  /** The branch that GitHub names beside a pushed tag; seldom the one that people mean. */
  taggedOn?: string
  /** As the event says it. */
  defaultBranch?: string
  /** When the commit was made, as the event says it. */
  committed?: Date
  /** What GitHub says of the repository. */
  repository?: { name: string; description?: string; url?: string; license?: string }
  /** The environment that was asked for by name. */
  environment?: string
  /** What is built is not what the commit holds. */
  dirty?: true
  /** Somebody wants everything built, whatever is known. */
  rebuild?: boolean
  /** Nothing has set it off: somebody wants to know what it would lead to. */
  supposed?: true
  /** In words, why there is nothing to release although the event is one that releases. */
  idle?: string
}

/** What a plan may need beside the event: of the repository, and the time. */
export interface Facts {
  now?: Date
  /** Undefined where it is not known; the event's own words go first. */
  defaultBranch?: string
  committed?: Date
}

const Payload = z.object({
  pull_request: z
    .object({ number: z.int(), head: z.object({ sha: z.string() }), base: z.object({ ref: z.string() }).optional() })
    .optional(),
  merge_group: z.object({ base_ref: z.string() }).optional(),
  release: z.object({ tag_name: z.string() }).optional().catch(undefined),
  action: z.string().optional(),
  deleted: z.boolean().optional(),
  /** Of the push of a tag. */
  base_ref: z.string().nullish(),
  head_commit: z
    .object({ id: z.string(), timestamp: z.iso.datetime({ offset: true }) })
    .nullish()
    .catch(undefined),
  repository: z
    .object({
      name: z.string(),
      default_branch: z.string().optional(),
      description: z.string().nullish(),
      html_url: z.string().optional(),
      license: z.object({ spdx_id: z.string().nullish() }).nullish(),
    })
    .optional()
    .catch(undefined),
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
  const said = read(payload)
  const { pull_request: pull, merge_group: queued, release, action, deleted } = said
  const ref = release === undefined ? env['GITHUB_REF'] : `refs/tags/${release.tag_name}`
  const idle = event === 'release' ? idleRelease(action) : event === 'push' ? idlePush(ref, deleted) : idleProposal(event, action)
  // On a pull request GITHUB_SHA is a merge that nobody made; what people look for is the head of their branch.
  const sha = pull?.head.sha ?? env['GITHUB_SHA'] ?? ''
  const [server, repository] = [env['GITHUB_SERVER_URL'], env['GITHUB_REPOSITORY']]
  const base = pull?.base?.ref ?? queued?.base_ref.replace(/^refs\/heads\//, '')
  return {
    event,
    sha: idle === undefined ? commit(sha) : sha,
    ...(ref === undefined || ref === '' ? {} : { ref }),
    ...(server === undefined || repository === undefined ? {} : { source: `${server}/${repository}` }),
    ...(pull === undefined ? {} : { pullRequest: pull.number }),
    ...(base === undefined ? {} : { base }),
    ...(idle === undefined ? {} : { idle }),
    ...saidBeside(said, sha),
  }
}

/** @throws LaunchwayError USAGE for what GitHub never wrote */
function read(payload: string): z.infer<typeof Payload> {
  let json: unknown
  try {
    json = JSON.parse(payload === '' ? '{}' : payload)
  } catch (cause) {
    throw new LaunchwayError('USAGE', 'the event of this run is not JSON', {
      cause,
      hint: 'A runner writes it to the file at GITHUB_EVENT_PATH.',
    })
  }
  const { data, error } = Payload.safeParse(json)
  if (data !== undefined) return data
  throw new LaunchwayError('USAGE', 'the event of this run is not one of GitHub', {
    hint: `A runner writes it to the file at GITHUB_EVENT_PATH:\n${z.prettifyError(error)}`,
  })
}

/** What only labels and tags ask for. */
function saidBeside({ base_ref: taggedOn, head_commit: head, repository }: z.infer<typeof Payload>, sha: string): Partial<Trigger> {
  const { name, default_branch: branch, description, html_url: url, license } = repository ?? {}
  return {
    ...(taggedOn === undefined || taggedOn === null ? {} : { taggedOn: taggedOn.replace(/^refs\/heads\//, '') }),
    ...(branch === undefined ? {} : { defaultBranch: branch }),
    ...(head?.id === sha ? { committed: new Date(head.timestamp) } : {}),
    ...(name === undefined
      ? {}
      : {
          repository: {
            name,
            ...(typeof description === 'string' ? { description } : {}),
            ...(url === undefined ? {} : { url }),
            ...(typeof license?.spdx_id === 'string' ? { license: license.spdx_id } : {}),
          },
        }),
  }
}

/** A workflow that names no types runs on each of them: nobody expects a corrected release note to deploy. */
function idleRelease(action: string | undefined): string | undefined {
  return action === undefined || publications.includes(action) ? undefined : `the release was ${action}, not published`
}

/** Who asks for these activities has something to clean up; there is nothing to build any more. */
function idleProposal(event: EventName, action: string | undefined): string | undefined {
  const end = 'what is merged is released by its push'
  if (event === 'pull_request' && action === 'closed') return `the pull request was closed: ${end}`
  return event === 'merge_group' && action === 'destroyed' ? `the entry has left the merge queue: ${end}` : undefined
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

/** `4f2a9c1`: the tag of a commit must never name anything else, so what was built of changed files says so. */
export function shortSha(trigger: Trigger): string {
  return longSha({ ...trigger, sha: trigger.sha.slice(0, 7) })
}

export function longSha({ sha, dirty }: Trigger): string {
  return `${sha}${dirty === true ? '-dirty' : ''}`
}

/** GitHub runs a schedule on the default branch alone. */
export function isOnDefaultBranch(trigger: Trigger, facts: Facts): boolean {
  const name = branchOf(trigger)
  return trigger.event === 'schedule' || (name !== undefined && name === (trigger.defaultBranch ?? facts.defaultBranch))
}
