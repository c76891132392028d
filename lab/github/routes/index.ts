import type { Handler } from '../call.ts'
import { codeScanning } from './code-scanning.ts'
import { commits } from './commits.ts'
import { deployments } from './deployments.ts'
import { issues } from './issues.ts'
import { releases } from './releases.ts'
import { repository } from './repository.ts'

/** By the description's operationId. */
export const routes: Readonly<Record<string, Handler>> = {
  ...repository,
  ...deployments,
  ...commits,
  ...issues,
  ...releases,
  ...codeScanning,
}
