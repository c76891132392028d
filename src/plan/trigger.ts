import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { type EventName, eventNames } from '../core/stages.ts'

/** What set this run off. */
export interface Trigger {
  event: EventName
  /** `refs/heads/…` or `refs/tags/…` */
  ref?: string
  sha: string
  pullRequest?: number
  /** The environment that was asked for by name. */
  environment?: string
}

const Payload = z.object({
  pull_request: z.object({ number: z.int(), head: z.object({ sha: z.string() }) }).optional(),
  release: z.object({ tag_name: z.string() }).optional(),
})

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
  const { pull_request: pull, release } = Payload.parse(JSON.parse(payload === '' ? '{}' : payload))
  const ref = release === undefined ? env['GITHUB_REF'] : `refs/tags/${release.tag_name}`
  return {
    event,
    // On a pull request GITHUB_SHA is a merge that nobody made; what people look for is the head of their branch.
    sha: pull?.head.sha ?? env['GITHUB_SHA'] ?? '',
    ...(ref === undefined || ref === '' ? {} : { ref }),
    ...(pull === undefined ? {} : { pullRequest: pull.number }),
  }
}

function isEventName(word: string): word is EventName {
  return eventNames.some((name) => name === word && name !== 'local')
}

/** `master` of `refs/heads/master`. */
export function branchOf({ ref, event }: Trigger): string | undefined {
  return event !== 'pull_request' && ref?.startsWith('refs/heads/') === true ? ref.slice('refs/heads/'.length) : undefined
}

export function tagOf({ ref }: Trigger): string | undefined {
  return ref?.startsWith('refs/tags/') === true ? ref.slice('refs/tags/'.length) : undefined
}
