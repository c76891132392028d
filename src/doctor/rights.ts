import { z } from 'zod'
import { placed } from '../config/places.ts'
import type { Where } from './finding.ts'

/** A right of the job's token that a step of launchway needs. */
export interface NeededRight {
  /** As `permissions:` calls it. */
  scope: string
  /** What needs it, in words. */
  what: string
  job: string
  where: Where
  /** Undefined where neither the job nor the workflow says its rights: the repository decides then. */
  isGiven: boolean | undefined
}

const Permissions = z
  .union([z.enum(['read-all', 'write-all']), z.record(z.string(), z.string())])
  .optional()
  .catch(undefined)
const Step = z.looseObject({ uses: z.string().catch(''), with: z.record(z.string(), z.unknown()).catch({}) })
const Job = z.looseObject({ permissions: Permissions, steps: z.array(Step).catch([]), if: z.string().catch('') })
const Workflow = z.looseObject({ on: z.unknown(), permissions: Permissions, jobs: z.record(z.string(), Job).catch({}) })
type Workflow = z.infer<typeof Workflow>

/** Which right an input asks for, and of which actions it is one; the empty name is the action for all of it. */
const asking = {
  deployments: { scope: 'deployments', of: ['', 'deploy', 'rollback', 'abort'] },
  comment: { scope: 'pull-requests', of: ['', 'scan'] },
  issue: { scope: 'issues', of: ['', 'scan'] },
  'code-scanning': { scope: 'security-events', of: ['', 'scan'] },
} as const

/** What the workflows of a repository ask of GitHub by what they say themselves. */
export function neededRights(workflows: ReadonlyMap<string, string>): NeededRight[] {
  return [...workflows].flatMap(([file, text]) => {
    const { value, at } = placed(text, file)
    const { data } = Workflow.safeParse(value)
    return data === undefined ? [] : Object.keys(data.jobs).flatMap((job) => ofJob(data, job, at))
  })
}

function ofJob({ on, permissions: general, jobs }: Workflow, name: string, at: ReturnType<typeof placed>['at']): NeededRight[] {
  const { steps = [], permissions = general, if: condition = '' } = jobs[name] ?? {}
  return steps.flatMap((step, index): NeededRight[] => {
    const found = /(?:^|\/)launchway(?:\/actions\/([\w-]+))?@/.exec(step.uses)
    // Another token has rights of its own, which no file says.
    if (found === null || !isOfJob(step.with['github-token'])) return []
    const [, action = ''] = found
    const need = (scope: string, what: string, key: string[]): NeededRight => ({
      ...{ scope, what, job: name, where: at(['jobs', name, 'steps', index, ...key], true) },
      isGiven: permissions === undefined ? undefined : gives(permissions, scope),
    })
    const inputs = Object.entries(asking).flatMap(([input, { scope, of }]) =>
      String(step.with[input]) === 'true' && of.some((one) => one === action) ? [need(scope, `${input}: true`, ['with', input])] : [],
    )
    const publishes =
      (action === 'push' || (action === '' && step.with['redeploy'] === undefined)) &&
      eventsOf(on).includes('release') &&
      // Jobs may be of another event: which, only a run tells.
      !condition.includes('github.event_name')
    return publishes ? [...inputs, need('contents', 'the record and the SBOMs as files of the release', ['uses'])] : inputs
  })
}

function isOfJob(token: unknown): boolean {
  return token === undefined || (typeof token === 'string' && /^\$\{\{\s*(?:github\.token|secrets\.GITHUB_TOKEN)\s*\}\}$/.test(token))
}

function gives(permissions: NonNullable<z.infer<typeof Permissions>>, scope: string): boolean {
  return typeof permissions === 'string' ? permissions === 'write-all' : permissions[scope] === 'write'
}

function eventsOf(on: unknown): readonly unknown[] {
  if (Array.isArray(on)) return on
  return typeof on === 'object' && on !== null ? Object.keys(on) : [on]
}
