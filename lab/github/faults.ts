import { z } from 'zod'
import type { Operation } from './description.ts'
import { Refusal } from './refusal.ts'

/** What `POST /lab/fail` takes: the next requests that match are answered with this. */
export const Fault = z.strictObject({
  method: z.string().toUpperCase().optional(),
  /** An operation's template, or the beginning of a path. */
  path: z.string(),
  status: z.int().min(400).max(599),
  times: z.int().min(1).default(1),
  message: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
})
export type Fault = z.infer<typeof Fault>

const levels = ['none', 'read', 'write'] as const
const areas = ['checks', 'contents', 'deployments', 'issues', 'metadata', 'security-events', 'statuses'] as const

/** What `POST /lab/permissions` takes, as a workflow would write it. What is not named stays as it is; at first everything may be written. */
export const Permissions = z.partialRecord(z.enum(areas), z.enum(levels))
export type Permissions = z.infer<typeof Permissions>

/** What GitHub says with a status when nothing else is to be said. */
const usual: Record<number, string> = {
  403: 'Resource not accessible by integration',
  404: 'Not Found',
  409: 'Conflict',
  422: 'Validation Failed',
  429: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
  500: 'Server Error',
  502: 'Server Error',
  503: 'Service Unavailable',
}

/** The fault that this request meets, counted down. */
export function meetFault(faults: Fault[], method: string, path: string, operation: Pick<Operation, 'template'>): Refusal | undefined {
  const fault = faults.find(
    (candidate) => (candidate.method ?? method) === method && (candidate.path === operation.template || path.startsWith(candidate.path)),
  )
  if (fault === undefined) return undefined
  fault.times -= 1
  if (fault.times === 0) faults.splice(faults.indexOf(fault), 1)
  const limited = fault.headers['x-ratelimit-remaining'] === '0' ? 'API rate limit exceeded for installation.' : undefined
  return new Refusal(fault.status, fault.message ?? limited ?? usual[fault.status] ?? 'Server Error', { headers: fault.headers })
}

export function checkPermission(permissions: Permissions, operation: Operation): void {
  const level = permissions[areaOf(operation)] ?? 'write'
  if (level === 'write' || (level === 'read' && operation.method === 'GET')) return
  throw new Refusal(403, 'Resource not accessible by integration')
}

/** The permission of a workflow that an operation needs. */
function areaOf({ operationId, template }: Operation): (typeof areas)[number] {
  if (operationId.startsWith('code-scanning/')) return 'security-events'
  if (operationId.startsWith('checks/')) return 'checks'
  if (operationId.startsWith('issues/')) return 'issues'
  if (template.includes('/deployments')) return 'deployments'
  if (/\/status(es)?(\/|$)/.test(template)) return 'statuses'
  return operationId === 'repos/get' ? 'metadata' : 'contents'
}
