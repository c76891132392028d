import { placed } from '../../config/places.ts'
import type { Found, Rule } from '../finding.ts'
import { neededRights } from '../rights.ts'
import type { Sources } from '../sources.ts'

/** As `init` and the workflows to copy have it, with one of the two or both still to be written. */
const unfilled = /\buses:\s*['"]?((?:OWNER\/launchway(?:\/[\w./-]*)?@\S+|[\w.-]+\/launchway(?:\/[\w./-]*)?@COMMIT)\b)/

export const workflowRules: readonly Rule<Sources>[] = [
  {
    id: 'launchway-unfilled',
    topic: 'github',
    severity: 'error',
    looks: 'workflows in which OWNER or COMMIT stands where launchway is to be named',
    why: 'GitHub cannot find an action of that name: no job of the workflow starts.',
    fix: "Put for OWNER the account that launchway's repository is under, and for COMMIT the full hash of the release that you have read: git ls-remote https://github.com/OWNER/launchway 'refs/tags/*' lists them.",
    find: ({ workflows }) =>
      [...workflows].flatMap(([file, text]) =>
        text.split(/\r?\n/).flatMap((line, index) => {
          const named = unfilled.exec(line)?.[1]
          return named === undefined ? [] : [{ where: { file, line: index + 1 }, what: `uses ${named}, which is still to be filled in` }]
        }),
      ),
  },
  {
    id: 'pull-request-target',
    topic: 'github',
    severity: 'error',
    looks: 'workflows that run launchway on pull_request_target, and those of them that check out what a fork has',
    why: 'That event has the secrets of the base repository and may write to it: code of a fork that is built there can take them. launchway refuses it: USAGE.',
    fix: 'Use pull_request: what comes of a fork is built and tested there without a secret. Leave to pull_request_target what runs no code of the fork, in a workflow of its own.',
    find: ({ workflows }) => [...workflows].flatMap(([file, text]) => onTarget(file, text)),
  },
  {
    id: 'workflow-rights',
    topic: 'github',
    severity: 'warning',
    looks:
      'jobs whose `permissions:` lack a right that their steps of launchway ask for (`deployments`, `comment`, `issue`, `code-scanning`; the files of a release on GitHub)',
    why: 'A job whose rights are named has no other one. Each run warns of it, and what was asked for is not there.',
    fix: 'Give the job this right, or do not ask for it.',
    find: ({ workflows }) =>
      neededRights(workflows).flatMap(({ scope, what, job, where, isGiven }) =>
        isGiven === false
          ? [
              {
                where,
                what: `the job ${job} may not: ${what} needs ${scope}: write`,
                fix: `Add to the permissions of the job: ${scope}: write`,
              },
            ]
          : [],
      ),
  },
]

const runs = /\buses:\s*['"]?\S*launchway(\/actions\/[\w-]+)?@|\blaunchway\s+(run|build|smoke|scan|push|deploy|redeploy)\b/
/** What of a workflow names the code of whoever asks. */
const ofFork = /\bgithub\.(event\.pull_request\.head\.(sha|ref|repo)|head_ref)\b|\brefs\/pull\//

function onTarget(file: string, text: string): Found[] {
  if (!runs.test(text)) return []
  const { value, at } = placed(text, file)
  const on: unknown = typeof value === 'object' && value !== null && 'on' in value ? value.on : undefined
  const event = 'pull_request_target'
  const path = Array.isArray(on) ? ['on', on.indexOf(event)] : on === event ? ['on'] : ['on', event]
  const isOn = on === event || (Array.isArray(on) ? on.includes(event) : typeof on === 'object' && on !== null && Object.hasOwn(on, event))
  if (!isOn) return []
  const checksOut = ofFork.test(text)
  // Steps may be of another event: which, only a run tells.
  const mayNot = !checksOut && /\bgithub\.event_name\b/.test(text)
  const what = `runs launchway on ${event}${checksOut ? ', with what a fork has checked out' : ''}`
  return [{ where: at(path, !Array.isArray(on) && on !== event), what, ...(mayNot ? { severity: 'warning' as const } : {}) }]
}
