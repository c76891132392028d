import type { RuleEntry } from './finding.ts'
import { composeRules } from './rules/compose.ts'
import { insideRules } from './rules/compose-inside.ts'
import { configurationRules } from './rules/configuration.ts'
import { contextRules } from './rules/context.ts'
import { dockerfileRules } from './rules/dockerfile.ts'
import { githubRules } from './rules/github.ts'
import { hostRules, keyRules } from './rules/host.ts'
import { imageRules } from './rules/image.ts'
import { invalidRules } from './rules/invalid.ts'
import { loopbackRules } from './rules/loopback.ts'
import { machineRules } from './rules/machine.ts'
import { overlapRules } from './rules/overlap.ts'
import { passwordRules } from './rules/passwords.ts'
import { registryRules } from './rules/registry.ts'
import { renderRules } from './rules/render.ts'
import { scanRules } from './rules/scan.ts'
import { secretRules } from './rules/secrets.ts'
import { startRules } from './rules/start.ts'
import { workflowRules } from './rules/workflows.ts'

/** What the files of the repository alone tell. */
export const sourceRules = [
  ...configurationRules,
  ...scanRules,
  ...dockerfileRules,
  ...imageRules,
  ...contextRules,
  ...startRules,
  ...loopbackRules,
  ...overlapRules,
  ...composeRules,
  ...passwordRules,
  ...insideRules,
  ...workflowRules,
]

/** Everything that doctor looks at: the list of the guide. */
export const allRules: readonly RuleEntry[] = [
  ...invalidRules,
  ...sourceRules,
  ...renderRules,
  ...machineRules,
  ...secretRules,
  ...registryRules,
  ...githubRules,
  ...hostRules,
  ...keyRules,
]
